"""How a step behaves as a Prefect task: only what is safe to ask again is tried again, and nothing is cached."""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from blocks.errors import TemporaryError


def only_temporary(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task run may be tried again."""
    try:
        state.result()
    except TemporaryError:
        return True
    except BaseException:
        return False
    return False


STEP_SETTINGS: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": [1, 5],
    "retry_condition_fn": only_temporary,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
