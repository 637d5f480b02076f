"""From Pub/Sub to an event: failure markers and failed executions are recognised, everything else is let go."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.failure_events import BadMessage, decode, failure_in
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox


def written(path: str, bucket: str = "sandbox-scenes", event: str = "OBJECT_FINALIZE") -> dict[str, str]:
    return {"eventType": event, "bucketId": bucket, "objectId": path, "objectGeneration": "7"}


@pytest.mark.parametrize(
    "path",
    [
        "scenes/a/geniesim/.failed",
        "scenes/a/geniesim/.geniesim_failed",
        "scenes/a/assets/.failed",
        "scenes/a/assets/.regen3d_failed",
        "scenes/a/assets/.interactive_failed",
        "scenes/a/usd-assembly-job/.failed",
    ],
)
def test_a_failure_marker_by_any_of_its_names_is_a_failure(environment: PipelineEnvironment, path: str) -> None:
    failure = failure_in(environment, written(path), {})
    assert failure is not None
    assert failure.scene_id == "a"
    assert failure.stages


@pytest.mark.parametrize(
    "attributes",
    [
        written("scenes/a/geniesim/scene_graph.json"),
        written("scenes/a/assets/.regen3d_complete"),
        written("scenes/a/geniesim/.failed", bucket="another-bucket"),
        written("scenes/a/geniesim/.failed", event="OBJECT_DELETE"),
        written("scenes/../geniesim/.failed"),
        written("scenes/a b/geniesim/.failed"),
        written("elsewhere/a/geniesim/.failed"),
        {},
    ],
)
def test_anything_else_that_is_written_is_none(environment: PipelineEnvironment, attributes: dict[str, str]) -> None:
    assert failure_in(environment, attributes, {}) is None


def test_the_same_marker_told_twice_is_one_event(environment: PipelineEnvironment) -> None:
    first, second = (failure_in(environment, written("scenes/a/geniesim/.failed"), {}) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.event("2026-01-01T00:00:00Z")["id"] == second.event("2026-01-01T00:05:00Z")["id"]
    assert first.event("2026-01-01T00:00:00Z")["resource"]["prefect.resource.id"] == "blueprint.scene.a"


def log_entry(workflow: str, execution: str, state: str = "FAILED") -> dict[str, Any]:
    return {
        "resource": {"type": "workflows.googleapis.com/Workflow", "labels": {"workflow_id": workflow}},
        "labels": {"workflows.googleapis.com/execution_id": execution},
        "jsonPayload": {"state": state},
    }


def test_a_failed_execution_is_a_failure_of_its_scene(
    environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str
) -> None:
    sandbox.simulator.behave(SimulatorFault(kind="raise"))
    name = f"scenes/{kitchen}/assets/.regen3d_complete"
    argument = {"data": {"bucket": "sandbox-scenes", "name": name}}
    started = environment.workflows.start("usd-assembly-pipeline", argument, labels={})
    short = started.name.rpartition("/")[2]
    failure = failure_in(environment, {}, log_entry("usd-assembly-pipeline", short))
    assert failure is not None
    assert failure.scene_id == kitchen
    assert "usd" in failure.stages
    assert failure_in(environment, {}, log_entry("usd-assembly-pipeline", short, "SUCCEEDED")) is None
    assert failure_in(environment, {}, log_entry("not-ours", short)) is None
    assert failure_in(environment, {}, log_entry("usd-assembly-pipeline", "no-such-execution")) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"message": 3}', b'{"message": {"data": "!!"}}', b"\xff"])
def test_what_is_no_push_message_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(body)


def test_a_push_message_is_unwrapped() -> None:
    data = base64.b64encode(json.dumps({"x": 1}).encode()).decode()
    body = json.dumps({"message": {"attributes": {"a": "b"}, "data": data}}).encode()
    assert decode(body) == ({"a": "b"}, {"x": 1})
