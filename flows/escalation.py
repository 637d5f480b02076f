"""Escalation: tell the people on call of every open incident, one tier after the other, until somebody has it.

Every five minutes, and at the minute at which the next message is due. Documentation for the person on call:
docs/operations/escalation.md.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from prefect import State, flow, get_run_logger

from flows.running import as_task_run, flow_context, start_run, state_of, state_of_error
from tasks.escalation.chain import RETRY_AFTER
from tasks.escalation.procedure import Escalation, EscalationRequest
from tasks.escalation.sweep import JUST_NOW, Sweep, forget_closed, sweep, tell
from tasks.remediation.context import Context
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
    try:
        found = sweep(context, datetime.now(UTC), incident)
    except Exception as error:
        return state_of_error(error)
    request = EscalationRequest(mode=mode, incident="", reason="due by the on-call policy")
    runs = [run for one in found.due for run in tell(context, replace(request, incident=one), as_task_run)]
    if mode == "apply":
        soon = any(JUST_NOW in one.reasons for one in runs)
        afterwards(context, found, incident, environment, soon=soon)
    for one in runs:  # what is shown comes last: nobody waits for a page because of it
        publish(one, procedure.sections(one), "escalation")
    return state_of([*found.failed, *runs], "" if runs or found.failed else found.sentence())


def afterwards(context: Context, found: Sweep, incident: str, environment: str, *, soon: bool) -> None:
    """Forget what is over, and have the next run made. If that cannot be done now, the schedule comes soon.

    `soon`: somebody else was at work; if it was killed, whoever looks in a minute takes over.
    """
    try:
        forget_closed(context, found)
        now = datetime.now(UTC)
        following = sweep(context, now, incident).next_at
        in_a_minute = now.replace(second=0, microsecond=0) + 2 * RETRY_AFTER
        if soon and (following is None or in_a_minute < following[0]):
            following = (in_a_minute, "others")
        if following is not None:
            come_again(environment, *following)
    except Exception as error:  # no such deployment, no server: whatever it is, everybody was told
        get_run_logger().warning("The next run could not be planned (%s); the schedule comes every 5 minutes.", error)


def come_again(environment: str, at: datetime, incident: str) -> None:
    """Have Prefect start a run at a time, so that nothing waits in a process meanwhile.

    One run for an incident and a time, however often this is asked. Raises whatever Prefect's client does.
    """
    start_run(
        "escalation/escalation",
        {"mode": "apply", "environment": environment, "requested_by": "escalation, when it is due"},
        f"escalation:{incident}:{at.isoformat()}",
        at,
    )
