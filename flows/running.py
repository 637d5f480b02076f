"""What every flow needs to run a procedure's tasks: context, progress, and waves of scenes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from prefect import get_run_logger, runtime, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from blocks.environment import PipelineEnvironment
from tasks.recovery.batch import Wave
from tasks.recovery.outcome import RecoveryResult
from tasks.recovery.recover import Wanted, recover_scene
from tasks.remediation.context import Context
from tasks.remediation.lease import Holder

REPEAT_SECONDS = 10.0
"""The same kind of progress sentence is logged at most this often."""


def call_task(step: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a task as a task run of the current flow."""
    return step(*args, **kwargs)


def flow_context(environment: PipelineEnvironment, block_name: str, requested_by: str) -> Context:
    """The context of the current flow run."""
    return Context(
        environment,
        requested_by or runtime.flow_run.name or "somebody",
        flow_run_id=str(runtime.flow_run.id or ""),
        say=speaker(get_run_logger().info),
        kill_switch=lambda: PipelineEnvironment.load(block_name).policy.kill_switch,
        holder_is_alive=flow_run_is_alive,
    )


def speaker(log: Callable[[str], None]) -> Callable[[str], None]:
    """Log progress sentences, but one that only counts on (same words before ': ') at most every ten seconds."""
    said: dict[str, float] = {}
    lock = threading.Lock()

    def say(sentence: str) -> None:
        kind = sentence.partition(": running")[0]
        with lock:
            if time.monotonic() - said.get(kind, float("-inf")) < REPEAT_SECONDS:
                return
            said[kind] = time.monotonic()
        log(sentence)

    return say


def flow_run_is_alive(holder: Holder) -> bool | None:
    """Whether the flow run that holds a lease can still act. Prefect's own record decides; None when it has none.

    A holder with this very flow run's id is an earlier attempt of it, whose process is gone.
    """
    if not holder.flow_run_id:
        return None
    if holder.flow_run_id == str(runtime.flow_run.id or ""):
        return False
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(holder.flow_run_id)).state
    except (ObjectNotFound, ValueError):
        return None
    return None if state is None else not state.is_final()


@task(name="recover_scene", task_run_name="recover {scene_id}", cache_policy=NO_CACHE, persist_result=False)
def recover_scene_task(context: Context, scene_id: str, wanted: Wanted) -> RecoveryResult:
    """One scene of a batch; its steps are task runs of their own."""
    return recover_scene(context, scene_id, wanted, call_task)


def flow_wave(context: Context, wanted: Wanted) -> Wave:
    """A wave of scenes as concurrent task runs."""

    def wave(group: list[str]) -> list[RecoveryResult]:
        futures = [recover_scene_task.submit(context, scene_id, wanted) for scene_id in group]
        return [future.result() for future in futures]

    return wave


def show_progress(key: str) -> Callable[[int, int], None]:
    """A progress artifact and a log line: told how many of how many are done."""
    logger = get_run_logger()
    artifact = create_progress_artifact(progress=0.0, key=f"{key}-progress", description="Scenes done")

    def progress(done: int, total: int) -> None:
        logger.info("%d of %d scenes done", done, total)
        if isinstance(artifact, UUID):
            update_progress_artifact(artifact, progress=100.0 * done / total)

    return progress
