"""A complete installation, and ways to spoil one thing of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import PROJECT
from deployments.sandbox.server import Sandbox
from tasks.monitoring.check import Audit, MonitoringAudit
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.run import Run

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ALERT, SPIKE = "[Blueprint] Workflow Job Timeout Detected", "[Blueprint] Workflow Job Retry Spike"
METRIC, GATE = "blueprint_job_timeout_events", "episode-generation-pipeline"
ROOT = f"projects/{PROJECT}"


def audited(environment: PipelineEnvironment, now: datetime = NOW) -> tuple[Run, Audit]:
    """One audit."""
    run = check(MonitoringAudit(), Context(environment, "a test"), now)
    return run, run.facts.facts


def codes(audit: Audit) -> list[tuple[str, str]]:
    """What was found: the code, and on what."""
    return [(one.code, one.what) for one in audit.findings]


def thing(sandbox: Sandbox, kind: str, title: str) -> Any:
    """The message of a thing by its display name (a metric's own name)."""
    key = "name" if kind == "metrics" else "display_name"
    return next(one for one in sandbox.monitoring.things[kind].values() if getattr(one, key) == title)


def gone(sandbox: Sandbox, kind: str, title: str) -> None:
    """Take a thing away."""
    del sandbox.monitoring.things[kind][thing(sandbox, kind, title).name]
