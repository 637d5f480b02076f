"""Escalation: tell the people on call of every open incident, one tier after the other, until somebody has it.

Every five minutes, and at the minute at which the next message is due. Documentation for the person on call:
docs/operations/escalation.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from prefect import State, flow, get_run_logger

from flows.running import as_task_run, flow_context, state_of
from tasks.escalation.procedure import Escalation, EscalationRequest
from tasks.escalation.sweep import Sweep, forget_closed, sweep, tell
from tasks.remediation.report import publish


@flow(name="escalation", flow_run_name="escalation ({mode})")
def escalation(
    mode: Literal["plan", "apply"] = "plan",
    incident: str = "",
    environment: str = "default",
    requested_by: str = "",
) -> State[Any]:
    """Page whoever is due, of every open incident, and send status updates that were not sent yet.

    Args:
        mode: "plan" changes nothing and shows who would be told what; "apply" tells them.
        incident: Look at this one only, as in inc-20261127t101502z-9f3ac1d2; empty: at every open one.
        environment: Name of the Remediation Environment block, which says whose incidents these are.
        requested_by: Your name. It is recorded.
    """
    context, procedure = flow_context(environment, requested_by), Escalation()
    found = sweep(context, datetime.now(UTC), incident)
    runs = list(found.failed)
    for one in found.due:
        request = EscalationRequest(mode=mode, incident=one, reason="due by the on-call policy")
        for done in tell(context, one, request, as_task_run):
            publish(done, procedure.sections(done), "escalation")
            runs.append(done)
    if mode == "apply":
        forget_closed(context, found)
        come_again(sweep(context, datetime.now(UTC), incident), environment)
    return state_of(runs, "" if runs else found.sentence())


def come_again(found: Sweep, environment: str) -> None:
    """Have Prefect start the next run when the next message is due; so nothing waits in a process meanwhile.

    One run for an incident and a time, however often this is asked. If it cannot be had, the schedule comes soon.
    """
    if found.next_at is None:
        return
    from prefect.deployments import run_deployment

    at, incident = found.next_at
    try:
        run_deployment(
            "escalation/escalation",
            parameters={"mode": "apply", "environment": environment, "requested_by": "escalation, when it is due"},
            scheduled_time=at,
            timeout=0,
            idempotency_key=f"escalation:{incident}:{at.isoformat()}",
            as_subflow=False,
        )
    except Exception as error:  # no such deployment, no server: whatever it is, nobody must be told twice for it
        get_run_logger().warning("The next run could not be planned (%s); the schedule comes every 5 minutes.", error)
