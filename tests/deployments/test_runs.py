"""Flow runs under a worker: two at once, one that is killed, and one that waits for a person."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.error import HTTPError

import pytest

from blocks.errors import NotFound
from tasks.remediation.runs import past_runs
from tests.deployments.world import EXPORT, Run, RunningStack, wait_for

RECOVERY = "export-recovery/export-recovery"


def hold(stack: RunningStack, scene_id: str) -> None:
    """The scene's export takes until `release`."""
    stack.control("POST", "simulator", {"workflow": EXPORT, "scene_id": scene_id, "kind": "hold"})


def release(stack: RunningStack) -> None:
    stack.control("DELETE", "simulator")


def process_of(run: Run) -> int:
    """The process that carries a flow run out."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"PREFECT__FLOW_RUN_ID={run['id']}".encode() in (folder / "environ").read_bytes():
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"no process carries out {run['name']}")


def holder(stack: RunningStack, scene_id: str) -> bytes:
    """The lease on a scene, empty when there is none."""
    try:
        return stack.environment.storage.read("sandbox-ops", f"remediation/leases/{scene_id}.json")
    except NotFound:
        return b""


def test_of_two_recoveries_of_one_scene_at_once_one_acts_and_the_other_says_who(stack: RunningStack) -> None:
    scene = stack.scene("busy_001", "export_corrupt")
    hold(stack, scene)
    first = stack.start(RECOVERY, scene_ids=[scene], mode="apply", requested_by="ann")
    second = stack.start(RECOVERY, scene_ids=[scene], mode="apply", requested_by="bo")
    loser = wait_for(
        lambda: next((run for run in map(stack.read, (first, second)) if run["state_type"] == "FAILED"), None),
        "one of the two to give up",
    )
    winner, name = (second, "bo") if loser["id"] == first["id"] else (first, "ann")
    assert loser["state"]["message"].startswith(f"{scene}: busy - {scene} is being worked on by {name}")
    release(stack)
    assert stack.ended(winner)["state"]["message"] == f"{scene}: done"
    assert len(stack.worked(scene)) == 1


def test_a_killed_run_is_carried_on_by_exactly_one_other_without_a_person(stack: RunningStack) -> None:
    scene = stack.scene("killed_001", "export_corrupt")
    stack.policy(lease_seconds=3600)
    hold(stack, scene)
    run = stack.start(RECOVERY, scene_ids=[scene], mode="apply")
    wait_for(lambda: stack.worked(scene), "the export to run")
    os.kill(process_of(run), signal.SIGKILL)
    assert stack.ended(run)["state_type"] == "CRASHED"
    wait_for(lambda: run["id"].encode() not in holder(stack, scene), "another process to take its lease over at once")
    release(stack)
    wait_for(lambda: holder(stack, scene) == b"" and ends(stack, scene) == ["done"], "the run to be ended by the other")
    assert len(stack.worked(scene)) == 1, "the export ran twice"
    assert stack.is_healthy(scene)


def ends(stack: RunningStack, scene_id: str) -> list[str]:
    """The words with which the runs of a scene ended; its journals are checked by the way."""
    past = past_runs(stack.environment.storage, "sandbox-ops", scene_id, 24)
    return [one.outcome for one in past]


def test_a_run_that_a_person_cancels_is_told_and_not_carried_on(stack: RunningStack) -> None:
    scene = stack.scene("cancelled_001", "export_corrupt")
    hold(stack, scene)
    run = stack.start(RECOVERY, scene_ids=[scene], mode="apply")
    wait_for(lambda: stack.worked(scene), "the export to run")
    stack.prefect("POST", f"flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}})
    assert stack.ended(run)["state_type"] == "CANCELLED"
    told = stack.ended(stack.start("continue-runs/continue-runs", mode="continue", patience_seconds=90))
    assert "cancelled by a person" in told["state"]["message"]
    assert ends(stack, scene) == ["unfinished"]
    release(stack)
    by_hand = stack.ended(stack.start("continue-runs/continue-runs", mode="continue", by_hand=True))
    assert by_hand["state_type"] == "COMPLETED", by_hand["state"]["message"]
    assert (ends(stack, scene), len(stack.worked(scene))) == (["done"], 1)


def has_its_form(stack: RunningStack, run: Run) -> bool:
    """Whether a person could answer: without the form's schema Prefect rejects every answer."""
    keys = stack.read(run)["state"]["state_details"]["run_input_keyset"]
    try:
        return bool(stack.prefect("GET", f"flow_runs/{run['id']}/input/{keys['schema']}"))
    except HTTPError as error:
        assert error.code == 404, error
        return False


@pytest.fixture
def high_risk_needs_a_person(stack: RunningStack) -> None:
    stack.policy(approval={"low": "automatic", "medium": "automatic", "high": "person"})


@pytest.mark.usefixtures("high_risk_needs_a_person")
def test_a_deployed_run_leaves_its_process_while_it_waits_for_a_person(stack: RunningStack) -> None:
    scene = stack.scene("approval_001", "export_corrupt")
    run = stack.start(RECOVERY, scene_ids=[scene], mode="apply", requested_by="ann")
    wait_for(lambda: stack.read(run)["state_type"] == "PAUSED", "the run to wait")
    assert stack.worked(scene) == []
    assert holder(stack, scene) == b"", "nobody else could work on the scene meanwhile"
    answer = {"decision": "approve", "approver": "bo"}
    wait_for(lambda: has_its_form(stack, run), "the form to be there: Prefect saves it after the state")
    given = stack.prefect("POST", f"flow_runs/{run['id']}/resume", {"run_input": answer})
    assert given["status"] == "ACCEPT", given
    assert stack.ended(run)["state"]["message"] == f"{scene}: done"
    assert len(stack.worked(scene)) == 1
