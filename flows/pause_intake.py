"""Pause intake: schedulers paused, delivery of events held so that they queue, with a ticket to bring all of it back.

Handbook: 'Stabilise: pause new workflow triggers'. Documentation for the person on call:
docs/operations/pause-intake.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved


@flow(name="pause-intake", flow_run_name="pause intake ({mode})")
def pause_intake(
    mode: Literal["plan", "apply"] = "plan",
    reason: str = "",
    environment: str = "default",
    without_hold: bool = False,
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Stop everything that starts work by itself, so that nothing new is begun while somebody mends the pipeline.

    Args:
        mode: "plan" changes nothing and shows what would be paused; "apply" does it and proves it.
        reason: Why you do it; needed with mode "apply", and recorded.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        without_hold: Go on although something cannot be paused or held; it goes on starting work and is named.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), PauseIntake()
    request = PauseRequest(mode=mode, reason=reason, without_hold=without_hold, plan_digest=plan_digest)

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "pause")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return state_of(one)
