"""Expiry: old nights go, and then the copies that no kept night names. The last good night never goes.

Order: the oldest night first, of each its summary, then its parts and lists; then copies; nothing more after any error.
A night whose summary is gone does not exist, so whatever is left when this is interrupted is found by the next expiry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.errors import PermanentError
from blocks.storage_bulk import BulkStorage
from tasks.backup.expiring import Expiring, copies_action, delete_copies, delete_night, night_action
from tasks.backup.guard import misplaced
from tasks.backup.plan import SUBJECT
from tasks.backup.retention import choose
from tasks.backup.unreferenced import find_unneeded
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.outcome import Outcome, Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import counted
from tasks.remediation.run import Run
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import nights, read_summary
from tasks.sync.progress import human

RESTORES = "@restore"
"""What is leased while anything is restored: a restore may read the very night that goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryRequest(Request):
    """What expiry is asked."""

    now: datetime | None = None
    """What age is counted from; by default the moment at which it looks."""


class ExpireBackups(Procedure[ExpiryRequest, Expiring]):
    """Handbook: 'Backup', retention."""

    name = "expire-backups"
    kinds = (delete_night, delete_copies)
    unfinished = "replan"
    observe_task = "find_expired"

    def subjects(self, context: Context, request: ExpiryRequest) -> tuple[str, ...]:
        """Nor may a restore begin meanwhile."""
        if wrong := " ".join(misplaced(context.environment)):
            raise Refused(wrong)
        return SUBJECT, RESTORES

    def observe(self, run: Run, request: ExpiryRequest) -> Expiring:
        """Which nights may go, and which copies no other night names. Any damaged night stops it."""
        try:
            return find_expired(run, request.now or datetime.now(UTC))
        except PermanentError as error:
            raise Refused(f"Nothing is deleted: {error}") from error

    def plan(self, run: Run, facts: Expiring, request: ExpiryRequest) -> Plan:
        """One action for each night, the oldest first, and one for all that is needed by none."""
        gone, found = facts.choice.expired, facts.unneeded
        run.summary = (
            f"{counted(len(gone), 'night')} and {counted(found.objects, 'object')} ({human(found.bytes)}) to delete, "
            f"{counted(len(facts.choice.kept), 'night')} kept"
        )
        if found.held:
            run.notes = [f"{found.held:,} objects that no night needs are held by the bucket's retention."]
        actions = [night_action(summary, facts.folders[summary.night]) for summary in gone]
        if found.objects:
            actions.append(copies_action(found))
        return Plan(procedure=self.name, subject=SUBJECT, actions=tuple(actions), risk="medium")

    def scope(self, run: Run, facts: Expiring) -> Scope:
        """Caps of its own, for a night's churn is more than a scene; but a policy that allows nothing allows nothing."""
        policy, rules = run.context.policy(), run.context.environment.backup
        return Scope(
            total_objects=facts.total(),
            max_objects=rules.expire_max_objects if policy.max_objects else 0,
            max_bytes=rules.expire_max_bytes if policy.max_bytes else 0,
        )

    def verify(self, run: Run, facts: Expiring | None) -> Verdict:
        """Every kept night is still there, and no expired one is."""
        assert facts is not None
        kept = [summary.night for summary in facts.choice.kept]
        run.summary = (
            f"{counted(facts.nights_gone, 'night')} and {counted(facts.copies.gone, 'object')} deleted, "
            f"{counted(len(kept), 'night')} kept"
        )
        if facts.copies.held:
            run.notes.append(
                f"{facts.copies.held:,} objects are held by the bucket's retention; a later expiry removes them."
            )
        there = nights(run.context.environment)
        wrong = [
            f"Night {night} was to be kept and is gone; run verify-backup." for night in kept if night not in there
        ]
        wrong += [f"Night {night} was to be deleted and is there." for night in there if night in facts.folders]
        return Verdict("failed", tuple(wrong)) if wrong else Verdict()

    def failed(self, run: Run) -> Outcome:
        """What is left is found again."""
        run.notes.append("Nothing more was deleted; the next expiry goes on.")
        return "failed"


def find_expired(run: Run, now: datetime) -> Expiring:
    """Look at every night's record and at everything in the backup. Changes nothing.

    Raises `NightDamaged` when any night's record cannot be trusted.
    """
    environment = run.context.environment
    layout, bulk, known = layout_of(environment), BulkStorage(environment.storage), nights(environment)
    retention = timedelta(seconds=environment.storage.protection(layout.bucket).retention_seconds)
    choice = choose([read_summary(environment, night, known) for night in known], environment.backup, now, retention)
    folders = {}
    for summary in choice.expired:
        pages = bulk.pages(layout.bucket, layout.night_prefix(summary.night))
        first = layout.summary_name(summary.night)
        folders[summary.night] = sorted((entry for page in pages for entry in page), key=lambda e: e.name != first)
    return Expiring(now, choice, folders, find_unneeded(environment, choice, run.folder, now, retention))
