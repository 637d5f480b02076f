"""Notice a missed night the next morning, and one that is only partial, damaged or not verified.

Prefect shows runs that failed; a run that never began shows nowhere. This flow fails on purpose, so that it is seen.
Documentation for the person on call: docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow, get_run_logger
from prefect.states import Completed, Failed

from blocks.environment import PipelineEnvironment
from tasks.backup.present import publish_result
from tasks.backup.watch import watch


@flow(name="backup-watch", flow_run_name="backup watch")
def backup_watch(environment: str = "default") -> State[Any]:
    """Fail when the last night is missing, too old, partial, damaged or not verified. Changes nothing.

    Args:
        environment: Name of the Remediation Environment block.
    """
    result = watch(PipelineEnvironment.load(environment))
    publish_result(result, "backup-watch")
    if result.good:
        get_run_logger().info(result.sentence())
        return Completed(message=result.sentence())
    get_run_logger().error(result.sentence())
    return Failed(message=result.sentence())
