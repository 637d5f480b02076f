"""Hold watch: notice delivery that is held and that nobody gives back, before events are lost.

Every 15 minutes. Documentation for the person on call: docs/operations/backup-and-restore.md, 'A hold that is left'.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed, Failed

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from flows.running import flow_context
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseBusy, LeaseLost
from tasks.restore.watch import Forgotten, give_up, look


@flow(name="hold-watch", flow_run_name="hold watch ({mode})")
def hold_watch(
    mode: Literal["look", "apply"] = "look", environment: str = "default", requested_by: str = ""
) -> State[Any]:
    """Fail loudly when delivery is held and its deadline is over or its flow run is dead.

    Args:
        mode: "look" changes nothing; "apply" delivers what waits and lets it push as before.
        environment: Name of the Remediation Environment block.
        requested_by: Who asks; recorded.
    """
    context = flow_context(PipelineEnvironment.load(environment), environment, requested_by)
    fine, forgotten = look(context)
    for ticket in fine:
        get_run_logger().info("In order: %s", ticket.sentence())
    if not forgotten:
        return Completed(message=f"{len(fine)} holds, all in order" if fine else "No delivery is held")
    told = [act(context, one) if mode == "apply" else one.sentence() for one in forgotten]
    message = "Forgotten: " + "; ".join(told)
    hint = (
        "" if mode == "apply" else "\n\nRun hold-watch with mode `apply` to deliver what waits and let it push again."
    )
    create_markdown_artifact(f"# Delivery is held and nobody gives it back\n\n{message}{hint}", key="hold-watch")
    return Failed(message=message)


def act(context: Context, one: Forgotten) -> str:
    """Give one hold back."""
    try:
        return f"{one.sentence()}; it was given back now: {give_up(context, one.ticket)}"
    except (LeaseBusy, LeaseLost, OutsideError) as error:
        return f"{one.sentence()}; it could not be given back: {error}"
