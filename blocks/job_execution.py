"""What is known of one execution of a Cloud Run job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from google.cloud import run_v2

JobState = Literal["running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class JobExecution:
    """One run of a job."""

    name: str
    """`projects/<p>/locations/<l>/jobs/<j>/executions/<id>`."""
    job: str
    env: dict[str, str]
    """The variables it was started with, without those that come from secrets."""
    state: JobState
    created: datetime
    completed: datetime | None = None
    message: str = ""
    """What Cloud Run says of the state: why it failed, or what it waits for."""
    images: tuple[str, ...] = ()
    """The image of each container, by the digest that it ran with."""
    retried: int = 0
    """How often Cloud Run began one of its tasks again."""
    timeout_seconds: int = 0
    """After how long Cloud Run ends one try of a task; 0: it does not say."""


def execution_from(message: run_v2.Execution) -> JobExecution:
    """What the service's message says."""
    completed = next((one for one in message.conditions if one.type_ == "Completed"), None)
    timeout = message.template.timeout
    return JobExecution(
        name=message.name,
        job=message.name.split("/jobs/")[-1].split("/")[0],
        env=env_of(message.template),
        state=_state(message, completed),
        created=message.create_time if "create_time" in message else datetime.now(UTC),
        completed=message.completion_time if "completion_time" in message else None,
        message=completed.message if completed else "",
        images=tuple(one.image for one in message.template.containers),
        retried=message.retried_count,
        timeout_seconds=int(timeout.total_seconds()) if timeout else 0,
    )


def _state(message: run_v2.Execution, completed: run_v2.Condition | None) -> JobState:
    from google.cloud.run_v2 import Condition

    if completed is not None and completed.state == Condition.State.CONDITION_SUCCEEDED:
        return "succeeded"
    if completed is not None and completed.state == Condition.State.CONDITION_FAILED:
        cancelled = completed.execution_reason == Condition.ExecutionReason.CANCELLED or message.cancelled_count
        return "cancelled" if cancelled else "failed"
    return "running"


def env_of(task: run_v2.TaskTemplate) -> dict[str, str]:
    """The variables of its first container, without those that come from secrets."""
    return {one.name: one.value for first in task.containers[:1] for one in first.env if "value_source" not in one}
