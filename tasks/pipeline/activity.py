"""What is at work on scenes right now: workflow executions, Cloud Run jobs, GPU Jobs.

Nothing is restarted under somebody's hands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.clients import OF_WORK, load_libraries
from blocks.environment import PipelineEnvironment
from blocks.execution import LIVE_STATES, Execution
from tasks.pipeline.gpu_jobs import SCENE_LABEL, plain, scene_in_name
from tasks.pipeline.labels import RUN_LABEL, RUN_VARIABLE
from tasks.remediation.context import Context


@dataclass(frozen=True, slots=True)
class LiveWork:
    """Something that is running on a scene."""

    scene_id: str
    what: str
    run: str = ""
    """The remediation run that started it, if one did."""
    is_named: bool = False
    """Whether the scene is only known by a name of Kubernetes, which many ids may stand behind."""

    def is_on(self, scene_id: str) -> bool:
        """Whether it may be work on this scene."""
        return scene_id == self.scene_id or (self.is_named and plain(scene_id) == plain(self.scene_id))


def live_work(environment: PipelineEnvironment) -> list[LiveWork]:
    """Everything that runs on any scene now. What is not deployed runs nothing; what does not answer is an error."""
    catalogue = environment.catalogue
    looks: list[Callable[[], Iterable[LiveWork]]] = [lambda: live_gke_jobs(environment)]
    looks += [lambda name=name: live_executions(environment, name) for name in catalogue.workflows]  # type: ignore[misc]
    looks += [lambda name=name: live_jobs(environment, name) for name in catalogue.jobs]  # type: ignore[misc]
    load_libraries(OF_WORK)  # before the threads, which would do it in each other's way
    with ThreadPoolExecutor(max_workers=8) as pool:
        return [work for found in pool.map(lambda look: list(look()), looks) for work in found]


class LiveBoard:
    """What runs on which scene, asked at most every few seconds however many scenes are looked at."""

    def __init__(self, environment: PipelineEnvironment, seconds: float = 2.0) -> None:
        self.environment, self.seconds = environment, seconds
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._found: list[LiveWork] = []

    @staticmethod
    def of(context: Context) -> LiveBoard:
        """The run's own; the runs of a batch share it."""
        return context.remember(LiveBoard, lambda: LiveBoard(context.environment))

    def on(self, scene_id: str) -> tuple[LiveWork, ...]:
        """What runs on a scene."""
        with self._lock:
            if time.monotonic() - self._asked > self.seconds:
                self._found = live_work(self.environment)
                self._asked = time.monotonic()
            return tuple(work for work in self._found if work.is_on(scene_id))


def phrases_on(context: Context, scene_id: str) -> tuple[str, ...]:
    """What is at work on a scene, one phrase each."""
    return tuple(work.what for work in LiveBoard.of(context).on(scene_id))


def live_executions(environment: PipelineEnvironment, workflow: str) -> Iterable[LiveWork]:
    workflows = environment.workflows
    for execution in (found for state in LIVE_STATES for found in workflows.executions(workflow, state=state)):
        if scene_id := scene_of_argument(execution, environment):
            yield LiveWork(
                scene_id, f"{workflow} (execution {short(execution.name)})", execution.labels.get(RUN_LABEL, "")
            )


def live_jobs(environment: PipelineEnvironment, job: str) -> Iterable[LiveWork]:
    longest = timedelta(seconds=2 * (environment.catalogue.jobs[job].timeout_seconds or 3600))
    for execution in environment.jobs.executions(job, since=datetime.now(UTC) - longest):
        if execution.state == "running" and (scene_id := execution.env.get("SCENE_ID")):
            yield LiveWork(scene_id, f"{job} (execution {short(execution.name)})", execution.env.get(RUN_VARIABLE, ""))


def live_gke_jobs(environment: PipelineEnvironment) -> Iterable[LiveWork]:
    """GPU Jobs name their scene by a label, or carry its id in their name: `geniesim-gpu-<scene>-<epoch>`."""
    families = [rule.name.partition("{scene_id}")[0] for rule in environment.catalogue.gke_jobs]
    for job in environment.cluster.jobs():
        if job.active and job.name.startswith(tuple(families)):
            label = job.labels.get(SCENE_LABEL, "")
            scene = label or scene_in_name(job.name, families)
            yield LiveWork(scene, f"GKE Job {job.name}", job.labels.get(RUN_LABEL, ""), is_named=not label)


def scene_of_argument(execution: Execution, environment: PipelineEnvironment) -> str | None:
    """The scene an execution works on: segment 1 of the event's object name, else `scene_id`."""
    data = execution.argument.get("data")
    if isinstance(data, dict):
        if data.get("bucket", environment.data_bucket) != environment.data_bucket:
            return None
        parts = str(data.get("name", "")).split("/")
        return parts[1] if len(parts) > 2 and parts[0] == "scenes" else None
    scene_id = execution.argument.get("scene_id")
    return str(scene_id) if scene_id else None


def short(name: str) -> str:
    return name.rpartition("/")[2]
