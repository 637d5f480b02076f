"""The buckets, judged by what each is for: scenes, journals and leases, backups, Terraform's state."""

from __future__ import annotations

from blocks.backup import BackupPolicy
from blocks.bucket_facts import BucketFacts
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.lifecycle import judge_rules
from tasks.pipeline.deployed import Deployed

UNNAMED = Code(
    "bucket-unnamed",
    "error",
    "Without a data bucket there is nothing to look at, and without an ops bucket no run has a lease or a journal.",
    "Name it in the environment block (docs/deploy.md, 'The environment block').",
)
NO_BACKUP = Code(
    "no-backup-bucket",
    "warning",
    "Without a backup bucket nothing is backed up: what is lost beyond the bucket's own history is lost.",
    "Make one and name it as backup_bucket (docs/deploy.md, 'Google Cloud').",
)
MISSING = Code(
    "bucket-missing",
    "error",
    "Everything that reads or writes this bucket fails.",
    "Create the bucket, or correct its name in the environment block.",
)
NOT_APART = Code(
    "buckets-not-apart",
    "error",
    "Every object written to the pipeline's bucket may start workflows, and a fault of one bucket takes the other with it.",
    "Use a bucket of its own for each of data, ops and backup.",
)
OPS_RETENTION = Code(
    "ops-retention",
    "error",
    "Where retention keeps objects no lease can be renewed or given back: its scene stays locked for good.",
    "Use a bucket without a retention policy as ops_bucket, or take the policy away if it is not locked.",
)
OPS_HOLD = Code(
    "ops-default-hold",
    "error",
    "Where every new object is put under a hold no lease can be given back: its scene stays locked for good.",
    "Run `gcloud storage buckets update gs://BUCKET --no-default-event-based-hold`, or use another bucket.",
)
OPS_NO_UNDO = Code(
    "ops-no-undo",
    "warning",
    "What a remediation replaced or deleted is kept here, in quarantine, with the journals that say how to take it back. "
    "With neither versioning nor soft delete, whoever deletes that ends the undo.",
    "Turn soft delete on: `gcloud storage buckets update gs://BUCKET --soft-delete-duration=7d`.",
)
DATA_NO_UNDO = Code(
    "data-no-undo",
    "warning",
    "With neither versioning nor soft delete, what a person or the pipeline deletes is gone. Remediations copy first, to "
    "quarantine in the ops bucket, so only their own deletions can be undone.",
    "Turn soft delete on: `gcloud storage buckets update gs://BUCKET --soft-delete-duration=7d`.",
)
DATA_KEPT = Code(
    "data-kept",
    "error",
    "Retention, or a hold on every new object, without versioning lets nothing be deleted or replaced: every recovery "
    "that must clear bad outputs is refused.",
    "Turn versioning on beside it, or take retention and default hold off the data bucket.",
)
BACKUP_UNPROTECTED = Code(
    "backup-unprotected",
    "warning",
    "Whoever can write to a backup without retention, versioning and soft delete can end it with one command.",
    "Give it a retention policy, best locked (docs/deploy.md, 'Google Cloud').",
)
BACKUP_UNLOCKED = Code(
    "backup-unlocked",
    "note",
    "A retention policy that is not locked can be taken away by whoever may change the bucket.",
    "Lock it once you trust the settings: `gcloud storage buckets update gs://BUCKET --lock-retention-period`.",
)
BACKUP_LONG = Code(
    "backup-retention-long",
    "warning",
    "Nights that shall go after keep_nights cannot, as retention keeps them longer: expiry fails each night.",
    "Raise keep_nights of the backup policy above the retention period.",
)
BACKUP_HOLD = Code(
    "backup-default-hold",
    "warning",
    "Copies under an event-based hold are never let go, so the backup only grows and expiry fails each night.",
    "Use retention instead of a default hold on the backup bucket.",
)
BACKUP_NEAR = Code(
    "backup-near",
    "note",
    "A backup in the same project or location goes with it when that project or location is lost.",
    "Put the backup bucket into another project, and into another location if its price is right.",
)
NOT_UNIFORM = Code(
    "bucket-not-uniform",
    "note",
    "Single objects may have access lists of their own, so what IAM says of the bucket is not all.",
    "Turn uniform bucket-level access on.",
)
STATE_NO_UNDO = Code(
    "state-no-undo",
    "warning",
    "Without versioning an overwritten Terraform state exists only in last night's backup.",
    "Turn versioning on, as Terraform's own documentation advises.",
)
CODES = (
    UNNAMED, NO_BACKUP, MISSING, NOT_APART, OPS_RETENTION, OPS_HOLD, OPS_NO_UNDO, DATA_NO_UNDO, DATA_KEPT,
    BACKUP_UNPROTECTED, BACKUP_UNLOCKED, BACKUP_LONG, BACKUP_HOLD, BACKUP_NEAR, NOT_UNIFORM, STATE_NO_UNDO,
)  # fmt: skip
DAY = 24 * 3600


def names(deployed: Deployed) -> dict[str, str]:
    """The bucket of each role, as the environment names them; an empty name where there is none."""
    one = deployed.environment
    return {
        "data": one.data_bucket,
        "ops": one.ops_bucket,
        "backup": one.backup_bucket,
        "state": one.backup.terraform_state_bucket,
    }


def look_at_buckets(deployed: Deployed, look: Look) -> None:
    """Each bucket by its role."""
    named = names(deployed)
    for role in ("data", "ops"):
        look.judge(UNNAMED, role, f"The environment names no {role} bucket.", not named[role])
    look.judge(NO_BACKUP, "backup", "The environment names no backup bucket.", not named["backup"])
    apart(named, look)
    for role, name in named.items():
        if not name:
            continue
        with look.asking(name):
            facts = deployed.bucket(name)
            if look.judge(MISSING, name, f"The {role} bucket {name} does not exist.", not facts.protection.exists):
                continue
            judge_bucket(deployed, role, facts, look)


def apart(named: dict[str, str], look: Look) -> None:
    """No two of data, ops and backup may be one bucket."""
    for role, other in (("ops", "data"), ("backup", "data"), ("backup", "ops")):
        same = named[role] and named[role] == named[other]
        look.judge(NOT_APART, named[role], f"{named[role]} is both the {other} and the {role} bucket.", same)


def judge_bucket(deployed: Deployed, role: str, facts: BucketFacts, look: Look) -> None:
    """One bucket that is there."""
    name = facts.name
    look.judge(
        NOT_UNIFORM, name, f"The {role} bucket {name} has no uniform bucket-level access.", not facts.uniform_access
    )
    judge_rules(role, facts, look)
    if role == "ops":
        judge_ops(facts, look)
    elif role == "data":
        judge_data(facts, look)
    elif role == "backup":
        judge_backup(facts, deployed.environment.backup, look)
        near(deployed, facts, look)
    else:
        undo = facts.protection.undoable
        look.judge(STATE_NO_UNDO, name, f"Terraform's bucket {name} has neither versioning nor soft delete.", not undo)


def judge_ops(facts: BucketFacts, look: Look) -> None:
    """Journals and leases must be deletable, and what is kept for an undo should come back."""
    name, kept = facts.name, facts.protection
    lock = ", locked" if facts.retention_locked else ""
    said = f"The ops bucket {name} has a retention policy of {kept.retention_seconds:,} s{lock}."
    look.judge(OPS_RETENTION, name, said, kept.retention_seconds)
    said = f"The ops bucket {name} puts every new object under an event-based hold."
    look.judge(OPS_HOLD, name, said, kept.default_event_based_hold)
    said = f"The ops bucket {name} has neither versioning nor soft delete."
    look.judge(OPS_NO_UNDO, name, said, not kept.undoable)


def judge_data(facts: BucketFacts, look: Look) -> None:
    """Scenes must be replaceable, and what was deleted should come back."""
    name, kept = facts.name, facts.protection
    said = f"The data bucket {name} has neither versioning nor soft delete."
    look.judge(DATA_NO_UNDO, name, said, not kept.undoable)
    reasons = [f"a retention policy of {kept.retention_seconds:,} s"] * bool(kept.retention_seconds)
    reasons += ["a default event-based hold"] * kept.default_event_based_hold
    held = kept.default_event_based_hold or (kept.retention_seconds and not kept.versioning)
    look.judge(DATA_KEPT, name, f"The data bucket {name} has {' and '.join(reasons)}.", held)


def judge_backup(facts: BucketFacts, policy: BackupPolicy, look: Look) -> None:
    """Copies must stay as long as they shall, and no longer."""
    name, kept = facts.name, facts.protection
    said = f"The backup bucket {name} has neither retention nor versioning nor soft delete."
    look.judge(BACKUP_UNPROTECTED, name, said, not (kept.undoable or kept.retention_seconds))
    unlocked = kept.retention_seconds and not facts.retention_locked
    look.judge(BACKUP_UNLOCKED, name, f"The retention policy of the backup bucket {name} is not locked.", unlocked)
    said = f"Retention keeps copies in {name} {kept.retention_seconds / DAY:.1f} days, and keep_nights is {policy.keep_nights}."
    look.judge(BACKUP_LONG, name, said, kept.retention_seconds > policy.keep_nights * DAY)
    said = f"The backup bucket {name} puts every new object under an event-based hold."
    look.judge(BACKUP_HOLD, name, said, kept.default_event_based_hold)


def near(deployed: Deployed, backup: BucketFacts, look: Look) -> None:
    """What the backup shares with the data."""
    if not deployed.environment.data_bucket:
        return
    data = deployed.bucket(deployed.environment.data_bucket)
    shared = ["project"] * (data.project_number == backup.project_number)
    shared += [f"location {data.location}"] * (data.location == backup.location)
    look.judge(BACKUP_NEAR, backup.name, f"The backup is in the same {' and '.join(shared)} as the data.", shared)
