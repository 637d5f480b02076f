"""The played pipeline at its edges: whose bucket and scene a job works on, what wins, and which rule hits what."""

from __future__ import annotations

import time

import pytest

from deployments.sandbox.pipeline.simulator import JobFailed, SimulatorFault, WorkflowFailed
from deployments.sandbox.pipeline.simulator_workflows import config_of
from tests.sandbox.played_world import Execution, World

USD, DREAM = "usd-assembly-pipeline", "dream2flow-preparation-pipeline"


@pytest.fixture
def world() -> World:
    """A scene with its manifest and assets, before USD assembly."""
    return World("regen3d")


def test_a_job_works_on_the_bucket_of_its_environment(world: World) -> None:
    world.store.create_bucket("other")
    for named, meant in (("other", "other"), ("", "scenes")):  # in neither there is what the job needs
        with pytest.raises(JobFailed, match=f"{meant}/scenes/s1/"):
            world.simulator.run_job("simready-job", {"SCENE_ID": "s1", "BUCKET": named}, Execution())


@pytest.mark.parametrize("env", [{}, {"SCENE_ID": ""}])
def test_a_job_without_a_scene_fails(world: World, env: dict[str, str]) -> None:
    with pytest.raises(JobFailed, match="SCENE_ID is required"):
        world.simulator.run_job("simready-job", env, Execution())


@pytest.mark.parametrize("text", ["[1]", "{", '"x"', "null"])
def test_a_config_that_is_no_object_is_empty(world: World, text: str) -> None:
    world.scene.write("config.json", text)
    assert config_of(world.scene) == {}


@pytest.mark.parametrize(
    ("config", "argument", "robot"), [({"robot_type": "ur10"}, "fr3", "ur10"), ({}, "fr3", "fr3"), ({}, None, "franka")]
)
def test_the_scenes_config_wins_over_the_argument(config: dict[str, str], argument: str | None, robot: str) -> None:
    world = World("variation")
    world.scene.write_json("config.json", config)
    more = {"geniesim_submission_mode": "api"} | ({"robot_type": argument} if argument else {})
    assert world.run("genie-sim-export-pipeline", **more)["status"] == "SUCCESS"
    assert world.scene.read_object("geniesim/_GENIESIM_EXPORT_COMPLETE")["robot_type"] == robot


def test_a_held_run_goes_on_by_itself_after_its_seconds(world: World) -> None:
    world.simulator.behave(SimulatorFault(kind="hold", seconds=0.01))
    begun = time.monotonic()
    assert world.run(USD)["status"] == "SUCCESS"
    assert time.monotonic() - begun >= 0.01


def test_a_failure_names_its_execution_in_full_and_in_short(world: World) -> None:
    world.simulator.behave(SimulatorFault(kind="raise", workflow=DREAM))
    with pytest.raises(WorkflowFailed):
        world.run(DREAM)
    context = world.scene.read_object("dream2flow/.failed")["context"]
    assert (context["execution_id"], context["workflow_execution_id"]) == (Execution().name, "e-1")


def test_a_rule_of_one_job_ends_with_that_job(world: World) -> None:
    world.simulator.behave(SimulatorFault(kind="no_output", workflow="simready-job"))
    world.run(USD)
    spoilt = set(world.scene.paths())
    world = World("regen3d")
    world.run(USD)
    missing = set(world.scene.paths()) - spoilt
    assert missing and "usd/scene.usda" not in missing
