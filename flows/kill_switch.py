"""Kill switch: stop every change of every remediation at once, say who stopped it and why, and lift the stop again.

Documentation for the person on call: docs/operations/kill-switch.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, get_run_logger, runtime
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from blocks.kill_switch import read_kill_switch
from flows.running import flow_context, state_of_error
from tasks.remediation.switch import lift_stop, stop_changes


def run_name() -> str:
    """What the flow run is called in lists, e.g. `kill switch on`."""
    return f"kill switch {runtime.flow_run.parameters.get('turn', 'show')}"


@flow(name="kill-switch", flow_run_name=run_name)
def kill_switch(
    turn: Literal["show", "on", "off"] = "show",
    reason: str = "",
    which: str = "",
    environment: str = "default",
    requested_by: str = "",
) -> State[Any]:
    """Stop every change at once, or lift the stop. Looking, planning and backups go on.

    Args:
        turn: "show" changes nothing; "on" stops every change within a second; "off" lifts a stop.
        reason: Why you do it; needed to stop and to lift, and recorded.
        which: With "off": the number of the stop (from 1) or "all"; may be left out when there is only one.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is shown to everybody whose run is stopped.
    """
    context = flow_context(environment, requested_by)
    try:
        match turn:
            case "on":
                entries = stop_changes(context, environment, reason)
            case "off":
                entries = lift_stop(context, environment, reason, which)
            case "show":
                entries = read_kill_switch(environment)
    except Exception as error:
        return state_of_error(error)
    shown = "".join(f"{number}. {entry}\n" for number, entry in enumerate(entries, start=1))
    create_markdown_artifact(f"# Kill switch\n\n{shown or 'Off: changes may be made.'}", key="kill-switch")
    message = f"Nothing may be changed: {'; '.join(entries)}" if entries else "The kill switch is off."
    get_run_logger().info(message)
    return Completed(message=message, data={"outcome": "nothing_to_do" if turn == "show" else "done"})
