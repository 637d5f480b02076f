"""What is known of a workflow and of one execution of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from google.cloud import workflows_v1
    from google.cloud.workflows import executions_v1

ExecutionState = Literal["ACTIVE", "SUCCEEDED", "FAILED", "CANCELLED", "QUEUED", "UNAVAILABLE", "UNKNOWN"]
LIVE_STATES: tuple[ExecutionState, ...] = ("ACTIVE", "QUEUED")
"""States of an execution that is working or will."""


@dataclass(frozen=True)
class WorkflowInfo:
    """A deployed workflow."""

    name: str
    """The short name, as in `usd-assembly-pipeline`."""
    state: str
    revision: str
    updated: datetime | None
    environment: dict[str, str] = field(default_factory=dict)
    """The user's environment variables, which some workflows read (`GCS_BUCKET`, `BP_ENV`)."""
    problem: str = ""
    """Why it is not ACTIVE, as Workflows says."""
    source: str = field(default="", repr=False)
    """The YAML (or JSON) of the workflow, as it was deployed."""


@dataclass(frozen=True)
class Execution:
    """One run of a workflow. Its state is not its outcome: read `result`."""

    name: str
    """`projects/<p>/locations/<l>/workflows/<w>/executions/<id>`."""
    workflow: str
    """The short name of the workflow."""
    state: ExecutionState
    argument: dict[str, Any]
    """The argument; one that is not a JSON object is under the key `""`."""
    labels: dict[str, str]
    result: object | None
    """The JSON value the workflow returned, or the text itself when it is not JSON."""
    error: str | None
    created: datetime
    """When it began; of one that still waits in the queue, when it was looked at."""
    ended: datetime | None = None
    revision: str = ""
    """The revision of the workflow that it runs to its end, whatever is deployed meanwhile."""

    @property
    def live(self) -> bool:
        """Whether it is working or will."""
        return self.state in LIVE_STATES


def execution_from(message: executions_v1.Execution) -> Execution:
    """What the service's message says, with every field possibly absent (view BASIC, or states added later)."""
    from google.cloud.workflows import executions_v1

    argument = parse_json(message.argument)
    state = message.state.name if isinstance(message.state, executions_v1.Execution.State) else "UNKNOWN"
    return Execution(
        name=message.name,
        workflow=message.name.split("/workflows/")[-1].split("/")[0],
        state=state if state in get_args(ExecutionState) else "UNKNOWN",
        argument=argument if isinstance(argument, dict) else {} if argument is None else {"": argument},
        labels=dict(message.labels),
        result=parse_json(message.result),
        error=_error_text(message),
        created=message.start_time if "start_time" in message else datetime.now(UTC),
        ended=message.end_time if "end_time" in message else None,
        revision=message.workflow_revision_id,
    )


def workflow_from(message: workflows_v1.Workflow) -> WorkflowInfo:
    """What the service's message says."""
    return WorkflowInfo(
        name=message.name.rsplit("/", 1)[-1],
        state=message.state.name,
        revision=message.revision_id,
        updated=message.update_time if "update_time" in message else None,
        environment=dict(message.user_env_vars),
        problem=message.state_error.details,
        source=message.source_contents,
    )


def parse_json(text: str) -> object | None:
    """The JSON value in `text`; the text itself when it is not JSON (a plain sentence); None when it is empty."""
    if not text:
        return None
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value


def _error_text(message: executions_v1.Execution) -> str | None:
    """The `message` inside the error's payload when there is one, else the whole payload, else its context."""
    payload = parse_json(message.error.payload)
    if isinstance(payload, dict) and payload.get("message"):
        return str(payload["message"])
    if payload is not None:
        return payload if isinstance(payload, str) else json.dumps(payload)
    return message.error.context or message.state_error.details or None
