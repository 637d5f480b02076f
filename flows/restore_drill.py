"""Restore drill: bring some scenes of the newest good night back to a scratch place, prove them, measure, clean up.

Weekly. Documentation for the person on call: docs/operations/backup-and-restore.md, 'Proving it'.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.report import publish
from tasks.remediation.runner import run
from tasks.restore.drill import DrillRequest, RestoreDrill


@flow(name="restore-drill", flow_run_name="restore drill")
def restore_drill(
    scene_ids: list[str] | None = None, environment: str = "default", requested_by: str = ""
) -> State[Any]:
    """Prove that the backup restores. Nothing of the pipeline is touched.

    Args:
        scene_ids: The scenes to restore; empty: those whose last drill is the longest ago.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is recorded.
    """
    context, procedure = flow_context(environment, requested_by), RestoreDrill()
    one = run(procedure, context, DrillRequest(mode="apply", scene_ids=tuple(scene_ids or ())), as_task_run)
    publish(one, procedure.sections(one), "drill")
    return state_of(one)
