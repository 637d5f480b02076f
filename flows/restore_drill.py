"""Restore drill: bring some scenes of the newest good night back to a scratch place, prove them, measure, clean up.

Weekly. Documentation for the person on call: docs/operations/backup-and-restore.md, 'Proving it'.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from flows.running import flow_context
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseBusy, LeaseLost
from tasks.restore.drill import drill
from tasks.restore.drill_record import DrillRecord, scorecard
from tasks.sync.outcome import GOOD


@task(name="restore_scenes", cache_policy=NO_CACHE, persist_result=False)
def restore_scenes(context: Context, scene_ids: list[str]) -> DrillRecord:
    """Restore, compare, validate, measure and clean up. Not tried again: what it finds is the result."""
    return drill(context, scene_ids)


@flow(name="restore-drill", flow_run_name="restore drill")
def restore_drill(
    scene_ids: list[str] | None = None, environment: str = "default", requested_by: str = ""
) -> State[Any]:
    """Prove that the backup restores. Nothing of the pipeline is touched.

    Args:
        scene_ids: The scenes to restore; empty: those whose last drill is the longest ago.
        environment: Name of the Remediation Environment block.
        requested_by: Who asks; recorded.
    """
    loaded = PipelineEnvironment.load(environment)
    context = flow_context(loaded, environment, requested_by)
    try:
        record = restore_scenes(context, scene_ids or [])
    except (LeaseBusy, LeaseLost, OutsideError, ValueError) as error:
        return Failed(message=str(error))
    create_markdown_artifact(scorecard(record, loaded.backup), key="restore-drill")
    get_run_logger().info(record.sentence())
    return (Completed if record.outcome in GOOD else Failed)(message=record.sentence())
