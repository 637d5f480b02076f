"""A clean-up job that has logged what it removed, and looks at it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import PROJECT, REGION
from deployments.sandbox.server import Sandbox
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.retention.check import Retention, RetentionWatch

JOB, LAYOUT, INVENTORY = "retention-cleanup-job", "layout/scene_layout_scaled.json", "seg/inventory.json"
NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
"""A moment for tests in which the time of day plays no part."""


def line(
    scene: str = "s-1", path: str = LAYOUT, *, at: datetime, action: str = "deleted", **more: Any
) -> dict[str, Any]:
    """What the job says of one object."""
    return {
        "action": action,
        "class": "intermediate",
        "path": f"/mnt/gcs/scenes/{scene}/{path}",
        "retention_days": 30,
        "last_modified": (at - timedelta(days=31)).isoformat(),
        "scene": scene,
        "deleted_at": at.isoformat(),
        **more,
    }


def logged(said: dict[str, Any] | str, at: datetime, *, job: str = JOB, structured: bool = False) -> dict[str, Any]:
    """One entry of the log: as Python's logging writes it to stderr, or structured."""
    text = said if isinstance(said, str) else f"INFO:root:{json.dumps(said, sort_keys=True)}"
    return {
        "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2Fstderr",
        "timestamp": at.isoformat(),
        "resource": {"type": "cloud_run_job", "labels": {"project_id": PROJECT, "location": REGION, "job_name": job}},
        **({"jsonPayload": said} if structured else {"textPayload": text}),
    }


def cleaned(sandbox: Sandbox, at: datetime, *lines: dict[str, Any]) -> None:
    """A run of the clean-up, with these lines and its summary."""
    for said in (*lines, {"action": "summary", "deleted": len(lines)}):
        sandbox.log.write(logged(said, at))


def watched(environment: PipelineEnvironment, now: datetime) -> tuple[Run, Retention]:
    """One look."""
    run = check(RetentionWatch(), Context(environment, "a test"), now)
    return run, run.facts.facts
