"""From a failure in the pipeline to a recovered scene, through everything that is between the two."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.deployments.world import ON_FAILURE, Run, RunningStack, nobody_works, wait_for
from tests.receiver import messages as m

DATA = "sandbox-scenes"


def one_run(stack: RunningStack, scene_id: str) -> Run:
    """The only flow run for a scene, once there is one."""
    found = wait_for(lambda: stack.runs(ON_FAILURE, scene_id), f"a flow run for {scene_id}")
    assert len(found) == 1
    return dict(found[0])


def event(about: str, **payload: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "event": "pipeline.export.failed",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"blueprint.scene.{about}"},
        "payload": payload,
    }


@pytest.fixture
def paused(stack: RunningStack) -> Iterator[None]:
    with nobody_works(stack):
        yield


def test_a_failure_marker_in_the_bucket_recovers_its_scene(stack: RunningStack) -> None:
    scene = stack.scene("marker_001", "export_corrupt", "export_failed_marker")
    run = stack.ended(one_run(stack, scene))
    assert run["state"]["message"] == f"{scene}: done"
    assert run["state_type"] == "COMPLETED"
    assert run["name"] == f"recover {scene} (apply)"
    assert stack.is_healthy(scene)
    assert len(stack.worked(scene)) == 1
    with nobody_works(stack):
        stack.prefect("POST", "events", [event("after_001", scene_id="after_001")])
        one_run(stack, "after_001")
    assert len(stack.runs(ON_FAILURE, scene)) == 1, "what a recovery itself writes and deletes is no failure"


def test_a_failed_execution_recovers_its_scene(stack: RunningStack) -> None:
    """It leaves no failure marker that counts: only the log entry of the execution tells of it."""
    scene = stack.scene("execution_001", "usd_missing")
    workflow = "usd-assembly-pipeline"
    stack.control("POST", "simulator", {"workflow": workflow, "scene_id": scene, "kind": "raise", "times": 1})
    argument = {"data": {"bucket": DATA, "name": f"scenes/{scene}/assets/.regen3d_complete"}}
    failed = stack.environment.workflows.start(workflow, argument, labels={})
    wait_for(lambda: stack.environment.workflows.execution(failed.name).state == "FAILED", "the execution to fail")
    run = stack.ended(one_run(stack, scene))
    assert run["state"]["message"] == f"{scene}: done"
    assert stack.is_healthy(scene)


def test_two_probes_that_fail_make_one_look_at_the_simulator(stack: RunningStack) -> None:
    """Kubernetes writes an event for each; the service answers, so nothing is restarted."""
    before = {run["id"] for run in stack.runs("simulator-outage-on-event")}
    for number in ("first", "second"):
        entry = m.pod_event("geniesim-server-0", "Unhealthy", "Readiness probe failed") | {"insertId": number}
        path, headers, body = m.pubsub(entry)
        answer = httpx.post(stack.receiver.replace("/pubsub", path), headers=headers, content=body, timeout=60)
        assert answer.status_code == 204

    def new() -> list[Run]:
        return [run for run in stack.runs("simulator-outage-on-event") if run["id"] not in before]

    (run,) = wait_for(new, "a look at the simulator")
    assert run["parameters"]["reason"] == "Kubernetes calls its pod geniesim-server-0 unwell"
    ended = stack.ended(run)
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    assert "nothing_to_do" in ended["state"]["message"]
    assert len(new()) == 1


@pytest.mark.usefixtures("paused")
def test_a_failure_is_known_by_what_the_receiver_kept_of_it(stack: RunningStack) -> None:
    stack.environment.storage.create(DATA, "scenes/kept_001/geniesim/.failed", b"{}")
    run = one_run(stack, "kept_001")
    assert run["parameters"]["requested_by"] == "receiver"
    listed = stack.remediate("events", "list", "--limit", "1000")
    assert listed.returncode == 0, listed.stderr
    assert [line for line in listed.stdout.splitlines() if "kept_001" in line and run["id"] in line]


@pytest.mark.usefixtures("paused")
def test_every_failure_marker_becomes_a_run_for_its_scene(stack: RunningStack) -> None:
    paths = [
        "geniesim/.failed",
        "geniesim/.geniesim_failed",
        "assets/.failed",
        "assets/.regen3d_failed",
        "assets/.interactive_failed",
        "usd-assembly-job/.failed",
        "genie-sim-export-job/.failed",
    ]
    for number, path in enumerate(paths):
        stack.environment.storage.create(DATA, f"scenes/named_{number}/{path}", b"{}")
    for number in range(len(paths)):
        one_run(stack, f"named_{number}")


@pytest.mark.usefixtures("paused")
def test_twenty_events_of_one_scene_within_a_minute_make_one_run(stack: RunningStack) -> None:
    stack.prefect("POST", "events", [event("many_001", scene_id="many_001") for _ in range(20)])
    stack.prefect("POST", "events", [event("sentinel_001", scene_id="sentinel_001")])
    one_run(stack, "sentinel_001")
    one_run(stack, "many_001")


@pytest.mark.usefixtures("paused")
def test_twenty_events_of_two_scenes_make_two_runs(stack: RunningStack) -> None:
    mixed = [event(scene, scene_id=scene) for _ in range(10) for scene in ("two_001", "two_002")]
    stack.prefect("POST", "events", mixed)
    stack.prefect("POST", "events", [event("sentinel_002", scene_id="sentinel_002")])
    one_run(stack, "sentinel_002")
    one_run(stack, "two_001")
    one_run(stack, "two_002")


def test_a_trigger_that_cannot_start_its_flow_is_seen(stack: RunningStack) -> None:
    before = {run["id"] for run in stack.runs("trigger-watch")}
    stack.prefect("POST", "events", [event("broken_001", stage="no scene_id here")])
    new = wait_for(
        lambda: [run for run in stack.runs("trigger-watch") if run["id"] not in before], "the trigger watch to start"
    )
    (watch,) = new
    ended = stack.ended(watch)
    assert ended["state_type"] == "FAILED"
    assert "export-failed" in ended["state"]["message"]
    assert stack.runs(ON_FAILURE, "broken_001") == []
