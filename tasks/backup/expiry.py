"""Expiry: old nights go, and then the copies that no kept night names. The last good night never goes.

Order: the summary of a night, then its parts and lists, then copies; nothing more after any error. A night whose
summary is gone does not exist, so whatever is left when this is interrupted is found by the next expiry.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from prefect import task

from blocks.errors import OutsideError, PermanentError
from blocks.storage_bulk import BulkStorage, Deletion
from tasks.backup.backup import Mode
from tasks.backup.guard import misplaced
from tasks.backup.keeping import Choice, choose
from tasks.backup.outcome import Result
from tasks.backup.plan import SUBJECT
from tasks.backup.unneeded import Unneeded, find_unneeded
from tasks.recovery.present import counted
from tasks.remediation.actions import Doing
from tasks.remediation.apply import Handlers, Stopped, Work, nothing_to_look_at, run_step
from tasks.remediation.calling import Call, plain
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.journal import Journal, JournalTaken
from tasks.remediation.lease import Lease, LeaseBusy, LeaseLost
from tasks.remediation.plan import Action, Plan, Step
from tasks.remediation.task_settings import STEP_SETTINGS
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import nights, read_summary
from tasks.snapshots.summary import Summary
from tasks.sync.copying import delete_all
from tasks.sync.meter import human

PROCEDURE = "expire-backups"
RESTORES = "restore"
"""What the lease of restores is called."""
HELD = "retention policy"
"""Google's words when a bucket's retention holds an object (Google: "Bucket Lock")."""


class Expiring:
    """One expiry on its way. A plain class, so that Prefect hands it to tasks as it is."""

    def __init__(self, context: Context, folder: Path, now: datetime) -> None:
        self.context, self.folder, self.environment, self.now = context, folder, context.environment, now
        self.bulk, self.layout = BulkStorage(context.environment.storage), layout_of(context.environment)
        self.choice, self.unneeded = Choice((), ()), Unneeded()
        self.held = 0
        """Deletions that the bucket's retention refused."""


def expire(context: Context, mode: Mode, call: Call = plain, now: datetime | None = None) -> Result:
    """Remove what is too old, or show it. Never raises for what can go wrong with the backup.

    Refused while the kill switch is on, while a backup or a restore runs, and when any night's record is damaged.
    `now`: what age is counted from; by default this moment.
    """
    result = Result(what="expiry", reasons=[*misplaced(context.environment), *stopped(context)])
    if result.reasons:
        return result.model_copy(update={"outcome": "refused"})
    try:
        with tempfile.TemporaryDirectory(prefix="expiry-") as folder:
            work = Expiring(context, Path(folder), now or datetime.now(UTC))
            if mode == "plan":
                look(work, result, call)
            else:
                run = new_run_id()
                # Nor may a restore begin meanwhile: it may read the very night that goes.
                with context.holding(SUBJECT, run) as lease, context.holding(RESTORES, run):
                    if look(work, result, call):
                        apply(work, lease, result, call)
    except LeaseBusy as error:
        result.outcome, result.reasons = "refused", [str(error)]
    except Stopped as error:
        result.outcome, result.reasons = "partial", [str(error)]
    except (LeaseLost, JournalTaken, OutsideError, ValueError) as error:
        result.outcome = "failed"
        result.reasons = [f"{error} Nothing more was deleted; the next expiry goes on."]
    return result


def stopped(context: Context) -> Iterator[str]:
    """Expiry takes away, so the kill switch stops it."""
    if reasons := context.kill_switch():
        yield f"All remediation is stopped by the policy's kill switch: {'; '.join(reasons)}."


def look(work: Expiring, result: Result, call: Call) -> bool:
    """Observe and plan. Whether there is something to do."""
    try:
        call(find_expired, work)
    except PermanentError as error:
        result.outcome, result.reasons = "refused", [f"Nothing is deleted: {error}"]
        return False
    result.plan = plan_expiry(work)
    kept, gone, found = work.choice.kept, work.choice.expired, work.unneeded
    result.told = (
        f"{counted(len(gone), 'night')} and {counted(found.objects, 'object')} ({human(found.bytes)}) to delete, "
        f"{counted(len(kept), 'night')} kept"
    )
    if found.held:
        result.notes.append(f"{found.held:,} objects that no night needs are held by the bucket's retention.")
    result.outcome = "planned" if result.plan.actions else "nothing to do"
    return bool(result.plan.actions)


@task(name="find_expired", task_run_name="find what no kept night needs", **STEP_SETTINGS)
def find_expired(work: Expiring) -> None:
    """Which nights may go, and which copies no other night names. Changes nothing.

    Raises `NightDamaged` when any night's record cannot be trusted.
    """
    environment = work.environment
    known = nights(environment)
    retention = timedelta(seconds=environment.storage.protection(work.layout.bucket).retention_seconds)
    summaries = [read_summary(environment, night, known) for night in known]
    work.choice = choose(summaries, environment.backup, work.now, retention)
    work.unneeded = find_unneeded(environment, work.choice, work.folder, work.now, retention)


@task(name="expire_backups", task_run_name="{step_name}", **STEP_SETTINGS)
def expire_backups(work: Work, step: Step, expiring: Expiring, step_name: str) -> dict[str, str]:
    """Delete what has expired, each object by the generation that was listed."""
    own: Handlers = {
        "delete_night": (partial(delete_night, expiring, work.lease), nothing_to_look_at),
        "delete_copies": (partial(delete_copies, expiring, work.lease), nothing_to_look_at),
    }
    return run_step(work, step, own)


def plan_expiry(work: Expiring) -> Plan:
    """One action for each night, and one for all that is needed by none."""
    actions = [deletion("1 delete nights", night=summary) for summary in work.choice.expired]
    if work.unneeded.objects:
        actions.append(deletion("2 delete copies", found=work.unneeded))
    return Plan(procedure=PROCEDURE, subject=SUBJECT, actions=tuple(actions), risk="medium")


def deletion(step: str, night: Summary | None = None, found: Unneeded | None = None) -> Action:
    """What is deleted together."""
    copies = found or Unneeded()
    return Action(
        step=step,
        kind="delete_night" if night else "delete_copies",
        effect="delete",
        target=f"night {night.night}" if night else f"{copies.objects:,} objects that no kept night names",
        precondition="the generations that were listed",
        undo="the bucket's versions or soft delete, as long as it keeps them",
        why="older than keep_nights, and enough good nights are newer" if night else "needed by no kept night",
        bytes=sum(part.bytes for part in night.parts) if night else copies.bytes,
        params={"night": night.night} if night else {"objects": copies.objects},
    )


def apply(work: Expiring, lease: Lease, result: Result, call: Call) -> None:
    """Under the lease: the nights, then the copies."""
    assert result.plan is not None
    environment, result.run = work.environment, lease.holder.run
    journal = Journal(environment.storage, environment.ops_bucket, SUBJECT, result.run, work.context.actor)
    journal.append("begin", {"plan": result.plan.model_dump(mode="json")})
    try:
        for step in result.plan.steps():
            call(expire_backups, Work(work.context, journal, lease), step, work, step_name=step.name)
    except OutsideError as error:
        with suppress(OutsideError):
            journal.append("end", {"outcome": "failed", "reason": str(error)})
        raise
    result.outcome = "clean"
    result.told = result.told.replace("to delete", "deleted")
    if work.held:
        result.notes.append(f"{work.held:,} objects are held by the bucket's retention; a later expiry removes them.")
    journal.append("end", {"outcome": "clean"})


def delete_night(expiring: Expiring, lease: Lease, doing: Doing) -> str:
    """The summary, then everything else of the night. A summary that is held by retention keeps its night whole."""
    night, bulk, layout = doing.text("night"), expiring.bulk, expiring.layout
    folder = layout.night_prefix(night)
    there = [entry for page in bulk.pages(layout.bucket, folder) for entry in page]
    summary = [entry for entry in there if entry.name == layout.summary_name(night)]
    for entries in (summary, [entry for entry in there if entry not in summary]):
        deletions = (Deletion(layout.bucket, entry.name, entry.generation) for entry in entries)
        before = expiring.held
        delete(expiring, lease, deletions)
        if expiring.held > before and entries is summary:
            raise PermanentError(f"Night {night} is held by the bucket's retention.")
    return f"{len(there)} objects deleted"


def delete_copies(expiring: Expiring, lease: Lease, doing: Doing) -> str:
    """Everything that was found to be needed by no kept night."""
    deleted = delete(expiring, lease, expiring.unneeded.deletions(expiring.layout.bucket))
    return f"{deleted:,} objects deleted"


def delete(expiring: Expiring, lease: Lease, deletions: Iterator[Deletion]) -> int:
    """Delete; how many are gone. Raises `PermanentError` at the first that fails for another reason than retention."""
    gone = 0
    for one, answer in delete_all(expiring.bulk, deletions, check=lease.check):
        if answer.result in ("failed", "unknown"):
            if HELD not in answer.message.lower():
                raise PermanentError(f"gs://{one.bucket}/{one.name} could not be deleted: {answer.message}.")
            expiring.held += 1
        else:
            gone += 1
    return gone
