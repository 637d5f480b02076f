"""How a procedure calls its steps: as task runs of a flow, or as plain functions."""

from __future__ import annotations

from typing import ParamSpec, Protocol, TypeVar

from prefect import Task

P = ParamSpec("P")
T = TypeVar("T")


class Caller(Protocol):
    """Calls a task with its own parameters; editors and type checkers see through it."""

    def __call__(self, task: Task[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the task returns."""


def inline(task: Task[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a task's function without Prefect."""
    return task.fn(*args, **kwargs)


def as_task_run(task: Task[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a task as a task run of the current flow."""
    return task(*args, **kwargs)
