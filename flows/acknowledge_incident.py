"""Acknowledge an incident: a person says "I have it", and pages stop.

By hand in the UI, or from the link in a page through the receiver. Documentation for the person on call:
docs/operations/escalation.md, "I have it".
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, get_run_logger
from prefect.states import Completed

from flows.running import flow_context, state_of_error
from tasks.incidents.acknowledge import acknowledge


@flow(name="acknowledge-incident", flow_run_name="acknowledge {incident}")
def acknowledge_incident(
    incident: str,
    by: str,
    how: Literal["ui", "link", "command"] = "ui",
    proof: str = "",
    environment: str = "default",
) -> State[Any]:
    """Record that you have an incident. Nobody else is paged then; updates go on.

    Args:
        incident: Which one, as in inc-20261127t101502z-9f3ac1d2; the page names it.
        by: Your name; it is recorded, and everybody sees who has it.
        how: By which road you said so; leave it as it is.
        proof: Leave it empty. The receiver's word for the name, when it has seen who you are; else the name is claimed.
        environment: Name of the Remediation Environment block, which says whose incidents these are.
    """
    context = flow_context(environment, by)
    try:
        found, new = acknowledge(context, incident, by, how, proof)
    except Exception as error:
        return state_of_error(error)
    said = f"{incident}: {by} has it" + ("." if new else "; that was known already.")
    get_run_logger().info("%s Status %s, phase %s.", said, found.status, found.phase)
    return Completed(message=said, data={"outcome": "done" if new else "nothing_to_do"})
