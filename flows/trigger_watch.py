"""Notice a trigger that fired and could not start its flow.

Prefect says nothing in its log when an automation's action fails (a wrong parameter, a missing deployment): the only
trace is an event. This flow is started by that event and fails on purpose, so that the failure is seen where people look.
Documentation for the person on call: docs/operations/export-recovery.md, 'When nothing starts'.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.states import Failed


@flow(name="trigger-watch", flow_run_name="trigger failed: {automation}")
def trigger_watch(automation: str, reason: str = "", event: str = "") -> State[Any]:
    """Show that a trigger's action failed.

    Args:
        automation: Name of the automation whose action failed.
        reason: Why it failed, in Prefect's words.
        event: What set it off, where that is known.
    """
    message = f"Trigger '{automation}' fired and could not start its flow: {reason or 'no reason given'}"
    get_run_logger().error(message)
    create_markdown_artifact(
        f"# A trigger failed\n\n{message}\n\nSet off by: `{event or 'unknown'}`\n\n"
        "What it should have done was not done. Run the flow by hand, or wait for the next sweep, which finds broken "
        "scenes without any event. Then correct the `triggers:` entry in `prefect.yaml` and deploy again.",
        key="trigger-watch",
    )
    return Failed(message=message)
