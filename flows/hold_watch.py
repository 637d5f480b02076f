"""Hold watch: notice delivery that is held and that nobody gives back, before events are lost.

Every 15 minutes. Documentation for the person on call: docs/operations/backup-and-restore.md, 'A hold that is left'.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.delivery.watch import Forgotten, GiveBack, GiveBackRequest, HoldWatch
from tasks.remediation.check import check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run


@flow(name="hold-watch", flow_run_name="hold watch ({mode})")
def hold_watch(
    mode: Literal["look", "apply"] = "look", environment: str = "default", requested_by: str = ""
) -> State[Any]:
    """Fail loudly when delivery is held and its deadline is over or its run is dead.

    Args:
        mode: "look" changes nothing; "apply" delivers what waits and lets it push as before.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is recorded.
    """
    context = flow_context(environment, requested_by)
    seen = check(HoldWatch(), context, None, as_task_run)
    if seen.facts is not None and mode == "apply":
        seen.reasons = [act(context, one) for one in seen.facts.facts] + seen.reasons[len(seen.facts.facts) :]
    if not seen.good:
        publish(seen, sections_of(seen), "check")
    return state_of(seen)


def act(context: Context, one: Forgotten) -> str:
    """Give one hold back, and say what came of it. A person hears of it in any case."""
    request = GiveBackRequest(run=one.ticket.run, mode="apply", reason=one.why)
    given: Run = run(GiveBack(), context, request, as_task_run)
    if given.outcome == "done":
        return f"{one.sentence()}; it was given back now: {'; '.join(given.done.values())}"
    return f"{one.sentence()}; it could not be given back: {given.outcome} - {' '.join(given.reasons)}"
