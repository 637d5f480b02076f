"""What every flow needs to run a procedure: context, progress, waves of subjects, and the state it ends in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import State, get_run_logger, runtime, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from blocks.environment import PipelineEnvironment
from tasks.remediation.batch import Wave
from tasks.remediation.caller import as_task_run
from tasks.remediation.context import Context
from tasks.remediation.outcome import GOOD, outcome_of, worst
from tasks.remediation.report import batch_sentence
from tasks.remediation.run import Run

REPEAT_SECONDS = 10.0
"""The same kind of progress sentence is logged at most this often."""


def side_by_side(workers: int = 8) -> TaskRunner[Any]:
    """The task runner of flows that work on several subjects at once, in threads."""
    return ThreadPoolTaskRunner(max_workers=workers)


def flow_context(block_name: str, requested_by: str) -> Context:
    """The context of the current flow run, with the environment block of that name."""
    environment = PipelineEnvironment.named(block_name)
    return Context(
        environment,
        requested_by or _by_itself() or runtime.flow_run.name or "somebody",
        flow_run_id=str(runtime.flow_run.id or ""),
        say=speaker(get_run_logger().info),
        policy=lambda: PipelineEnvironment.named(block_name).policy,
    )


def _by_itself() -> str:
    """Who asks when nobody is named and a schedule has started the run: Prefect marks such runs with a tag."""
    return f"schedule of {runtime.deployment.name}" if "auto-scheduled" in (runtime.flow_run.tags or []) else ""


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


def state_of(runs: Run | Sequence[Run], message: str = "") -> State[dict[str, Any]]:
    """The state a flow ends in: Completed when nobody needs to do anything, else Failed, with the runs' words as data.

    `message`: of the state; by default the sentence of one run, and how many of several came out how.
    """
    listed = [runs] if isinstance(runs, Run) else list(runs)
    logger = get_run_logger()
    for run in listed:
        logger.info(run.sentence())
    word = worst([run.outcome for run in listed])
    message = message or (listed[0].sentence() if len(listed) == 1 else batch_sentence(listed))
    return (Completed if word in GOOD else Failed)(message=message, data={"outcome": word})


def state_of_error(error: Exception) -> State[dict[str, Any]]:
    """The state of a flow that an error has ended: its word and its sentence, as in every run."""
    word, sentence = outcome_of(error)
    return Failed(message=sentence, data={"outcome": word})


@task(name="recover_scene", task_run_name="recover {name}", cache_policy=NO_CACHE, persist_result=False)
def recover_scene(one: Callable[[str], Run], name: str) -> Run:
    """One subject of a batch; its steps are task runs of their own."""
    return one(name)


def flow_wave(one: Callable[[str], Run]) -> Wave:
    """A wave of subjects as concurrent task runs."""

    def wave(group: list[str]) -> list[Run]:
        futures = [recover_scene.submit(one, name) for name in group]
        return [future.result() for future in futures]

    return wave


def show_progress(key: str) -> Callable[[int, int], None]:
    """A progress artifact and a log line: told how many of how many are done."""
    logger = get_run_logger()
    artifact = create_progress_artifact(progress=0.0, key=f"{key}-progress", description="Subjects done")

    def progress(done: int, total: int) -> None:
        logger.info("%d of %d done", done, total)
        if isinstance(artifact, UUID):
            update_progress_artifact(artifact, progress=100.0 * done / total)

    return progress


def start_run(deployment: str, parameters: dict[str, Any], key: str, at: datetime | None = None) -> None:
    """Have Prefect create a run of a deployment (`flow/name`), now or at a time, and wait for nothing.

    One run for a key, however often this is asked. Raises whatever Prefect's client does.
    """
    from prefect.deployments import run_deployment

    run_deployment(
        deployment, parameters=parameters, scheduled_time=at, timeout=0, idempotency_key=key, as_subflow=False
    )


__all__ = [
    "as_task_run",
    "flow_context",
    "flow_wave",
    "show_progress",
    "side_by_side",
    "start_run",
    "state_of",
    "state_of_error",
]
