"""What is deployed, asked once for all parts that need it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from blocks.bucket_facts import BucketFacts, bucket_facts
from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, TemporaryError
from blocks.execution import WorkflowInfo
from blocks.run_jobs import JobInfo
from blocks.schedulers import SchedulerInfo

T = TypeVar("T")

LIMITS = CallLimits(attempts=2, total_seconds=10.0, call_seconds=10.0)
"""Of a look: a service that does not answer twice is said not to answer."""


class Once(Generic[T]):
    """An answer that is asked for once, whoever needs it; so is a refusal."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answer: list[T] = []
        self._error: OutsideError | None = None

    def get(self) -> T:
        """The answer. Raises what the first asking has raised."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if not self._answer:
                try:
                    self._answer.append(self._ask())
                except OutsideError as error:
                    self._error = error
                    raise
            return self._answer[0]


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that may be there or not."""

    sentence: str


Workflows = dict[str, "WorkflowInfo | Unread | None"]
"""By short name; None: not deployed."""
Jobs = dict[str, "JobInfo | Unread | None"]


class Deployed:
    """One installation of the pipeline, as it is now."""

    def __init__(self, environment: PipelineEnvironment) -> None:
        """The environment's own blocks are left alone: quick copies of them ask."""
        self.environment = quick(environment)
        self.catalogue = environment.catalogue
        self._triggers = Once(self.environment.triggers.definitions)
        self._schedulers = Once(self.environment.schedulers.list)
        self._workflows = Once(self._ask_workflows)
        self._jobs = Once(self._ask_jobs)
        self._lock = threading.Lock()
        self._buckets: dict[str, Once[BucketFacts]] = {}

    def triggers(self) -> list[dict[str, Any]]:
        """Every trigger of the project in every location, as the JSON of Google's REST API."""
        return self._triggers.get()

    def schedulers(self) -> list[SchedulerInfo]:
        """Every scheduler job of project and region."""
        return self._schedulers.get()

    def workflows(self) -> Workflows:
        """Every workflow of the catalogue."""
        return self._workflows.get()

    def jobs(self) -> Jobs:
        """Every Cloud Run job of the catalogue."""
        return self._jobs.get()

    def bucket(self, name: str) -> BucketFacts:
        """What a bucket is set to."""
        with self._lock:
            once = self._buckets.setdefault(name, Once(lambda: bucket_facts(self.environment.storage, name)))
        return once.get()

    def close(self) -> None:
        """Close the connections."""
        self.environment.close()

    def _ask_workflows(self) -> Workflows:
        return {name: readable(self.environment.workflows.get, name) for name in self.catalogue.workflows}

    def _ask_jobs(self) -> Jobs:
        return {name: readable(self.environment.jobs.get, name) for name in self.catalogue.jobs}


def readable(ask: Callable[[str], T], name: str) -> T | Unread:
    """The answer, or that it is refused. Raises `TemporaryError`: the service does not answer at all."""
    try:
        return ask(name)
    except TemporaryError:
        raise
    except OutsideError as error:
        return Unread(str(error))


def quick(environment: PipelineEnvironment) -> PipelineEnvironment:
    """A copy with connections of its own whose calls are given up early."""
    copy = environment.model_copy(deep=True)
    services = (
        copy.storage,
        copy.workflows,
        copy.jobs,
        copy.triggers,
        copy.schedulers,
        copy.delivery,
        copy.cluster,
        copy.node_pools,
        copy.logs,
        copy.override_records,
        copy.monitoring,
    )
    for one in services:
        shorter = min(one.limits.call_seconds, LIMITS.call_seconds)
        one.limits = LIMITS.model_copy(update={"call_seconds": shorter})
    return copy
