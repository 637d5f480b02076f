"""Runs that were left: their process was killed, their host was lost, or something outside did not answer.

Whoever runs the same procedure on the same subject continues them. Here that is done for all of them, under the same guard,
with the same lease, by exactly one process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.remediation.caller import Caller, inline
from tasks.remediation.context import Context
from tasks.remediation.journal import remove_mark
from tasks.remediation.lease import lasts
from tasks.remediation.outcome import GOOD, Outcome, Refused
from tasks.remediation.run import Run
from tasks.remediation.unfinished import Unfinished, looked_at, unfinished_runs


@dataclass(slots=True)
class Left:
    """One unfinished run, and what became of it."""

    found: Unfinished
    outcome: Outcome | None = None
    """Of the run that continued it; None: nothing was done."""
    told: str = ""
    """What a person should know, one sentence."""
    seconds: float = field(default=0.0)


def what_is_left(context: Context, patience: float = 0.0) -> list[Left]:
    """Every unfinished run and what it waits for. Changes nothing.

    Args:
        context: Environment, and who asks.
        patience: Seconds to wait for leases that nobody renews any more: right after a crash they have not ended yet.
    """
    found = list(unfinished_runs(context))
    ends = [seconds for one in found if one.holder is not None and 0 < (seconds := lasts(one.holder)) <= patience]
    if ends:
        time.sleep(max(ends))
        found = [looked_at(context, one) if one.state == "at work" else one for one in found]
    return [Left(one, told=sentence(one)) for one in found]


def sentence(one: Unfinished) -> str:
    """What is to be known of it."""
    match one.state:
        case "at work":
            return f"{one.holder.describe()} is at work." if one.holder else "It is just beginning."
        case "over":
            return "It is over; only its mark was left."
        case "damaged":
            return one.why
    return "Nobody is at work on it."


def begun_by(one: Unfinished) -> str:
    """The flow run that worked on it last, empty when there was none."""
    said = one.journal.begin.data.get("flow_run") if one.journal is not None else ""
    return (one.holder.flow_run_id if one.holder is not None and one.holder.run == one.run else "") or str(said or "")


def continue_left(
    context: Context, one: Left, call: Caller = inline, hands_off: Callable[[str], str] = lambda _: ""
) -> Run | None:
    """Carry one of them on, and note what came of it.

    Args:
        context: Environment, and who asks.
        one: An unfinished run.
        call: How to call a step.
        hands_off: Why the run of that flow run is not carried on by itself, one sentence; empty: it may be. Whoever
            cancelled a run meant it.

    Returns:
        The run that carried it on, or None where none was made.
    """
    if one.found.state == "over":
        remove_mark(context.environment.storage, context.environment.ops_bucket, one.found.run)
    if one.found.state != "left" or one.found.journal is None:
        return None
    from tasks.procedures import procedure_named  # all of them, which whoever only looks does not need
    from tasks.remediation.runner import run

    if why := hands_off(begun_by(one.found)):
        one.outcome, one.told = "escalated", why
        return None
    began, data = time.monotonic(), one.found.journal.begin.data
    asked = data.get("asked")
    try:
        procedure = procedure_named(one.found.procedure)
        reason = str(data.get("reason") or "carried on after its process had ended")
        request = procedure.again(one.found.subject, asked if isinstance(asked, dict) else {}, reason)
    except (Refused, TypeError, ValueError) as error:
        one.outcome, one.told = "refused", str(error)
        return None
    if request is None:
        one.told = f"It is not continued by itself: run {one.found.procedure} again, or wait for its schedule."
        return None
    done = run(procedure, context, request, call)
    one.outcome, one.told, one.seconds = done.outcome, done.sentence(), time.monotonic() - began
    return done


def continue_all(context: Context, found: list[Left], each: Callable[[list[Left]], None]) -> Outcome:
    """Carry on all that were left, a few at a time (`ramp_limit` of the policy). `each` carries out one wave."""
    size = context.policy().ramp_limit
    for first in range(0, len(found), size):
        each(found[first : first + size])
    return word_for(found)


def word_for(found: list[Left]) -> Outcome:
    """One word for all of them: what a person must look at comes first."""
    if any(one.found.state == "damaged" for one in found):
        return "failed"
    bad = [one.outcome for one in found if one.outcome is not None and one.outcome not in GOOD]
    if bad:
        return bad[0]
    return "done" if any(one.outcome is not None for one in found) else "nothing_to_do"
