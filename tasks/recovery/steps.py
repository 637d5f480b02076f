"""The steps of a recovery as Prefect tasks: one task run for each scene and step, never for each object.

A task retries only what is safe to ask again (`TemporaryError`): each step looks at what it did before it does more.
"""

from __future__ import annotations

from typing import Any

from prefect import task

from tasks.recovery.observe import SceneFacts, observe_scene
from tasks.recovery.verify import verify_stages
from tasks.remediation.apply import Handlers, Work, nothing_to_look_at, run_step
from tasks.remediation.context import Context
from tasks.remediation.plan import Kind, Step
from tasks.remediation.task_settings import STEP_SETTINGS

OWN: Handlers = {"verify_stages": (verify_stages, nothing_to_look_at)}


@task(name="validate_manifests", task_run_name="{scene_id}: validate manifests", **STEP_SETTINGS)
def validate_manifests(context: Context, scene_id: str) -> SceneFacts:
    """Observe the scene: its documents, files and markers, and what is at work on it. Changes nothing."""
    return observe_scene(context, scene_id)


@task(name="clear_completion_markers", task_run_name="{scene_id}: {step_name}", **STEP_SETTINGS)
def clear_completion_markers(work: Work, step: Step, scene_id: str, step_name: str) -> dict[str, str]:
    """Remove stale locks, markers and outputs that stand in the way of the rerun, each by its generation."""
    return run_step(work, step, OWN)


@task(name="restore_inputs", task_run_name="{scene_id}: {step_name}", **STEP_SETTINGS)
def restore_inputs(work: Work, step: Step, scene_id: str, step_name: str) -> dict[str, str]:
    """Put good copies of bad inputs back."""
    return run_step(work, step, OWN)


@task(name="rerun_workflow", task_run_name="{scene_id}: {step_name}", **STEP_SETTINGS)
def rerun_workflow(work: Work, step: Step, scene_id: str, step_name: str) -> dict[str, str]:
    """Start or adopt the workflow or job, wait for it, and read its result."""
    return run_step(work, step, OWN)


@task(name="validate_outputs", task_run_name="{scene_id}: {step_name}", **STEP_SETTINGS)
def validate_outputs(work: Work, step: Step, scene_id: str, step_name: str) -> dict[str, str]:
    """Prove that the rerun made what it should have."""
    return run_step(work, step, OWN)


@task(name="record_markers", task_run_name="{scene_id}: {step_name}", **STEP_SETTINGS)
def record_markers(work: Work, step: Step, scene_id: str, step_name: str) -> dict[str, str]:
    """Write the markers a later stage asks for and no cloud component writes."""
    return run_step(work, step, OWN)


STEP_TASKS: dict[Kind, Any] = {
    "delete_object": clear_completion_markers,
    "restore_object": restore_inputs,
    "start_workflow": rerun_workflow,
    "run_job": rerun_workflow,
    "verify_stages": validate_outputs,
    "write_object": record_markers,
}
