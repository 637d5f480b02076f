"""A pipeline that has logged what it ran, at times that never change."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.logs import LogColumns
from deployments.sandbox.names import LOCATION, PROJECT
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.runtime_report.check import reported
from tasks.runtime_report.entries import NUMBERS, WORDS, Columns
from tasks.runtime_report.report import Report
from tasks.runtime_report.window import Question, Window

NOW = datetime(2026, 2, 8, 12, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=7), NOW)
USD, JOB = "usd-assembly-pipeline", "simready-job"
_executions = itertools.count(1)


def report_of(environment: PipelineEnvironment, question: Question | None = None) -> Report:
    """The report of the last week."""
    return reported(Context(environment, "a test"), question or Question(), NOW)[0]


def event(
    at: datetime,
    job: str = JOB,
    *,
    workflow: str = USD,
    metric: str = "job_invocation",
    execution: str = "e-1",
    **more: Any,
) -> dict[str, Any]:
    """One entry of the log, as Workflows writes it."""
    labels = {"resource_container": PROJECT, "location": "us-central1", "workflow_id": workflow}
    return {
        "logName": f"projects/{PROJECT}/logs/Workflows",
        "timestamp": at.isoformat(),
        "resource": {"type": "workflows.googleapis.com/Workflow", "labels": labels},
        "labels": {"workflows.googleapis.com/execution_id": execution},
        "severity": "INFO",
        "jsonPayload": {"bp_metric": metric, "workflow": workflow, "job": job, **more},
    }


def ran(
    ended: datetime,
    seconds: float,
    job: str = JOB,
    *,
    limit: float | None = 3600,
    status: str = "SUCCEEDED",
    scene: str = "s-1",
    workflow: str = USD,
    execution: str = "",
) -> list[dict[str, Any]]:
    """A job that ran: its start, which says 0 seconds, and its end."""
    mine = {"execution": execution or f"e-{next(_executions)}", "workflow": workflow, "scene_id": scene}
    mine |= {} if limit is None else {"timeout_seconds": limit}
    begun = ended - timedelta(seconds=seconds)
    return [
        event(begun, job, event="start", status="STARTED", duration_seconds=0, **mine),
        event(ended, job, event="complete", status=status, duration_seconds=seconds, **mine),
    ]  # fmt: skip


def spread(
    durations: Iterable[float], *, until: datetime = NOW, step: timedelta = timedelta(minutes=30), **more: Any
) -> list[dict[str, Any]]:
    """Runs one after the other, the last one just before `until`."""
    listed = list(durations)
    first = until - step * len(listed)
    return [one for place, seconds in enumerate(listed) for one in ran(first + step * place, seconds, **more)]


def write(sandbox: Sandbox, entries: Iterable[dict[str, Any]]) -> None:
    """Log them."""
    for entry in entries:
        sandbox.log.write(entry)


def frame(entries: Sequence[dict[str, Any]]) -> Any:
    """The same as the table that is read, without a service."""

    def number(entry: dict[str, Any], name: str) -> float:
        return float(entry["jsonPayload"].get(name, "nan"))

    columns = Columns()
    columns.add(
        LogColumns(
            at=[datetime.fromisoformat(one["timestamp"]).timestamp() for one in entries],
            executions=[one["labels"]["workflows.googleapis.com/execution_id"] for one in entries],
            words={name: [str(one["jsonPayload"].get(name, "")) for one in entries] for name in WORDS},
            numbers={name: [number(one, name) for one in entries] for name in NUMBERS},
        )
    )  # fmt: skip
    return columns.frame(WINDOW)


def workflow_ran(
    sandbox: Sandbox,
    at: datetime,
    seconds: float = 60.0,
    *,
    workflow: str = USD,
    result: str = '{"status": "SUCCESS"}',
    state: str = "SUCCEEDED",
    revision: str = "000001-a",
) -> None:
    """An execution of a workflow, as if it had run then."""
    name = f"{LOCATION}/workflows/{workflow}/executions/old-{next(_executions)}"
    made = sandbox.workflows.executions.add(name, workflow, argument="{}", revision=revision)
    made.created, made.ended = at, at + timedelta(seconds=seconds)
    made.result, made.state = result, state  # type: ignore[assignment]


def job_ran(
    sandbox: Sandbox,
    at: datetime,
    seconds: float = 60.0,
    *,
    job: str = JOB,
    state: str = "SUCCEEDED",
    image: str = "img@sha256:aa",
) -> None:
    """An execution of a Cloud Run job, as if it had run then."""
    from google.cloud import run_v2

    name = f"{LOCATION}/jobs/{job}/executions/old-{next(_executions)}"
    template = run_v2.TaskTemplate(containers=[{"image": image}], timeout=timedelta(seconds=1800))
    made = sandbox.run.executions.add(name, job, template=template)
    made.created, made.ended = at, at + timedelta(seconds=seconds)
    made.state = state  # type: ignore[assignment]
