"""The failure records that workflows and jobs leave behind, and the ways a simulated run ends badly."""

from __future__ import annotations

from blocks.catalogue_query import expand
from deployments.sandbox.pipeline.stage_writers import WRITERS, Step
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, StageFailed


class WorkflowFailed(Exception):
    """The execution ended as FAILED. The message is its error."""


class JobFailed(Exception):
    """The job's execution ended as failed. The message is what its log would say."""


class Cancelled(WorkflowFailed, JobFailed):
    """The run was cancelled: it stopped where it was and cleaned nothing up, not even its lock."""


class StartFailed(StageFailed):
    """A job could not even be started."""


def write_failure(folder: SceneFolder, stage: str, job: str, error: StageFailed, execution: str) -> None:
    """Write the stage's failure markers as its workflow does; nothing for a workflow that writes none.

    An object that is already at the new-style path stays as it is, and only the legacy one beside it is refreshed:
    after a second failure the first one describes the earlier failure.
    """
    writer = WRITERS[stage]
    code = error.code or (writer.start_failed if isinstance(error, StartFailed) else "") or writer.failed
    if not code:
        return
    for template in folder.catalogue.stages[stage].failure_markers:
        for path in expand(template, (), folder.options.get("GENIE_SIM_JOB_ID")):
            parent, _, name = path.rpartition("/")
            if parent.endswith("-job"):
                continue
            if name != ".failed":
                if ("inference" in name) == ("inference" in job):
                    folder.write_json(path, _legacy(folder, name, error, execution))
            elif not folder.exists(path):
                folder.write_json(path, _record(folder, job, code, str(error), execution))


def write_job_record(folder: SceneFolder, step: Step, error: StageFailed) -> None:
    """Write the record that some jobs keep of their own failure, below `<job>/`; it replaces the one before."""
    if step.record is None or isinstance(error, StartFailed):
        return
    record = _record(folder, step.record, error.code or "RuntimeError", str(error), "unknown")
    more = {"partial_results": {}, "debugging": {"logs_url": None}, "recommendations": ["Check the job's inputs."]}
    folder.write_json(f"{step.record}/.failed", record | more)
    folder.write(f"{step.record}/.failed.summary", f"{step.record} failed for {folder.scene_id}: {error}\n")


def _record(folder: SceneFolder, job: str, code: str, message: str, execution: str) -> dict[str, object]:
    return {
        "scene_id": folder.scene_id,
        "job_name": job,
        "status": "failed",
        "timestamp": folder.now,
        "error": {"code": code, "message": message, "type": "workflow_failure", "stack_trace": None},
        "context": {
            "execution_id": execution,
            "workflow_execution_id": execution.rsplit("/", 1)[-1],
            "attempt_number": 1,
            "config_context": {},
        },
        "input_params": {"scene_id": folder.scene_id, "bucket": folder.bucket},
    }


def _legacy(folder: SceneFolder, name: str, error: StageFailed, execution: str) -> dict[str, object]:
    marker: dict[str, object] = {"scene_id": folder.scene_id, "status": "failed", "timestamp": folder.now}
    if name == ".interactive_failed":
        return marker | {"success": False, "reason": "articulation_failed", "error": {"message": str(error)}}
    return marker | {"execution": execution, "error": str(error)}
