"""Executions: what failed, waits, runs too long or twice, with the exact command that ends it."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.pipeline.simulator_workflows import IMPORT_KEYS
from deployments.sandbox.server import Sandbox
from tasks.diagnosis import world as bounds
from tests.diagnosis.world import (
    DATA,
    EXPORT,
    IMPORT,
    USD,
    delete_trigger,
    diagnosed,
    held,
    only,
    put,
    rows,
    scene,
    start,
    until,
)


def test_an_export_that_waits_is_told_with_the_import_that_it_waits_for_and_all_its_keys(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="genie-sim-run")
    held(sandbox, environment, EXPORT, "kitchen-1", hours=5)
    cause = only(diagnosed(environment), "export-waits")
    command = shlex.split(cause.remedy)
    assert command[:4] == ["gcloud", "workflows", "run", IMPORT]
    argument = json.loads(command[-1].removeprefix("--data="))
    assert set(argument) == set(IMPORT_KEYS)
    job = sandbox.store.get(DATA, "scenes/kitchen-1/geniesim/job.json")
    assert job is not None
    assert argument["job_id"] == json.loads(job.content.data)["job_id"]
    assert f"geniesim/job.json#{job.generation} says completed" in cause.evidence[1]
    sandbox.simulator.forgive()


@pytest.mark.parametrize(
    ("status", "hours"),
    [("failed", 5), ("running", 5), ("completed", 3)],  # of 4 hours that the run itself may take
)
def test_an_export_that_waits_for_what_may_still_come_is_not_told(
    sandbox: Sandbox, environment: PipelineEnvironment, status: str, hours: int
) -> None:
    scene(sandbox, "kitchen-1", upto="genie-sim-export")
    put(sandbox, "scenes/kitchen-1/geniesim/job.json", {"job_id": "j-1", "status": status})
    held(sandbox, environment, EXPORT, "kitchen-1", hours=hours)
    assert rows(diagnosed(environment)) == []
    sandbox.simulator.forgive()


@pytest.mark.parametrize("record", ["{", "[]", '{"status": "completed"}', '{"status": "completed", "job_id": "../x"}'])
def test_a_record_of_the_run_that_cannot_be_used_ends_nothing(
    sandbox: Sandbox, environment: PipelineEnvironment, record: str
) -> None:
    scene(sandbox, "kitchen-1", upto="genie-sim-export")
    sandbox.store.put(DATA, "scenes/kitchen-1/geniesim/job.json", record.encode(), quiet=True)
    held(sandbox, environment, EXPORT, "kitchen-1", hours=5)
    found = diagnosed(environment)
    assert rows(found) == []
    assert bool(found.unknown) is ("completed" in record)  # how the import is started cannot be said
    sandbox.simulator.forgive()


def test_a_waiting_export_that_is_too_late_as_well_is_told_once(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="genie-sim-run")
    held(sandbox, environment, EXPORT, "kitchen-1", hours=9)
    cause = only(diagnosed(environment), "export-waits")
    assert len(cause.consequences) == 1
    assert "has been running for 9.0 hours" in cause.consequences[0]
    sandbox.simulator.forgive()


def test_of_two_exports_the_younger_one_is_to_be_cancelled(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1", upto="variation")
    held(sandbox, environment, EXPORT, "kitchen-1", minutes=30)
    younger = held(sandbox, environment, EXPORT, "kitchen-1", minutes=5)
    cause = only(diagnosed(environment), "several-exports")
    assert cause.remedy.startswith(f"gcloud workflows executions cancel {younger.id} --workflow={EXPORT} ")
    sandbox.simulator.forgive()


def test_two_exports_of_two_scenes_are_as_it_should_be(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    for name in ("kitchen-1", "kitchen-2"):
        scene(sandbox, name, upto="variation")
        held(sandbox, environment, EXPORT, name, minutes=5)
    assert rows(diagnosed(environment)) == []
    sandbox.simulator.forgive()


def test_three_failures_of_one_scene_are_one_cause_with_the_newest_ones(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="isaac-lab")
    for _ in range(5):
        found = environment.workflows.start(IMPORT, {"scene_id": "kitchen-1"}, labels={}).name
        execution = sandbox.workflows.executions.get(found)
        assert execution is not None
        until(lambda execution=execution: execution.state != "ACTIVE")
    cause = only(diagnosed(environment), "execution-failed")
    assert "failed 5 times on scene kitchen-1" in cause.sentence
    assert "KeyError: key not found" in cause.evidence[0]
    assert cause.evidence[-1] == "and 2 more like these"


def test_what_a_named_scene_is_not_is_not_told(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d")
    scene(sandbox, "kitchen-2")
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="raise", times=1))
    start(sandbox, environment, USD, "kitchen-1")
    assert rows(diagnosed(environment, "kitchen-2")) == []
    assert rows(diagnosed(environment, "kitchen-1")) == ["stage-failed"]


def test_a_failure_that_only_the_result_tells_is_a_failure(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1", upto="isaac-lab")
    sandbox.simulator.behave(SimulatorFault(workflow="arena-export-pipeline", kind="failed_result", times=1))
    assert start(sandbox, environment, "arena-export-pipeline", "kitchen-1").state == "SUCCEEDED"
    cause = only(diagnosed(environment), "execution-failed")
    assert "arena-export-pipeline failed on scene kitchen-1" in cause.sentence


def test_that_only_the_newest_were_looked_at_is_said(
    sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_EXECUTIONS", 2)
    scene(sandbox, "kitchen-1", upto="regen3d", at=datetime.now(UTC) - timedelta(minutes=30))
    for _ in range(3):
        start(sandbox, environment, EXPORT, "kitchen-1")
    found = diagnosed(environment, "kitchen-1")
    assert f"Only the newest executions of workflow {EXPORT} were looked at; there are more." in found.notes


# Markers that nothing follows


def at(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ({"minutes": 30}, True),
        ({"minutes": 5}, False),
        ({"hours": 23}, True),
        ({"hours": 25}, False),
        ({"days": 90}, False),
    ],
)
def test_a_marker_that_nothing_followed_is_told_once_its_event_must_have_come_and_while_it_is_news(
    sandbox: Sandbox, environment: PipelineEnvironment, when: dict[str, float], told: bool
) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d", at=at(**when))
    assert rows(diagnosed(environment, "kitchen-1")) == ["silent-marker"] * told


def test_the_remedy_of_a_silent_marker_writes_that_marker_again(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d", at=at(minutes=30))
    remedy = only(diagnosed(environment, "kitchen-1"), "silent-marker").remedy
    source, target = remedy.partition("gcloud storage cp ")[2].partition(";")[0].split()
    assert source == target
    bucket, _, name = source.removeprefix("gs://").partition("/")
    assert sandbox.store.get(bucket, name) is not None


def test_a_marker_that_something_followed_is_not_silent_whatever_became_of_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d", at=at(minutes=30))
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="raise", times=1))
    start(sandbox, environment, USD, "kitchen-1")
    assert rows(diagnosed(environment, "kitchen-1")) == ["stage-failed"]


def test_what_was_made_lately_is_looked_after_without_being_named(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    """A stage that succeeded and whose marker started nothing left no failure: that is the symptom."""
    delete_trigger(sandbox)
    scene(sandbox, "kitchen-1", upto="inputs", at=at(hours=1))
    made = start(sandbox, environment, "regen3d-pipeline", "kitchen-1")
    made.created, made.ended = at(minutes=31), at(minutes=30)
    name = "scenes/kitchen-1/assets/.regen3d_complete"
    marker = sandbox.store.get(DATA, name)
    assert marker is not None
    sandbox.store.put(DATA, name, marker.content.data, at=at(minutes=30), quiet=True)
    cause = only(diagnosed(environment), "trigger-missing")
    assert len(cause.consequences) == 1
    assert "no execution of usd-assembly-pipeline followed" in cause.consequences[0]


def test_a_trigger_that_is_held_explains_the_silence(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    from tests.diagnosis.faults_deployed import holding

    holding(sandbox, environment)
    scene(sandbox, "kitchen-1", upto="regen3d", at=at(minutes=30))
    cause = only(diagnosed(environment, "kitchen-1"), "delivery-held")
    assert len(cause.consequences) == 1


def test_optional_stages_may_be_silent(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """dwm listens to the same marker, and most installations have it turned off."""
    scene(sandbox, "kitchen-1", at=at(minutes=30))
    assert rows(diagnosed(environment, "kitchen-1")) == []
