"""How a procedure calls its steps: as task runs of a flow, or as plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


def plain(task: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a task's function without Prefect."""
    return task.fn(*args, **kwargs)
