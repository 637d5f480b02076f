"""The played pipeline: what each workflow reads, writes, skips, refuses and answers."""

import json
from typing import Any

import pytest

from deployments.sandbox.pipeline.simulator import Cancelled, JobFailed, WorkflowFailed
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, workflow_marker
from tests.sandbox.played_world import EVENTS, Execution, World, import_argument


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def delivered() -> World:
    """A scene with everything up to the import."""
    return World("genie-sim-import")


def timeless(folder: SceneFolder) -> set[str]:
    """Paths, with the id of the simulation run left out."""
    job = folder.read_object("geniesim/job.json")["job_id"]
    return {path.replace(job, "JOB") for path in folder.paths()}


def test_a_generated_scene_is_what_a_simulated_run_leaves(world: World) -> None:
    assert world.run("regen3d-pipeline")["status"] == "SUCCESS"
    assert world.run("usd-assembly-pipeline")["status"] == "SUCCESS"
    for name in ("usd_assembly_complete", "replicator_complete"):
        assert not world.scene.has_marker(name)  # no cloud component writes them
        workflow_marker(world.scene, name)
    assert world.run("variation-assets-pipeline")["status"] == "SUCCESS"
    assert world.run("genie-sim-export-pipeline")["status"] == "SUCCESS"
    generated = World("genie-sim-import").scene
    assert timeless(world.scene) == timeless(generated)
    for path in ("usd/scene.usda", "replicator/placement_regions.usda", "assets/scene_manifest.json"):
        assert world.scene.read(path) == generated.read(path)


def test_the_adapters_marker_is_heard_of_so_that_triggers_fire(world: World) -> None:
    heard: list[str] = []
    world.store.on_finalize(lambda bucket, version: heard.append(version.name))
    world.run("regen3d-pipeline")
    assert heard[-1] == "scenes/s1/assets/.regen3d_complete"  # data first, the marker last
    assert "scenes/s1/assets/scene_manifest.json" in heard


def test_usd_assembly_names_its_jobs_and_outputs_and_writes_no_usd_complete(world: World) -> None:
    world.run("regen3d-pipeline")
    result = world.run("usd-assembly-pipeline")
    keys = {"convert_execution", "simready_execution", "usd_execution", "replicator_execution", "isaac_lab_execution"}
    assert keys <= result.keys()
    assert result["outputs"]["scene"] == "scenes/s1/usd/scene.usda"
    assert not world.scene.has_marker("usd_complete")


@pytest.mark.parametrize("workflow", sorted(EVENTS))
def test_an_event_with_another_name_is_skipped_and_changes_nothing(world: World, workflow: str) -> None:
    before = world.scene.paths()
    for name in ("scenes/s1/regen3d/scene_info.json", "other", f"else/s1/{EVENTS[workflow]}"):
        assert world.run(workflow, name=name)["status"] == "SKIPPED"
    assert world.scene.paths() == before


@pytest.mark.parametrize(
    ("workflow", "marker"),
    [
        ("regen3d-pipeline", "assets/.regen3d_complete"),
        ("regen3d-pipeline", "assets/.stage1_complete"),
        ("genie-sim-export-pipeline", "geniesim/.geniesim_complete"),
        ("episode-generation-pipeline", "episodes/.episodes_complete"),
        ("dream2flow-preparation-pipeline", "dream2flow/.dream2flow_complete"),
    ],
)
def test_a_workflow_skips_while_its_marker_is_there(world: World, workflow: str, marker: str) -> None:
    world.scene.write(marker, "")
    before = world.scene.paths()
    assert world.run(workflow)["status"] == "SKIPPED"
    assert world.scene.paths() == before


def test_the_lock_is_held_while_usd_assembly_runs_and_gone_afterwards(world: World) -> None:
    world.run("regen3d-pipeline")
    seen: list[object] = []

    def look(bucket: str, version: Any) -> None:
        if version.name.endswith("usd/scene.usda"):
            seen.append(json.loads(world.scene.read("locks/usd-assembly.lock")))
            seen.append(world.run("usd-assembly-pipeline"))  # a second run meanwhile

    world.store.on_finalize(look)
    assert world.run("usd-assembly-pipeline")["status"] == "SUCCESS"
    lock, second = seen
    assert isinstance(lock, dict) and isinstance(second, dict)
    assert (lock["execution_id"], lock["scene_id"]) == ("e-1", "s1")
    assert (second["status"], second["reason"]) == ("SKIPPED", "locked")
    assert not world.scene.exists("locks/usd-assembly.lock")


def test_the_lock_is_released_when_the_run_fails_and_left_behind_when_it_is_cancelled(world: World) -> None:
    world.run("regen3d-pipeline")
    world.spoil("assets/scene_manifest.json")
    with pytest.raises(WorkflowFailed):
        world.run("usd-assembly-pipeline")
    assert not world.scene.exists("locks/usd-assembly.lock")
    cancelled = Execution()
    cancelled.cancelled.set()
    with pytest.raises(Cancelled):
        world.run("usd-assembly-pipeline", cancelled)
    assert world.scene.exists("locks/usd-assembly.lock")


def test_a_damaged_input_mesh_fails_the_adapter_with_both_failure_markers(world: World) -> None:
    world.spoil("regen3d/objects/mug_0/mesh.glb")
    with pytest.raises(WorkflowFailed, match=r"mug_0/mesh\.glb: truncated glTF"):
        world.run("regen3d-pipeline")
    marker = world.scene.read_object("assets/.failed")
    assert (marker["status"], marker["error"]["code"]) == ("failed", "regen3d_failed")
    assert (marker["error"]["type"], marker["context"]["execution_id"]) == ("workflow_failure", Execution().name)
    assert marker["input_params"] == {"scene_id": "s1", "bucket": "scenes"}
    assert world.scene.read_object("assets/.regen3d_failed")["status"] == "failed"
    assert world.scene.read_object("regen3d-job/.failed")["job_name"] == "regen3d-job"
    assert not world.scene.has_marker("regen3d_complete")


def test_a_second_failure_refreshes_only_the_legacy_marker(world: World) -> None:
    world.spoil("regen3d/objects/mug_0/mesh.glb")
    with pytest.raises(WorkflowFailed):
        world.run("regen3d-pipeline")
    first, legacy = world.scene.read("assets/.failed"), world.scene.read("assets/.regen3d_failed")
    world.scene.delete("regen3d/scene_info.json")
    with pytest.raises(WorkflowFailed, match=r"404 No such object: scenes/scenes/s1/regen3d/scene_info\.json"):
        world.run("regen3d-pipeline")
    assert world.scene.read("assets/.failed") == first
    assert world.scene.read("assets/.regen3d_failed") != legacy


@pytest.mark.parametrize("position", ["NaN", "Infinity", "1e11", '"far"', "null"])
def test_a_manifest_with_an_impossible_position_fails_usd_assembly(world: World, position: str) -> None:
    world.run("regen3d-pipeline")
    text = world.scene.read("assets/scene_manifest.json").decode()
    start = text.index('"position":{"x":') + len('"position":{"x":')
    world.scene.write("assets/scene_manifest.json", text[:start] + position + text[text.index(",", start) :])
    with pytest.raises(WorkflowFailed, match=r"scene_manifest\.json failed validation"):
        world.run("usd-assembly-pipeline")
    assert world.scene.exists("usd-assembly-job/.failed") and not world.scene.exists("usd/scene.usda")


def test_a_failed_replicator_makes_usd_assembly_a_partial_success(world: World) -> None:
    world.run("regen3d-pipeline")
    world.scene.delete("seg/inventory.json")
    result = world.run("usd-assembly-pipeline")
    assert (result["status"], result["incomplete"]) == ("PARTIAL_SUCCESS", ["replicator"])
    assert world.scene.exists("usd/scene.usda") and world.scene.has_marker("isaac_lab_complete")


@pytest.mark.parametrize("marker", ["usd_assembly_complete", "replicator_complete"])
def test_the_export_refuses_without_the_markers_of_the_local_runner(delivered: World, marker: str) -> None:
    for name in (marker, "geniesim_complete"):
        delivered.scene.delete(delivered.scene.marker(name))
    result = delivered.run("genie-sim-export-pipeline")  # it returns: the execution is a success
    assert result["status"] == "FAILED" and delivered.scene.marker(marker) in result["error"]
    assert delivered.scene.read_object("geniesim/.failed")["error"]["code"] == "geniesim_export_failed"


def test_a_run_without_genie_sim_fails_the_execution_and_the_job(delivered: World) -> None:
    delivered.scene.delete("geniesim/.geniesim_complete")
    delivered.simulator.jobs.genie_sim_ready = lambda: False
    with pytest.raises(WorkflowFailed, match="not ready"):
        delivered.run("genie-sim-export-pipeline")
    assert delivered.scene.read_object("geniesim/job.json")["status"] == "failed"
    marker = delivered.scene.read_object("geniesim/.failed")
    assert marker["reason"] == "local_execution_failed" and "error" not in marker  # the job's own shape
    assert delivered.scene.exists("geniesim/.geniesim_failed")


@pytest.mark.parametrize("key", ["submission_mode", "trigger_training", "scene_id", "job_metadata_path"])
def test_the_import_needs_every_one_of_its_keys(delivered: World, key: str) -> None:
    argument = import_argument(delivered)
    del argument[key]
    with pytest.raises(WorkflowFailed, match=f"KeyError.*{key}"):
        delivered.simulator.run_workflow("genie-sim-import-pipeline", argument, Execution())


def test_the_import_makes_its_manifest_and_marker_again(delivered: World) -> None:
    job = delivered.scene.read_object("geniesim/job.json")["job_id"]
    paths = ("geniesim/.geniesim_import_complete", f"episodes/geniesim_{job}/import_manifest.json")
    for path in paths:
        delivered.scene.delete(path)
    result = delivered.simulator.run_workflow("genie-sim-import-pipeline", import_argument(delivered), Execution())
    assert isinstance(result, dict) and result["status"] == "success"
    assert all(delivered.scene.exists(path) for path in paths)
    skipped = import_argument(delivered, status="failed")
    assert delivered.simulator.run_workflow("genie-sim-import-pipeline", skipped, Execution())["status"] == "skipped"


def test_the_import_refuses_episodes_below_the_minimum_score(delivered: World) -> None:
    with pytest.raises(WorkflowFailed, match=r"below the minimum of 0\.99"):
        argument = import_argument(delivered, min_quality_score="0.99")
        delivered.simulator.run_workflow("genie-sim-import-pipeline", argument, Execution())


def test_a_job_alone_makes_its_part_and_no_more(world: World) -> None:
    env = {"BUCKET": "scenes", "SCENE_ID": "s1"}
    world.simulator.run_job("regen3d-adapter-job", env, Execution())
    world.simulator.run_job("usd-assembly-job", env | {"CONVERT_ONLY": "true"}, Execution())
    assert world.scene.exists("assets/obj_mug_0/asset.usdz") and not world.scene.exists("usd/scene.usda")
    with pytest.raises(JobFailed, match="broken references"):
        world.simulator.run_job("usd-assembly-job", env, Execution())
    world.simulator.run_job("simready-job", env, Execution())
    world.simulator.run_job("usd-assembly-job", env, Execution())
    assert world.scene.exists("usd/scene.usda") and not world.scene.exists("isaac_lab/env_cfg.py")


def test_a_job_that_cannot_run_says_why(world: World) -> None:
    for job, env, why in (
        ("polish-job", {"SCENE_ID": "s1"}, "not deployed"),
        ("simready-job", {}, "SCENE_ID is required"),
        ("simready-job", {"SCENE_ID": "../s1"}, "is not a scene id"),
        ("simready-job", {"SCENE_ID": "s1", "BUCKET": "nowhere"}, "bucket does not exist"),
    ):
        with pytest.raises(JobFailed, match=why):
            world.simulator.run_job(job, env, Execution())
    with pytest.raises(WorkflowFailed, match="not deployed"):
        world.simulator.run_workflow("blueprint-pipeline", {"scene_id": "s1"}, Execution())


def test_an_installation_with_other_names_is_played_by_its_own_catalogue() -> None:
    overlay = {
        "markers": {"regen3d_complete": {"paths": ["assets/.stage1_complete"]}},
        "workflows": {
            "regen3d-pipeline": {"event_regex": "^scenes/.+/stage1/go$", "event_name": "stage1/go"},
        },
        "stages": {"regen3d": {"rerun": {"event_name": "stage1/go"}}},
    }
    world = World(overlay=overlay)
    assert world.run("regen3d-pipeline")["status"] == "SKIPPED"
    assert world.run("regen3d-pipeline", name="scenes/s1/stage1/go")["status"] == "SUCCESS"
    assert world.scene.exists("assets/.stage1_complete") and not world.scene.exists("assets/.regen3d_complete")
