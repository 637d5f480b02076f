"""Undo any run: for everything its journal says was done, in reverse, the action that takes it back.

What takes an action back, its own kind says. What starts workflows comes last. A run that was killed before it could
write what became of an action is asked by looking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from blocks.errors import NotFound
from tasks.remediation.context import Context
from tasks.remediation.continuing import UNDO, UNDOES, end_for
from tasks.remediation.guard import Scope
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.kind import Doing, Kind, Kinds, NoWayBack, kind_of, nothing_to_undo
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.run import Run
from tasks.remediation.runs import UNFINISHED, past_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequest(Request):
    """Which run is to be undone."""

    subject: str
    run: str
    markers: bool = False
    """Undo what starts workflows too, last: completion and failure markers are restored."""

    def asked(self) -> dict[str, JsonValue]:
        """Whoever plans an interrupted undo anew undoes the same run."""
        return {"run": self.run, "markers": self.markers}


@dataclass(slots=True)
class Reversal:
    """What takes a run back."""

    journal: Journal
    actions: list[Action] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    withheld: int = 0
    """Actions that start workflows and were not asked for."""


class UndoRun(Procedure[UndoRequest, Reversal]):
    """Handbook: 'Rolling back'. Undoes one run of one procedure by the inverses of what it did."""

    name = UNDO
    unfinished = "replan"
    observe_task = "read_journal"

    def __init__(self, kinds_of: Callable[[str], Kinds], at_work: Callable[[Context, str], Iterable[str]]) -> None:
        """
        Args:
            kinds_of: The kinds of the procedure of that name, with those their inverses are of.
            at_work: What is at work on a subject, one phrase each.
        """
        self.kinds_of, self.at_work = kinds_of, at_work
        self.kinds: Kinds = ()  # known once the journal is read

    def subjects(self, context: Context, request: UndoRequest) -> tuple[str, ...]:
        """All that the run that is undone had leased; the first is its subject, whose journal this run's stands beside."""
        if not request.subject or not request.run or "/" in request.subject + request.run:
            raise Refused("Name the subject (as kitchen_001) and the run, as its report gives them.")
        leased = undone_journal(context, request).begin.data.get("subjects")
        others = [str(one) for one in leased if one != request.subject] if isinstance(leased, list) else []
        return (request.subject, *others)

    def observe(self, run: Run, request: UndoRequest) -> Reversal:
        """Read the journal, and ask every kind what takes its actions back."""
        journal = undone_journal(run.context, request)
        undone = Run(run.context, journal.plan().procedure)
        undone.journal, undone.subject = journal, request.subject
        self.kinds = self.kinds_of(undone.procedure)
        reversal = Reversal(journal)
        for action in reversed(journal.plan().actions):
            self.reverse(Doing(undone, action), reversal, request.markers)
        reversal.actions.sort(key=lambda action: action.effect == "start")
        return reversal

    def reverse(self, doing: Doing, reversal: Reversal, starts: bool) -> None:
        """What takes one action back, if anything does."""
        kind: Kind[object] = kind_of(self.kinds, doing.action)  # type: ignore[type-var]
        if kind.inverse is nothing_to_undo:
            return
        params, result = kind.read(doing.action), doing.journal.outcomes().get(doing.action.key)
        if result is None and doing.journal.was_begun(doing.action.step):
            result = kind.look(doing, params) or ("begun" if kind.by_parts else None)
        if result is None:
            return
        try:
            inverse = kind.inverse(doing, params, result)
        except NoWayBack as error:
            if str(error) not in reversal.lost:  # one sentence may be of many objects
                reversal.lost.append(str(error))
            return
        if inverse is not None and (starts or inverse.effect != "start"):
            reversal.actions.append(inverse)
        reversal.withheld += inverse is not None and inverse.effect == "start" and not starts

    def plan(self, run: Run, facts: Reversal, request: UndoRequest) -> Plan:
        """The inverses; a person decides where something cannot be brought back."""
        if facts.withheld:
            run.notes.append(f"{facts.withheld} markers stay away; run it with markers to restore them too, last.")
        return Plan(
            procedure=self.name,
            subject=request.subject,
            actions=tuple(facts.actions),
            escalations=tuple(facts.lost),
            risk="high",
            details={UNDOES: request.run},
        )

    def scope(self, run: Run, facts: Reversal) -> Scope:
        """What is at work on the subject. What a run has made may be a part of anything, so no percentage counts."""
        leased = facts.journal.begin.data.get("subjects")
        subjects = {run.subject, *(map(str, leased) if isinstance(leased, list) else ())}
        busy = [phrase for subject in sorted(subjects) for phrase in self.at_work(run.context, subject)]
        return Scope(total_objects=None, at_work=tuple(busy))

    def verify(self, run: Run, facts: Reversal | None) -> Verdict:
        """End the run that was undone, and other undos of it that were interrupted, so that nobody carries them on."""
        if facts is not None:
            end_for(run, facts.journal, f"undone by run {run.id}")
            for journal in half_undone(run, facts.journal):
                end_for(run, journal, f"given up: run {run.id} has undone the same")
        return Verdict()


def half_undone(run: Run, undone: Journal) -> Iterator[Journal]:
    """Other undos of the same run that have no end; none can be older than what it undoes."""
    environment = run.context.environment
    hours = (datetime.now(UTC) - undone.begun_at).total_seconds() / 3600 + 1
    for past in past_runs(environment.storage, environment.ops_bucket, run.subject, hours):
        if past.outcome == UNFINISHED and past.run != run.id and past.details.get(UNDOES) == undone.run:
            yield read_journal(environment.storage, environment.ops_bucket, run.subject, past.run, run.context.actor)


def undone_journal(context: Context, request: UndoRequest) -> Journal:
    """The journal of the run that is to be undone. Raises `Refused` when there is none, `LedgerDamaged`."""
    environment = context.environment
    try:
        return read_journal(environment.storage, environment.ops_bucket, request.subject, request.run, context.actor)
    except NotFound as error:
        raise Refused(f"There is no run {request.run} of {request.subject}; its report names it.") from error
