"""What is particular to single workflows: when they do nothing, what they pass to their jobs, how they answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

from blocks.catalogue import Workflow
from deployments.sandbox.pipeline.simulator_failures import WorkflowFailed
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, StageFailed

IMPORT_KEYS = (
    "job_id",
    "status",
    "scene_id",
    "submission_mode",
    "local_episodes_prefix",
    "job_metadata_path",
    "wait_for_completion",
    "min_quality_score",
    "enable_validation",
    "filter_low_quality",
    "trigger_training",
)
"""The import workflow reads each of these, and reading a key that is not there raises KeyError."""
TRAINING_KEYS = ("job_id", "scene_id", "output_path")
IMPORT, TRAINING, EXPORT = "genie-sim-import-pipeline", "training-pipeline", "genie-sim-export-pipeline"
INTERACTIVE, OBJECTS, SCALE = "interactive-pipeline", "objects-pipeline", "scale-pipeline"
VARIATION, UPSELL, DWM = "variation-assets-pipeline", "upsell-features-pipeline", "dwm-preparation-pipeline"
SENTENCES = (OBJECTS, INTERACTIVE, SCALE)
"""Workflows that answer with a sentence."""
LOWER_CASE = (IMPORT, TRAINING)
"""Workflows that write `result.status` in lower case."""
WITHOUT_SCENE: dict[str, object] = {
    "genie-sim-import-poller": {"status": "ok", "started": 0},
    "scene-generation-pipeline": {"status": "DRY_RUN"},
    "retention-cleanup": "Retention cleanup completed",
}
"""Workflows that work on the whole bucket, and what they answer. The sandbox does not play what they do."""


class ExecutionHandle(Protocol):
    """The execution or job execution in whose name the simulator works."""

    name: str
    cancelled: Event


@dataclass
class Run:
    """One run of a workflow on one scene."""

    workflow: str
    spec: Workflow
    argument: Mapping[str, Any]
    folder: SceneFolder
    handle: ExecutionHandle
    executions: dict[str, str] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    """Stages that failed without failing the run."""
    current_job: str = ""


def scene_of(workflow: str, spec: Workflow, argument: Mapping[str, Any], bucket: str) -> tuple[str, str] | None:
    """(bucket, scene id) of a run; None when the event's name is not one that the workflow works on.

    Raises WorkflowFailed for a key that the workflow reads and the argument lacks. Workflows without an event take
    `bucket`, which is what their environment says.
    """
    keys = {IMPORT: IMPORT_KEYS, TRAINING: TRAINING_KEYS}.get(workflow, ("data",))
    try:
        values = {key: argument[key] for key in keys}
        if spec.event_regex is None:
            return bucket, str(values["scene_id"])
        bucket, name = str(values["data"]["bucket"]), str(values["data"]["name"])
    except (KeyError, TypeError) as error:
        raise WorkflowFailed(f"KeyError: key not found: {error} in the argument of {workflow}") from error
    return (bucket, name.split("/")[1]) if re.search(spec.event_regex, name) else None


def nothing_to_do(run: Run, environment: Mapping[str, str]) -> object | None:
    """The answer of a run that has nothing to do; None when there is work."""
    reason = _reason(run, environment)
    return None if reason is None else skipped(run, reason)


def skipped(run: Run, reason: str) -> object:
    """How the workflow says that it did nothing."""
    if run.workflow in SENTENCES:
        return f"Skipped scene {run.folder.scene_id}: {reason}"
    return {"status": _word(run, "SKIPPED"), "scene_id": run.folder.scene_id, "reason": reason}


def _reason(run: Run, environment: Mapping[str, str]) -> str | None:
    folder, argument = run.folder, run.argument
    for name in run.spec.skip_if:
        if folder.has_marker(name) and not (run.workflow == UPSELL and argument.get("force_reprocess")):
            return f"{folder.marker(name)} already exists"
    if run.workflow == DWM and environment.get("ENABLE_DWM") != "true":
        return "ENABLE_DWM is not true"
    if run.workflow == IMPORT and argument["status"] != "completed":
        return f"job status is {argument['status']}"
    if run.workflow == UPSELL and argument.get("bundle_tier") == "standard":
        return "bundle tier standard has no extras"
    if run.workflow == EXPORT and config_of(folder).get("use_geniesim") is False:
        return "config.json says use_geniesim=false"
    if run.workflow == OBJECTS and _has_objects(folder):
        return "the layout already has objects"
    return None


def _has_objects(folder: SceneFolder) -> bool:
    try:
        return bool(folder.read_object("layout/scene_layout.json").get("objects"))
    except StageFailed:
        return False


def config_of(folder: SceneFolder) -> dict[str, Any]:
    """The scene's `config.json`; empty when it is missing or not a JSON object."""
    try:
        config = json.loads(folder.find("config.json") or b"{}")
    except ValueError:
        return {}
    return config if isinstance(config, dict) else {}


def options_of(run: Run) -> dict[str, str]:
    """What the workflow passes on to its jobs. For the export, `config.json` wins over the argument."""
    argument, config = run.argument, config_of(run.folder) if run.workflow == EXPORT else {}
    found = {
        "ROBOT_TYPE": config.get("robot_type") or argument.get("robot_type"),
        "MAX_TASKS": argument.get("max_tasks"),
        "GENIESIM_SUBMISSION_MODE": config.get("geniesim_submission_mode") or argument.get("geniesim_submission_mode"),
        "BUNDLE_TIER": argument.get("bundle_tier"),
        "GENIE_SIM_JOB_ID": argument.get("job_id"),
        "MIN_QUALITY_SCORE": argument.get("min_quality_score"),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def success(run: Run) -> object:
    """How the workflow answers when it ran to its end."""
    scene_id = run.folder.scene_id
    if run.workflow in SENTENCES:
        return f"{run.workflow} completed for scene {scene_id}"
    if run.workflow == VARIATION and not run.folder.exists("variation_assets/variation_assets.json"):
        return {"status": "SUCCESS_NO_ASSETS", "scene_id": scene_id, **run.executions}
    word = "PARTIAL_SUCCESS" if run.incomplete else "SUCCESS"
    answer: dict[str, object] = {"status": _word(run, word), "scene_id": scene_id, **run.executions}
    if run.incomplete:
        answer["incomplete"] = run.incomplete
    return answer | {"outputs": _outputs(run)}


def failure(run: Run, error: StageFailed) -> object:
    """How a workflow answers that returns normally although a stage of it failed."""
    scene_id = run.folder.scene_id
    if run.workflow == INTERACTIVE:
        return f"{run.workflow} failed for scene {scene_id}: {error}"
    if run.workflow == OBJECTS:
        return f"{run.workflow} completed for scene {scene_id}"
    return {"status": _word(run, "FAILED"), "scene_id": scene_id, "error": str(error), **run.executions}


def _word(run: Run, word: str) -> str:
    return word.lower() if run.workflow in LOWER_CASE else word


def _outputs(run: Run) -> dict[str, str]:
    stages = run.folder.catalogue.stages
    paths = [output.path for name in run.spec.stages for output in stages[name].outputs]
    plain = [path for path in paths if "{" not in path and "*" not in path]
    return {path.rsplit("/", 1)[-1].split(".")[0]: run.folder.prefix + path for path in plain}
