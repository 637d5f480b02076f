"""What the services themselves say ran: executions of workflows by their results, of Cloud Run jobs, and GPU Jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from math import nan
from typing import Literal

from blocks.catalogue import Catalogue
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.execution import Execution
from blocks.job_execution import JobExecution
from tasks.actions.workflow_runs import meaning
from tasks.runtime_report.window import Window

Outcome = Literal["running", "success", "partial", "nothing_done", "failed", "cancelled", "unknown"]
PARALLEL = 8
"""Listings at the same time."""
MOST_EACH = 50_000
"""Executions of one workflow or job that are read, the newest: 500 pages."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One execution."""

    name: str
    """The workflow or the job."""
    is_job: bool
    at: float
    """When it was created, in seconds since 1970 (UTC)."""
    seconds: float
    """How long it took, with what it waited; NaN while it runs."""
    outcome: Outcome
    version: str = ""
    """The revision of a workflow, the image of a job."""
    retried: int = 0
    limit: int = 0
    """After how many seconds Cloud Run ends a try of a job; 0: unknown."""


@dataclass(slots=True)
class Executions:
    """Everything the services say of the window and of the time before it."""

    ran: list[Ran] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    """The workflows and jobs whose executions are known."""
    cluster: dict[str, Counter[str]] | None = None
    """By stage, how many GPU Jobs are `active`, `succeeded` or `failed` now; None: not known."""
    unknown: list[str] = field(default_factory=list)
    """What could not be asked, one sentence each."""

    def of(self, since: float, *, is_job: bool) -> list[Ran]:
        """Those of workflows, or of jobs, that were created since then."""
        return [one for one in self.ran if one.is_job == is_job and one.at >= since]


def gather(environment: PipelineEnvironment, window: Window) -> Executions:
    """Ask for the executions of every workflow and job of the catalogue, several at the same time.

    What cannot be asked is unknown and hides nothing else. `blocks.clients.load_libraries` must have been called.
    """
    found, catalogue = Executions(), environment.catalogue
    looks: dict[str, Callable[[], list[Ran]]] = {}
    for name in catalogue.workflows:
        looks[name] = partial(_workflow, environment, name, window)
    for name in catalogue.jobs:
        looks[name] = partial(_job, environment, name, window)
    with ThreadPoolExecutor(PARALLEL) as pool:
        cluster = pool.submit(_cluster, environment)
        for name, future in {name: pool.submit(look) for name, look in looks.items()}.items():
            _take(name, future, found)
        try:
            found.cluster = cluster.result()
        except OutsideError as error:
            found.unknown.append(f"GPU Jobs of the cluster: {error}")
    return found


def _take(name: str, future: Future[list[Ran]], found: Executions) -> None:
    try:
        ran = future.result()
    except OutsideError as error:
        found.unknown.append(f"Executions of {name}: {error}")
        return
    found.asked.add(name)
    found.ran += ran
    if len(ran) == MOST_EACH:
        found.unknown.append(f"Executions of {name}: only the newest {MOST_EACH:,} were read; name a shorter window.")


def _workflow(environment: PipelineEnvironment, name: str, window: Window) -> list[Ran]:
    listed = environment.workflows.executions(name, since=window.before)
    return list(_until(window, (of_workflow(one, environment.catalogue) for one in listed)))


def _job(environment: PipelineEnvironment, name: str, window: Window) -> list[Ran]:
    return list(_until(window, map(of_job, environment.jobs.executions(name, since=window.before))))


def _until(window: Window, ran: Iterator[Ran]) -> Iterator[Ran]:
    end = window.until.timestamp()
    return islice((one for one in ran if one.at < end), MOST_EACH)


def of_workflow(one: Execution, catalogue: Catalogue) -> Ran:
    """An execution of a workflow. Its state is not its outcome: many failures return normally, so the result is read."""
    outcome: Outcome
    if one.live:
        outcome = "running"
    elif one.state == "SUCCEEDED":
        outcome = meaning(one.result, catalogue.workflows[one.workflow].result)  # type: ignore[assignment]
    else:
        outcome = "failed" if one.state == "FAILED" else "cancelled" if one.state == "CANCELLED" else "unknown"
    return Ran(
        one.workflow, False, one.created.timestamp(), _seconds(one.created, one.ended), outcome, version=one.revision
    )


def of_job(one: JobExecution) -> Ran:
    """An execution of a Cloud Run job."""
    outcome: Outcome = "success" if one.state == "succeeded" else one.state
    image = one.images[0] if one.images else ""
    seconds = _seconds(one.created, one.completed)
    return Ran(one.job, True, one.created.timestamp(), seconds, outcome, image, one.retried, one.timeout_seconds)


def _seconds(begun: datetime, ended: datetime | None) -> float:
    return (ended - begun).total_seconds() if ended else nan


def _cluster(environment: PipelineEnvironment) -> dict[str, Counter[str]] | None:
    if not environment.cluster.enabled:
        return None
    found: dict[str, Counter[str]] = {}
    kinds = [(one.name.partition("{")[0], one.stage) for one in environment.catalogue.gke_jobs]
    for job in environment.cluster.jobs():
        stage = next((stage for prefix, stage in kinds if job.name.startswith(prefix)), "")
        if stage:
            word = "active" if not job.finished else "failed" if not job.succeeded else "succeeded"
            found.setdefault(stage, Counter())[word] += 1
    return found
