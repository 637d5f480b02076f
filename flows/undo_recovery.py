"""Undo a recovery: bring back what one of its runs has deleted, where nothing newer is.

Handbook: 'Rolling back'. Documentation for the person on call: docs/operations/export-recovery.md, 'Undo'.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow
from prefect.states import Completed, Failed

from blocks.environment import PipelineEnvironment
from flows.running import call_task, flow_context
from tasks.recovery.present import publish
from tasks.recovery.undo import undo_run


@flow(name="undo-recovery", flow_run_name="undo {scene_id} {run} ({mode})")
def undo_recovery(
    scene_id: str,
    run: str,
    mode: Literal["plan", "apply"] = "plan",
    environment: str = "default",
    markers: bool = False,
    requested_by: str = "",
) -> State[Any]:
    """Bring back what a recovery run has deleted.

    Args:
        scene_id: The scene, e.g. kitchen_001.
        run: The run's id, as the recovery's report gives it.
        mode: "plan" changes nothing and shows what would be restored; "apply" restores it.
        environment: Name of the Remediation Environment block.
        markers: Restore completion and failure markers too, last; each starts the workflows that listen to it.
        requested_by: Who asks; recorded.
    """
    loaded = PipelineEnvironment.load(environment)
    context = flow_context(loaded, environment, requested_by)
    result = undo_run(context, scene_id, run, mode, markers, call_task)
    publish([result])
    return (Completed if result.good else Failed)(message=result.sentence())
