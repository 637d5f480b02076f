"""Faults that lie in what was written: objects of a scene, and lines of the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tests.diagnosis.world import (
    DATA,
    EXPORT,
    SIMREADY,
    put,
    scene,
)

Fault = Callable[[Sandbox, PipelineEnvironment], tuple[str, ...]]
"""Breaks something; returns the scenes that are to be named, none where the diagnosis must find them by itself."""
KITCHEN = "kitchen-1"


def stamp() -> str:
    return datetime.now(UTC).isoformat()


def damaged(name: str, **wish: Any) -> Fault:
    """A scene with one of the sandbox's damages."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, **wish)
        damage(sandbox.store, DATA, KITCHEN, name)
        return (KITCHEN,)

    return fault


def written(path: str, value: object, **wish: Any) -> Fault:
    """A scene with one more object; a value that tells a time of its own is made when it is written."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, **wish)
        put(sandbox, f"scenes/{KITCHEN}/{path}", value() if callable(value) else value)
        return (KITCHEN,)

    return fault


def edited(path: str, change: Callable[[Any], object]) -> Fault:
    """A scene with one document that says something else."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        folder = scene(sandbox, KITCHEN)
        (found,) = [
            one for one in sandbox.store.list(DATA, f"scenes/{folder}/") if one.name.endswith(path.rpartition("*")[2])
        ]
        version = sandbox.store.get(DATA, found.name)
        assert version is not None
        document = json.loads(version.content.data)
        change(document)
        put(sandbox, found.name, document)
        return (KITCHEN,)

    return fault


def gate(blocks: int) -> dict[str, object]:
    counts = {"total_gates": 1, "passed": 0, "failed": 1, "blocking_failures": blocks, "can_proceed": False}
    results = [{"gate_id": "qg-3-usd", "passed": False, "severity": "error"}]
    return {"scene_id": KITCHEN, "timestamp": stamp(), "summary": counts, "results": results}


def interactive(reason: str) -> dict[str, object]:
    return {"scene_id": KITCHEN, "status": "failed", "success": False, "reason": reason, "timestamp": stamp()}


def open_breaker() -> dict[str, object]:
    return {"scene_id": KITCHEN, "failure_count": 3, "threshold": 3, "status": "open", "opened_at": stamp()}


def heavy(document: Any) -> None:
    document["objects"][0]["physics"]["mass"] = -5


def logged(text: str, job: str = SIMREADY) -> Fault:
    """A job that wrote a line to stderr, on no scene that is known."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        sandbox.log.of_container(job, f"{job}-x1y2z", text)
        return ()

    return fault


def told(**payload: object) -> Fault:
    """A workflow that logged one of the pipeline's own events."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, upto="genie-sim-export")  # the simulation was never made
        sandbox.log.of_invocation(EXPORT, "an-execution", {"scene_id": KITCHEN, **payload})
        return ()

    return fault


def build_log(text: str) -> Fault:
    """A line of a Cloud Build build, which no job and no workflow wrote."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        resource = {"type": "build", "labels": {"build_id": "b-1"}}
        log = "projects/sandbox-project/logs/cloudbuild"
        sandbox.log.write({"logName": log, "resource": resource, "severity": "ERROR", "textPayload": text})
        return ()

    return fault


def workflow_log(text: str, workflow: str) -> Fault:
    """A line that a workflow logged before it raised, on no scene that is known."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        labels = {"location": "us-central1", "workflow_id": workflow}
        entry = {"severity": "ERROR", "textPayload": text, "labels": {"workflows.googleapis.com/execution_id": "x-1"}}
        resource = {"type": "workflows.googleapis.com/Workflow", "labels": labels}
        sandbox.log.write({"logName": "projects/sandbox-project/logs/Workflows", "resource": resource, **entry})
        return ()

    return fault


def paused(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    put(sandbox, "automation/text_daily/.paused", {"paused": True, "reason": "consecutive_failures_threshold"})
    return ()


def letters(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    letter = {
        "message_id": "m-1",
        "scene_id": KITCHEN,
        "job_type": "regen3d",
        "error_type": "ValueError",
        "error_message": "x",
    }
    put(sandbox, "dead-letter/pending/m-1.json", letter)
    return ()


def silent(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN, upto="regen3d")
    return (KITCHEN,)
