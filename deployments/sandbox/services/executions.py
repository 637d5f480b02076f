"""Executions of workflows and of Cloud Run jobs: who runs, who ran, and the threads they run in."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from typing import Any, Literal

State = Literal["ACTIVE", "SUCCEEDED", "FAILED", "CANCELLED"]

_NEVER = threading.Event()
"""The cancel flag of executions that were over when they began. Nobody sets it."""


@dataclass(slots=True, eq=False)
class Execution:
    """One execution. The simulator gets it as its handle: `name` to sign things with, `cancelled` to look at."""

    name: str
    """The full resource name."""
    parent: str
    """The workflow or the job, by its short name."""
    number: int
    """Counts up in the order of creation, over all parents of one table."""
    created: datetime
    argument: str = ""
    """Workflows: the argument as JSON text."""
    env: dict[str, str] = field(default_factory=dict)
    """Jobs: the environment of the container."""
    labels: dict[str, str] = field(default_factory=dict)
    revision: str = ""
    """Workflows: the revision it runs."""
    template: Any = None
    """Jobs: the task template (`run_v2.TaskTemplate`) it runs with, its images by digest."""
    state: State = "ACTIVE"
    ended: datetime | None = None
    result: str = ""
    """Workflows: the returned value as JSON text."""
    error: str = ""
    """Why it failed, in one sentence."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    listed_from: float = 0.0
    """Monotonic seconds before which listings do not show it."""

    @property
    def id(self) -> str:
        """The last part of the resource name."""
        return self.name.rpartition("/")[2]

    @property
    def skipped(self) -> bool:
        """Whether it was over when it began, since the event that started it was for others."""
        return self.cancelled is _NEVER


class ExecutionTable:
    """Every execution of one kind, thread-safe.

    Executions that had nothing to do are kept only up to `remembered` per parent, the newest: bucket-wide triggers
    start some for every object that is written.
    """

    def __init__(self, remembered: int = 5000) -> None:
        """`remembered` is how many executions without work are kept per parent."""
        self._lock = threading.Lock()
        self._number = 0
        self._by_name: dict[str, Execution] = {}
        self._worked: dict[str, list[Execution]] = defaultdict(list)
        self._skipped: dict[str, deque[Execution]] = defaultdict(deque)
        self._remembered = remembered

    def add(self, name: str, parent: str, **fields: Any) -> Execution:
        """Register an execution that now runs. `fields` are further fields of `Execution`."""
        with self._lock:
            self._number += 1
            execution = Execution(name=name, parent=parent, number=self._number, created=datetime.now(UTC), **fields)
            self._by_name[name] = execution
            self._worked[parent].append(execution)
        return execution

    def add_skipped(self, name: str, parent: str, *, argument: str, result: str, revision: str = "") -> None:
        """Register an execution that found nothing to do and is over already."""
        now = datetime.now(UTC)
        with self._lock:
            self._number += 1
            execution = Execution(
                name=name, parent=parent, number=self._number, created=now, argument=argument,
                state="SUCCEEDED", ended=now, result=result, revision=revision, cancelled=_NEVER,
            )  # fmt: skip
            self._by_name[name] = execution
            kept = self._skipped[parent]
            kept.append(execution)
            if len(kept) > self._remembered:
                del self._by_name[kept.popleft().name]

    def get(self, name: str) -> Execution | None:
        """The execution with that full resource name."""
        with self._lock:
            return self._by_name.get(name)

    def newest_first(self, parent: str | None = None) -> Iterator[Execution]:
        """The executions of one parent, or of all, as they are now."""
        with self._lock:
            kinds = (self._worked, self._skipped)
            runs = [list(reversed(kind[one])) for kind in kinds for one in list(kind) if parent in (None, one)]
        return merge(*runs, key=lambda execution: -execution.number)

    def listed(self, parent: str | None = None) -> Iterator[Execution]:
        """Those of `newest_first` that a listing shows by now."""
        now = time.monotonic()
        return (execution for execution in self.newest_first(parent) if execution.listed_from <= now)

    def end(self, execution: Execution, state: State, *, result: str = "", error: str = "") -> bool:
        """Say how an execution ended. False, and nothing changed, when it had ended already: the first word counts."""
        with self._lock:
            if execution.state != "ACTIVE":
                return False
            execution.ended = datetime.now(UTC)
            execution.result, execution.error, execution.state = result, error, state
        return True

    def cancel(self, execution: Execution) -> bool:
        """End an execution as CANCELLED and tell whoever works on it. False when it had ended already."""
        ended = self.end(execution, "CANCELLED", error="The execution was cancelled.")
        execution.cancelled.set()
        return ended

    def cancel_all(self) -> None:
        """Cancel whatever is active: the sandbox stops."""
        for execution in self.newest_first():
            if execution.state == "ACTIVE":
                self.cancel(execution)


class Workers:
    """The bounded pool of threads that executions run in. An execution that waits for a thread counts as ACTIVE."""

    def __init__(self, limit: int = 64) -> None:
        """`limit` is how many executions work at the same time."""
        self._pool = ThreadPoolExecutor(limit, thread_name_prefix="sandbox-execution")
        self._stopped = False

    def run(self, work: Callable[[Execution], None], execution: Execution) -> None:
        """Have `work(execution)` done soon. Nothing happens any more once the pool was stopped."""
        if not self._stopped:
            self._pool.submit(work, execution)

    def stop(self) -> None:
        """Forget what waits and wait for what works; cancel the executions first, or this takes as long as they do."""
        self._stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)
