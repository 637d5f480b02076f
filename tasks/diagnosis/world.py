"""What the probes look at, each thing asked of its service once whoever needs it, and everything bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, TemporaryError
from blocks.logs import LogLine
from blocks.triggers import TriggerInfo
from tasks.diagnosis.attempts import Attempt, newest_first, of_job, of_workflow
from tasks.pipeline.deployed import Deployed, Once
from tasks.pipeline.scene_view import SceneView, scene_view
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene
from tasks.validation.scene_under_test import Depth

T = TypeVar("T")

MOST_EXECUTIONS = 300
"""Executions of one workflow and state, or of one job, that are looked at, newest first: three pages of the service."""
MOST_LINES = 1000
"""Lines of the log for each of two questions: Cloud Logging answers 60 requests a minute for a whole project."""
FULL_SCENES = 5
"""Up to so many scenes everything is read; of more, the documents and the list of objects."""
PARALLEL = 8
"""Requests at the same time for one purpose."""
AHEAD_SECONDS = 8.0
"""How long the executions of everything are waited for by those who can do without: half of a probe's time."""
ERRORS = "severity>=ERROR"
METRICS = (
    'jsonPayload.bp_metric="geniesim_sla_violation" OR jsonPayload.bp_metric="job_retry_exhausted" OR '
    '(jsonPayload.bp_metric="job_invocation" AND (jsonPayload.timed_out=true OR jsonPayload.status="FAILED"))'
)
"""The pipeline's own events that speak of trouble, whatever their severity is."""
WORKFLOW_EXECUTION = "workflows.googleapis.com/execution_id"
JOB_EXECUTION = "run.googleapis.com/execution_name"
"""Labels that name an execution (Google: Workflows and Cloud Run, "Logging")."""


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """The newest of something, and whether there is more that was not looked at."""

    newest: tuple[T, ...]
    cut: bool = False


class World:
    """One installation as it is now, for one diagnosis. Safe to use from many threads."""

    def __init__(self, environment: PipelineEnvironment, hours: float, scenes: tuple[str, ...] = ()) -> None:
        """
        Args:
            environment: The pipeline. Its own blocks are left alone: quick copies of them ask.
            hours: How far back executions, markers and the log are looked at.
            scenes: The scenes that were named; none: those that the executions name.
        """
        self.deployed = Deployed(environment)
        self.environment = self.deployed.environment
        self.catalogue = environment.catalogue
        self.scenes = scenes
        self.hours = hours
        self.now = datetime.now(UTC)
        self.since = self.now - timedelta(hours=hours)
        self.depth: Depth = "full" if 0 < len(scenes) <= FULL_SCENES else "documents"
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._once: dict[tuple[object, ...], Once[Any]] = {}

    def once(self, key: tuple[object, ...], ask: Callable[[], T]) -> T:
        """The answer to a question, asked the first time that somebody needs it; so is a refusal."""
        self.go_on()
        with self._lock:
            known: Once[T] = self._once.setdefault(key, Once(ask))
        return known.get()

    def go_on(self) -> None:
        """Raise TemporaryError once the diagnosis is over: what a probe has queued and was given up asks nothing more."""
        if self._over.is_set():
            raise TemporaryError("The diagnosis is over.")

    def close(self) -> None:
        """End it and close the connections."""
        self._over.set()
        self.deployed.close()

    # Executions

    def of_workflow(self, workflow: str) -> Known[Attempt]:
        """What was tried by a workflow since then, and what is running however long."""
        return self.once(("workflow", workflow), lambda: self._ask_workflow(workflow))

    def of_job(self, job: str) -> Known[Attempt]:
        """What was run of a Cloud Run job since then."""
        return self.once(("job", job), lambda: self._ask_job(job))

    def attempts(self) -> list[Attempt]:
        """Everything that is known to have been tried, newest first: what was answered, and in time.

        Nobody who only wants to know what else happened waits for a service that hangs; who lists it says so.
        """
        return self.once(("attempts",), self._ask_all)

    def _ask_all(self) -> list[Attempt]:
        asks: list[Callable[[], Known[Attempt]]] = [
            partial(self.of_workflow, name) for name in self.catalogue.workflows
        ]
        asks += [partial(self.of_job, name) for name in self.catalogue.jobs]
        pool = ThreadPoolExecutor(PARALLEL)
        done, _ = wait([pool.submit(ask) for ask in asks], timeout=AHEAD_SECONDS)
        pool.shutdown(wait=False)
        return newest_first(one for ask in done if ask.exception() is None for one in ask.result().newest)

    def entries(self) -> Iterator[tuple[str, Callable[[], Known[Attempt]]]]:
        """Every workflow and job by a name for people, with how to ask for its executions. May raise when asked."""
        self.attempts()  # several at the same time
        for name in self.catalogue.workflows:
            yield f"executions of workflow {name}", partial(self.of_workflow, name)
        for name in self.catalogue.jobs:
            yield f"executions of job {name}", partial(self.of_job, name)

    def _ask_workflow(self, workflow: str) -> Known[Attempt]:
        ask, most = self.environment.workflows.executions, MOST_EXECUTIONS
        found = [one for state in ("ACTIVE", "QUEUED") for one in islice(ask(workflow, state=state), most)]
        cut = False
        for state in ("FAILED", "CANCELLED", "SUCCEEDED"):
            ended = list(islice(ask(workflow, state=state, since=self.since), most))
            cut = cut or len(ended) == most
            found += ended
        return Known(tuple(newest_first(of_workflow(one, self.environment) for one in found)), cut)

    def _ask_job(self, job: str) -> Known[Attempt]:
        found = list(islice(self.environment.jobs.executions(job, since=self.since), MOST_EXECUTIONS))
        return Known(tuple(of_job(one) for one in found), len(found) == MOST_EXECUTIONS)

    # Everything else

    def triggers(self) -> list[TriggerInfo]:
        """Every deployed trigger of the project."""
        return self.once(("triggers",), self.environment.triggers.list)

    def location(self) -> str:
        """Where the data bucket is, as triggers name it; words for a person when it may not be asked."""
        with suppress(OutsideError):
            return self.deployed.bucket(self.environment.data_bucket).location.lower() or "LOCATION_OF_THE_BUCKET"
        return "LOCATION_OF_THE_BUCKET"

    def trigger_account(self) -> str:
        """The service account of the triggers that are there; words for a person when none says one."""
        accounts = [str(one.get("serviceAccount") or "") for one in self.deployed.triggers()]
        return next(filter(None, accounts), "ACCOUNT_OF_THE_TRIGGERS")

    def log(self) -> Known[LogLine]:
        """Errors and the pipeline's own events of trouble, newest first."""
        return self.once(("log",), self._ask_log)

    def _ask_log(self) -> Known[LogLine]:
        lines: dict[tuple[str, datetime], LogLine] = {}
        cut = False
        for query in (ERRORS, METRICS):
            found = self.environment.logs.newest(query, since=self.since, most=MOST_LINES)
            cut = cut or len(found) == MOST_LINES
            lines |= {(line.insert_id or str(id(line)), line.at): line for line in found}
        return Known(tuple(sorted(lines.values(), key=lambda line: line.at, reverse=True)), cut)

    def failed_jobs(self, execution: str) -> frozenset[str]:
        """The jobs at which an execution of a workflow failed, as its own log says; none when the log cannot be read."""
        with suppress(OutsideError):
            return self.once(("failed jobs",), self._ask_failed_jobs).get(execution, frozenset())
        return frozenset()

    def _ask_failed_jobs(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for line in self.log().newest:
            job, execution = str(line.data.get("job", "")), line.labels.get(WORKFLOW_EXECUTION, "")
            if job in self.catalogue.jobs and execution:
                found[execution] = found.get(execution, frozenset()) | {job}
        return found

    def view(self, scene_id: str) -> SceneView:
        """A scene, listed once."""
        return self.once(("view", scene_id), lambda: self._list(scene_id))

    def _list(self, scene_id: str) -> SceneView:
        self.attempts()  # first: what ends meanwhile is whole in what is listed afterwards
        view = scene_view(self.environment, scene_id)
        view.files()  # here, by one thread: it is several probes' by then
        return view

    def report(self, scene_id: str) -> SceneReport | None:
        """What the validator says of a scene; None when there is no such scene."""
        return self.once(("report", scene_id), lambda: self._validate(scene_id))

    def _validate(self, scene_id: str) -> SceneReport | None:
        view = self.view(scene_id)
        return validate_scene(view, self.catalogue, self.depth) if view.files() else None

    def reports(self, scene_ids: Iterable[str]) -> Iterator[tuple[str, Callable[[], SceneReport | None]]]:
        """Several scenes, looked at at the same time, with how to get what is said of each; that may raise."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            asked = [(scene_id, pool.submit(self.report, scene_id)) for scene_id in scene_ids]
            for scene_id, future in asked:
                yield scene_id, future.result

    # Judgements that several probes make

    def stages_of(self, attempt: Attempt) -> tuple[str, ...]:
        """What an execution was to make."""
        if attempt.is_job:
            stage = self.catalogue.jobs[attempt.entry].stage
            return (stage,) if stage else ()
        return self.catalogue.workflows[attempt.entry].stages

    def mended(self, attempt: Attempt) -> bool:
        """Whether what failed then is whole now: the same was done since on the same scene, or its stages are good."""
        known = self.of_job(attempt.entry) if attempt.is_job else self.of_workflow(attempt.entry)
        good = ("success", "partial")
        if any(
            one.outcome in good and one.scene == attempt.scene and one.created > attempt.created for one in known.newest
        ):
            return True
        stages = self.stages_of(attempt)
        if not attempt.scene or not stages:
            return False
        report = self.report(attempt.scene)
        return report is None or self.whole(report, stages)

    def whole(self, report: SceneReport, stages: Iterable[str]) -> bool:
        """Whether a scene has these stages."""
        return all(report.stages.get(stage) in ("complete", "expired") for stage in stages)
