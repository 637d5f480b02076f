"""A rolled back job is tried on a test scene where there is one, and then that is the verdict."""

from __future__ import annotations

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.catalogue_query import is_trial
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.rollback.canary import find_canary
from tasks.rollback.request import RollbackRequest
from tests.recovery.world import without_triggers
from tests.rollback.world import (
    DATA,
    JOB,
    TEST_SCENE,
    broken_job,
    live_digest,
    make_test_scene,
    page,
    rollback,
    run_job,
    set_secret,
    undone,
)


def asked(name: str = JOB) -> RollbackRequest:
    return RollbackRequest(kind="job", name=name)


def tried(environment: PipelineEnvironment, one: Run) -> list[str]:
    """The scenes on which the run has tried the job."""
    found = environment.jobs.executions(JOB)
    return [ran.env["SCENE_ID"] for ran in found if ran.env.get("REMEDIATION_RUN") == one.id]


def test_a_canary_that_fails_is_a_rollback_that_failed_and_says_how_to_undo_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    former, bad = broken_job(sandbox, environment)
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise"))
    one = rollback(environment, "job", JOB)
    assert one.outcome == "failed"
    assert f"{JOB} failed" in one.reasons[0]
    assert f"remediate undo @rollback.job.{JOB} {one.id}" in " ".join(one.reasons)
    assert live_digest(environment) == former
    assert undone(environment, one).outcome == "done"
    assert live_digest(environment) == bad


def test_without_a_test_scene_it_says_that_nothing_was_tried(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, "kitchen_001", "kitchen", objects=1, upto="simready")
    run_job(environment, "kitchen_001")
    former = live_digest(environment)
    sandbox.run.images.push(environment.jobs.get(JOB).image)  # type: ignore[union-attr]
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise", times=1))
    run_job(environment, "kitchen_001")
    one = rollback(environment, "job", JOB)
    assert one.outcome == "done", one.sentence()
    assert live_digest(environment) == former
    assert tried(environment, one) == []
    assert f"No canary: No test scene (test_*) is known on which {JOB} has run before." in page(one)


def test_none_runs_where_none_is_wanted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken_job(sandbox, environment)
    one = rollback(environment, "job", JOB, without_canary=True)
    assert (one.outcome, tried(environment, one)) == ("done", [])
    assert "No canary: It was asked for without one." in page(one)


def test_it_is_started_as_its_last_success_on_a_test_scene_was(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment)
    found = find_canary(environment, asked(), list(environment.jobs.executions(JOB)))
    assert found.action is not None
    assert found.action.params["env"] == {
        "BUCKET": DATA, "SCENE_ID": TEST_SCENE, "ASSETS_PREFIX": f"scenes/{TEST_SCENE}/assets",
    }  # fmt: skip
    assert (found.scene_id, found.action.effect) == (TEST_SCENE, "start")


def test_variables_that_the_job_has_anyway_are_not_repeated_in_the_plan(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_test_scene(sandbox)
    set_secret(environment, "hunter2")
    run_job(environment)
    found = find_canary(environment, asked(), list(environment.jobs.executions(JOB)))
    assert found.action is not None
    assert "hunter2" not in found.action.model_dump_json()


def test_where_no_execution_is_left_the_catalogue_says_how_the_job_is_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    """Cloud Run forgets executions after a week."""
    make_test_scene(sandbox)
    found = find_canary(environment, asked(), [])
    assert found.action is not None
    assert found.scene_id == TEST_SCENE
    assert found.action.params["env"]["BUCKET"] == DATA  # type: ignore[index, call-overload]


def test_a_test_scene_on_which_the_stage_never_ran_is_none(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, TEST_SCENE, "kitchen", objects=1, upto="regen3d")
    assert find_canary(environment, asked(), []).action is None


@pytest.mark.parametrize("name", ["retention-cleanup-job", "scene-generation-job"])
def test_what_deletes_or_starts_new_work_is_never_tried(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str
) -> None:
    make_test_scene(sandbox)
    found = find_canary(environment, asked(name), [])
    assert (found.action, "never run to try it" in found.why_not) == (None, True)


@pytest.mark.parametrize(
    ("name", "says"),
    [("no-such-job", "The catalogue does not know no-such-job"), ("usd-assembly-job", "No test scene (test_*)")],
)
def test_a_job_that_nobody_can_run_by_hand_is_not_tried(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str, says: str
) -> None:
    make_test_scene(sandbox)
    assert says in find_canary(environment, asked(name), []).why_not


def test_without_patterns_no_scene_is_a_test_scene(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_test_scene(sandbox)
    run_job(environment)
    environment.catalogue_overlay = "test_scene_ids: []"
    found = find_canary(environment, asked(), list(environment.jobs.executions(JOB)))
    assert (found.action, "names none" in found.why_not) == (None, True)


def test_a_scene_at_work_is_waited_for(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_job(sandbox, environment)
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="hold"))
    environment.jobs.start(JOB, {"BUCKET": DATA, "SCENE_ID": TEST_SCENE})
    one = rollback(environment, "job", JOB)
    assert one.outcome == "refused"
    assert f"is at work on the test scene {TEST_SCENE}" in one.reasons[0]
    assert "without a canary" in one.reasons[0]
    assert live_digest(environment) == bad
    assert rollback(environment, "job", JOB, without_canary=True).outcome == "done"
    sandbox.simulator.forgive()


def test_a_lost_answer_tries_it_once(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken_job(sandbox, environment)
    sandbox.faults.add(FaultRule(service="run", method="RunJob", kind="lost_answer", times=1))
    one = rollback(environment, "job", JOB, context=Context(environment, "ann", gone=lambda _: True))
    assert one.outcome == "done", one.sentence()
    assert tried(environment, one) == [TEST_SCENE]


def test_the_catalogues_pattern_decides_what_a_test_scene_is() -> None:
    catalogue = load_catalogue()
    assert is_trial(catalogue, "test_kitchen")
    assert not is_trial(catalogue, "kitchen_test")
    assert not is_trial(catalogue, "")
