"""What finished runs have left in the ops bucket goes after some days: lists of restores, quarantined copies, tokens.

    remediation/restore/<run>/...              what a restore was to do, and did
    remediation/quarantine/<subject>/...       copies of deleted objects, where the bucket keeps no history
    remediation/rewrites/...                   how far a large copy was when its process ended

Kept is what belongs to a run that has no end or still holds delivery, or to a subject that somebody works on, and what is
younger than an interrupted run is looked for. What cannot be told is kept, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal

from blocks.environment import PipelineEnvironment
from blocks.storage_bulk import BulkStorage, Entry
from tasks.actions.history import QUARANTINE
from tasks.backup.deleting import delete_listed
from tasks.backup.expiring import UNDO, gone_for_good
from tasks.backup.expiry import RESTORES, ExpiryRequest
from tasks.backup.unreferenced import Unneeded, note
from tasks.remediation.context import Context
from tasks.remediation.continuing import LOOKED_BACK_HOURS
from tasks.remediation.guard import Scope
from tasks.remediation.kind import Doing, Kind, Params
from tasks.remediation.lease import LeaseDamaged, has_ended, read_holder
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Verdict
from tasks.remediation.run import Run
from tasks.remediation.runs import UNFINISHED, past_runs
from tasks.sync.progress import human
from tasks.sync.rewrites import ROOT as REWRITES

SUBJECT = "@leftovers"
LISTS, HOLDS = "remediation/restore/", "remediation/holds/"
What = Literal["lists of restores", "quarantined copies", "tokens of copies"]
EVER = 24.0 * 366 * 100
"""Hours: a run without an end protects what it has left, however old it is."""
RESTORERS = (RESTORES, "restore")
"""Whose journals restores have; earlier versions wrote the second."""


class Leftover(Params):
    """Which of them, and the list of them."""

    what: What
    sha256: str


Leftovers = dict[What, Unneeded]


class Owners:
    """Whose leftovers may go. Each subject is asked about once."""

    def __init__(self, run: Run, now: datetime) -> None:
        environment = run.context.environment
        self.environment, self.gone, self.now, self.notes = environment, run.context.gone, now, run.notes
        days = timedelta(days=environment.backup.keep_leftovers_days)
        self.before = now - max(days, timedelta(hours=LOOKED_BACK_HOURS))
        self.ours = {lease.subject for lease in run.leases}
        self._ends: dict[str, dict[str, bool]] = {}

    def old(self, entry: Entry) -> bool:
        """Whether it is older than what is kept."""
        return datetime.fromisoformat(entry.updated) < self.before

    def ends(self, subject: str) -> dict[str, bool]:
        """Each run of a subject, and whether it has an end. Raises `LedgerDamaged`."""
        if subject not in self._ends:
            runs = past_runs(self.environment.storage, self.environment.ops_bucket, subject, EVER)
            self._ends[subject] = {past.run: past.outcome != UNFINISHED for past in runs}
        return self._ends[subject]

    def may_go(self, what: str, subjects: tuple[str, ...], only: str = "") -> bool:
        """Whether nobody needs what these subjects' runs have left; `only`: what this one run has left."""
        try:
            busy = [subject for subject in subjects if self.is_leased(subject)]
            unfinished = [
                run
                for subject in subjects
                for run, ended in self.ends(subject).items()
                if not ended and only in ("", run)
            ]
        except (LedgerDamaged, LeaseDamaged) as error:
            self.notes.append(f"{what} is kept: {error}")
            return False
        if busy or unfinished:
            why = (
                f"run {unfinished[0]} has no end; run it again or undo it" if unfinished else f"{busy[0]} is worked on"
            )
            self.notes.append(f"{what} is kept: {why}.")
        return not busy and not unfinished

    def is_leased(self, subject: str) -> bool:
        """Whether somebody else works on a subject now."""
        if subject in self.ours:
            return False
        found = read_holder(self.environment.storage, self.environment.ops_bucket, subject)
        return found is not None and not has_ended(*found, self.gone)


def told(facts: Leftovers, verb: str) -> str:
    """How much of each sort, in one phrase."""
    parts = [f"{found.objects:,} {what} ({human(found.bytes)})" for what, found in facts.items() if found.objects]
    return f"{', '.join(parts)} {verb}" if parts else "no leftovers are old enough"


def listed(environment: PipelineEnvironment, root: str) -> Iterator[Entry]:
    """The objects of the ops bucket below a root, by name."""
    for page in BulkStorage(environment.storage).pages(environment.ops_bucket, root):
        yield from page


def old_lists(owners: Owners) -> Iterator[Entry]:
    """The lists of restores, each run's all together or not at all."""
    holds = {entry.name.removeprefix(HOLDS) for entry in listed(owners.environment, HOLDS)}
    for run, entries in groupby(
        listed(owners.environment, LISTS), lambda entry: entry.name.removeprefix(LISTS).partition("/")[0]
    ):
        of_run = list(entries)
        if not all(map(owners.old, of_run)):
            continue
        if f"{run}.json" in holds and f"{run}.redeemed.json" not in holds:
            owners.notes.append(f"{LISTS}{run}/ is kept: its delivery was not given back; see hold-watch.")
        elif owners.may_go(f"{LISTS}{run}/", RESTORERS, run):
            yield from of_run


def old_copies(owners: Owners) -> Iterator[Entry]:
    """Quarantined copies that are old, of subjects on which nobody works and every run has ended."""
    for subject, entries in groupby(
        listed(owners.environment, QUARANTINE), lambda entry: entry.name.removeprefix(QUARANTINE).partition("/")[0]
    ):
        old = filter(owners.old, entries)
        first = next(old, None)
        subjects = (subject,) if subject != "terraform" else RESTORERS
        if first is not None and owners.may_go(f"{QUARANTINE}{subject}/", subjects):
            yield first
            yield from old


def old_tokens(owners: Owners) -> Iterator[Entry]:
    """Tokens that no service accepts any more."""
    return filter(owners.old, listed(owners.environment, REWRITES))


def apply_leftovers(doing: Doing, params: Leftover) -> str:
    """Delete one sort."""
    facts, environment = doing.run.facts, doing.context.environment
    if not isinstance(facts, dict):
        raise Refused("An expiry is never continued: what it had listed is gone. Run it again.")
    deletions = facts[params.what].deletions(environment.ops_bucket)
    return f"{delete_listed(doing, BulkStorage(environment.storage), deletions).gone:,} objects deleted"


delete_leftovers = Kind(
    name="delete_leftovers",
    params=Leftover,
    effect="delete",
    apply=apply_leftovers,
    inverse=gone_for_good,
    task="expire_leftovers",
)


class ExpireLeftovers(Procedure[ExpiryRequest, Leftovers]):
    """Nothing that the product writes for a single run stays for ever."""

    name = "expire-leftovers"
    kinds = (delete_leftovers,)
    unfinished = "replan"
    observe_task = "find_leftovers"

    def subjects(self, context: Context, request: ExpiryRequest) -> tuple[str, ...]:
        """Nor may a restore begin meanwhile: it writes its lists before its journal."""
        if not context.environment.ops_bucket:
            raise Refused("The environment block names no ops_bucket; name it there.")
        return SUBJECT, RESTORES

    def observe(self, run: Run, request: ExpiryRequest) -> Leftovers:
        """Everything that is old enough and that nobody needs."""
        run.notes.clear()
        owners = Owners(run, request.now or datetime.now(UTC))
        looks: dict[What, Callable[[Owners], Iterator[Entry]]] = {
            "lists of restores": old_lists,
            "quarantined copies": old_copies,
            "tokens of copies": old_tokens,
        }
        return {what: note(run.folder / f"left-{n}", look(owners)) for n, (what, look) in enumerate(looks.items())}

    def plan(self, run: Run, facts: Leftovers, request: ExpiryRequest) -> Plan:
        """One action for each sort."""
        days = run.context.environment.backup.keep_leftovers_days
        actions = tuple(
            delete_leftovers.action(
                Leftover(what=what, sha256=found.sha256()),
                step=f"1 delete {what}",
                target=f"{found.objects:,} {what}",
                precondition="the generations that were listed",
                undo=UNDO,
                why=f"older than keep_leftovers_days ({days}), of runs that have ended",
                objects=found.objects,
                bytes=found.bytes,
            )
            for what, found in facts.items()
            if found.objects
        )
        run.summary = told(facts, "to delete")
        return Plan(procedure=self.name, subject=SUBJECT, actions=actions, risk="medium")

    def scope(self, run: Run, facts: Leftovers) -> Scope:
        """The caps of expiry. All of it may be old, so no percentage counts."""
        policy, rules = run.context.policy(), run.context.environment.backup
        return Scope(
            total_objects=None,
            max_objects=rules.expire_max_objects if policy.max_objects else 0,
            max_bytes=rules.expire_max_bytes if policy.max_bytes else 0,
        )

    def verify(self, run: Run, facts: Leftovers | None) -> Verdict:
        """Say what was done."""
        assert facts is not None
        run.summary = told(facts, "deleted")
        return Verdict()
