"""What the watch does about a relief once GPUs are there: give it back, then make again what failed, more and more at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.gpu_capacity.debt import read_debt
from tasks.gpu_capacity.end_relief import EndRelief
from tasks.gpu_capacity.failed import failed_for_gpus
from tasks.gpu_capacity.left import SUBJECT
from tasks.gpu_capacity.look import LOG_MINUTES
from tasks.gpu_capacity.watch import GpuWatch, Standing
from tasks.remediation.attend import attend
from tasks.remediation.caller import Caller, inline
from tasks.remediation.context import Context
from tasks.remediation.debt import LATER, Debt, Rerun, pay
from tasks.remediation.outcome import GOOD, worst
from tasks.remediation.report import counted, listed
from tasks.remediation.run import Run
from tasks.remediation.run_page import keep_page
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest

LEASE = "@gpu-watch"
"""One watch at a time follows up."""
REACH = timedelta(minutes=LOG_MINUTES)
"""What failed so long before a relief failed for the shortage that it was made for: its look reaches as far back."""
SHOWN = 10
"""Scenes left to a person that a sentence names."""


def follow(context: Context, one: Standing, rerun: Rerun, call: Caller = inline) -> Run:
    """Bring one relief to its end, as far as that goes now. Never raises for what can go wrong. `Run.facts`: of each scene.

    Args:
        context: Environment, and who asks.
        one: A relief that stands `back` or `owes`.
        rerun: How scenes are made again.
        call: How to call a step.
    """
    own, made = Run(context, GpuWatch.name), list[Run]()
    own.subject = SUBJECT
    attend(own, lambda: LEASE, lambda: work(context, one, rerun, call, made), lambda _: False)
    if own.outcome == "done":
        conclude(own, read_debt(context, one.run), made)
    return own


def work(context: Context, one: Standing, rerun: Rerun, call: Caller, made: list[Run]) -> None:
    """Go on from where it stands. `made`: every run that this has taken."""
    debt = read_debt(context, one.run)
    if debt.settled:
        return
    if not debt.known:
        if one.relief.half_undone or not one.relief.undone_by:
            request = UndoRequest(subject=SUBJECT, run=one.run, mode="apply", reason=f"GPUs are back: {one.evidence}")
            procedure = EndRelief()
            made.append(run(procedure, context, request, call))
            keep_page(made[-1], procedure.sections(made[-1]))
            if made[-1].outcome not in GOOD:
                return
        debt.owe(failed_for_gpus(context.environment, one.relief.past.begun_at - REACH, datetime.now(UTC)))
    made += pay(context, debt, rerun)


def conclude(own: Run, debt: Debt, made: list[Run]) -> None:
    """The word and the sentences for all of it."""
    scenes = own.facts = [one for one in made if one.procedure != EndRelief.name]
    hands = [one for one in scenes if not one.good and one.subject not in debt.left]
    again = sum(one.good for one in scenes)
    own.summary = f"relief {debt.case.id}: {counted(again, 'scene')} whole again, {len(debt.left)} still owed"
    reasons = [one.sentence() for one in made if not one.good and one.outcome not in LATER]
    if hands:
        names = listed(sorted(one.subject for one in hands), SHOWN)
        reasons.append(f"Left to a person: {names}. Look at each with: remediate recover SCENE.")
    own.end(worst([one.outcome for one in made]), *reasons)
