"""Verify a backup: everything it names is there and unchanged, and a part of its bytes is read again each time.

Handbook: 'Verifying a backup'. Documentation for the person on call: docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow, get_run_logger, runtime
from prefect.states import Completed, Failed

from blocks.environment import PipelineEnvironment
from flows.progress import show_bytes
from flows.running import call_task, flow_context
from tasks.backup.present import publish_verification
from tasks.backup.verify import verify_backup as verify


def run_name() -> str:
    """What the flow run is called in lists, e.g. `verify the newest backup`."""
    night = runtime.flow_run.parameters.get("night")
    return f"verify backup {night}" if night else "verify the newest backup"


@flow(name="verify-backup", flow_run_name=run_name)
def verify_backup(night: str = "", environment: str = "default", requested_by: str = "") -> State[Any]:
    """Compare a night's record with what is in the backup, and publish the scorecard. Changes nothing.

    Args:
        night: The night, as in 20261123T020000Z; empty: the newest.
        environment: Name of the Remediation Environment block.
        requested_by: Who asks; recorded.
    """
    context = flow_context(PipelineEnvironment.load(environment), environment, requested_by)
    result = verify(context, night, call_task, show_bytes("verification"))
    publish_verification(result)
    get_run_logger().info(result.sentence())
    return (Completed if result.good else Failed)(message=result.sentence())
