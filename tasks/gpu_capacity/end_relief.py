"""Giving a relief back: the undo of its run, made by the watch once GPUs are there again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from tasks.delivery.pauses import OpenPause, open_pauses
from tasks.gpu_capacity.in_force import as_wanted
from tasks.gpu_capacity.left import END_RELIEF, GPU_CAPACITY, SUBJECT
from tasks.gpu_capacity.procedure import GpuCapacity
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Verdict
from tasks.remediation.report import counted
from tasks.remediation.run import Run
from tasks.remediation.runner import run as carry_out
from tasks.remediation.runs import UNFINISHED, PastRun
from tasks.remediation.undo import Reversal, UndoRequest, UndoRun, undone_journal


class EndRelief(UndoRun):
    """Handbook: 'GPU capacity exhaustion'. What was turned off is as it was; what somebody has changed since is theirs."""

    name = END_RELIEF
    kinds = GpuCapacity.kinds

    def __init__(self) -> None:
        """It undoes reliefs and nothing else; nothing is at work on them but their own lease."""
        super().__init__(lambda _: GpuCapacity.kinds, lambda _context, _subject: ())

    def subjects(self, context: Context, request: UndoRequest) -> tuple[str, ...]:
        """What the relief had leased. Raises `Refused` for a run that is none."""
        if undone_journal(context, request).plan().procedure != GPU_CAPACITY:
            raise Refused(f"Run {request.run} of {request.subject} made no room for GPUs; undo it with remediate undo.")
        return super().subjects(context, request)

    def plan(self, run: Run, facts: Reversal, request: UndoRequest) -> Plan:
        """The inverses. It only gives back, so it is no greater a risk than the relief was."""
        plan = super().plan(run, facts, request)
        run.summary = f"the relief of run {request.run}: {counted(len(plan.actions), 'thing')} brought back"
        return plan.model_copy(update={"risk": "medium"})

    def guard(self, run: Run, facts: Reversal | None, plan: Plan, request: UndoRequest) -> Iterable[str]:
        """A pause of intake: it may hold the very schedulers that would be resumed."""
        yield from map(waits_for, open_pauses(run.context))

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> UndoRequest | None:
        """The same relief: what was begun to be given back is given back, whatever has become of the watch."""
        relief = str(asked.get("run") or "")
        return UndoRequest(subject=subject, run=relief, mode="apply", reason=reason) if relief else None

    def verify(self, run: Run, facts: Reversal | None) -> Verdict:
        """Ask everything again."""
        wrong = tuple(as_wanted(run, run.journal.plan()))
        return Verdict("failed", wrong) if wrong else super().verify(run, facts)


def waits_for(pause: OpenPause) -> str:
    """Why nothing is given back in the middle of a pause, and how that ends."""
    return (
        f"Reliefs are given back after the resume, because {pause.sentence()}. Resume it: remediate intake resume "
        f"{pause.run} --apply."
    )


def nothing_left(context: Context, relief: PastRun) -> bool:
    """Whether nothing of a relief is in force any more, whoever brought it back: asked of the things themselves.

    One that has no end may go on. What somebody has set to something else since is left for a person to decide.
    """
    if relief.outcome == UNFINISHED:
        return False
    return carry_out(EndRelief(), context, UndoRequest(subject=SUBJECT, run=relief.run)).outcome == "nothing_to_do"
