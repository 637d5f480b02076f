"""What a simulator that was told to misbehave does, and the odd ways in which single workflows answer."""

import threading
import time

import pytest
from pydantic import ValidationError

from deployments.sandbox.pipeline.formats import glb_size
from deployments.sandbox.pipeline.simulator import Cancelled, JobFailed, SimulatorFault, WorkflowFailed
from tests.sandbox.played_world import Execution, World, import_argument


@pytest.fixture
def world() -> World:
    """A scene with its manifest and assets, before USD assembly."""
    return World("regen3d")


def fault(kind: str, **more: object) -> SimulatorFault:
    return SimulatorFault.model_validate({"kind": kind, **more})


def test_a_skipped_run_answers_skipped_and_writes_nothing(world: World) -> None:
    world.simulator.behave(fault("skipped"))
    before = world.scene.paths()
    assert world.run("usd-assembly-pipeline")["status"] == "SKIPPED"
    assert world.scene.paths() == before


def test_a_fault_can_make_a_raising_workflow_return_and_a_returning_one_raise(world: World) -> None:
    world.simulator.behave(fault("failed_result", workflow="usd-assembly-pipeline"))
    world.simulator.behave(fault("raise", workflow="dream2flow-preparation-pipeline"))
    assert world.run("usd-assembly-pipeline")["status"] == "FAILED"
    assert world.scene.exists("usd-assembly-job/.failed")
    with pytest.raises(WorkflowFailed, match="dream2flow-preparation-job failed"):
        world.run("dream2flow-preparation-pipeline")
    assert world.scene.read_object("dream2flow/.failed")["error"]["code"] == "dream2flow_failed"
    assert world.scene.exists("dream2flow/.dream2flow_failed")
    assert not world.scene.exists("dream2flow/.dream2flow_inference_failed")


def test_a_fault_ends_after_its_times_and_meets_its_scene_only(world: World) -> None:
    world.simulator.behave(fault("raise", workflow="usd-assembly-pipeline", scene_id="other"))
    world.simulator.behave(fault("raise", workflow="usd-assembly-pipeline", times=2))
    for _ in range(2):
        with pytest.raises(WorkflowFailed):
            world.run("usd-assembly-pipeline")
    assert world.run("usd-assembly-pipeline")["status"] == "SUCCESS"


def test_forgiving_drops_every_rule(world: World) -> None:
    world.simulator.behave(fault("raise"))
    world.simulator.forgive()
    assert world.run("usd-assembly-pipeline")["status"] == "SUCCESS"


def test_a_corrupt_output_is_half_of_what_it_should_be_and_the_run_succeeds(world: World) -> None:
    world.scene.delete("assets/.regen3d_complete")
    good = world.scene.read("assets/obj_mug_0/asset.glb")
    world.simulator.behave(fault("corrupt_output", output="assets/obj_mug_*/asset.glb"))
    assert world.run("regen3d-pipeline")["status"] == "SUCCESS"
    bad = world.scene.read("assets/obj_mug_0/asset.glb")
    assert bad == good[: len(good) // 2]
    with pytest.raises(ValueError, match="truncated"):
        glb_size(bad)
    assert glb_size(world.scene.read("assets/obj_plate_0/asset.glb")) == (0.25, 0.03, 0.25)


def test_a_run_without_output_succeeds_and_writes_its_markers_only(world: World) -> None:
    before = set(world.scene.paths())
    world.simulator.behave(fault("no_output", workflow="usd-assembly-pipeline"))
    assert world.run("usd-assembly-pipeline")["status"] == "SUCCESS"
    assert set(world.scene.paths()) - before == {"assets/.simready_complete", "isaac_lab/.isaac_lab_complete"}


def test_a_fault_of_one_job_inside_a_workflow_hits_that_job_only(world: World) -> None:
    world.simulator.behave(fault("raise", workflow="isaac-lab-job"))
    result = world.run("usd-assembly-pipeline")
    assert (result["status"], result["incomplete"]) == ("PARTIAL_SUCCESS", ["isaac-lab"])
    world.simulator.forgive()
    world.simulator.behave(fault("no_output", workflow="simready-job", output="assets/obj_mug_0/simready.usda"))
    world.scene.delete("assets/obj_mug_0/simready.usda")
    with pytest.raises(JobFailed, match="broken references"):
        for job in ("simready-job", "usd-assembly-job"):
            world.simulator.run_job(job, {"SCENE_ID": "s1"}, Execution())


def test_a_stock_out_raises_even_where_failures_return_and_even_for_jobs_that_are_not_fatal() -> None:
    world = World("genie-sim-import")
    world.simulator.behave(fault("stock_out"))
    with pytest.raises(WorkflowFailed, match="ZONE_RESOURCE_POOL_EXHAUSTED"):
        world.run("arena-export-pipeline")
    for path in ("geniesim/.geniesim_complete", "geniesim/job.json"):
        world.scene.delete(path)
    with pytest.raises(WorkflowFailed, match="genie-sim-submit-job"):  # the export itself needs no GPU
        world.run("genie-sim-export-pipeline")
    assert world.scene.read_object("geniesim/.failed")["error"]["code"] == "geniesim_submit_failed"
    with pytest.raises(JobFailed, match="nvidia-tesla-t4"):
        world.simulator.run_job("genie-sim-submit-job", {"SCENE_ID": "s1"}, Execution())


def test_a_slow_run_takes_longer_and_a_cancelled_one_ends_at_once(world: World) -> None:
    world.simulator.behave(fault("slow", seconds=0.05))
    start = time.monotonic()
    world.run("dream2flow-preparation-pipeline")  # fails at its first job, which needs the USD
    assert time.monotonic() - start >= 0.05
    world.simulator.forgive()
    world.simulator.behave(fault("slow", seconds=60))
    handle = Execution()
    threading.Timer(0.1, handle.cancelled.set).start()
    with pytest.raises(Cancelled):
        world.run("usd-assembly-pipeline", handle)
    assert time.monotonic() - start < 20


def test_a_held_run_keeps_its_lock_until_it_is_forgiven(world: World) -> None:
    world.simulator.behave(fault("hold", workflow="usd-assembly-pipeline"))
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(world.run("usd-assembly-pipeline")), daemon=True)
    thread.start()
    while not world.scene.exists("locks/usd-assembly.lock"):
        time.sleep(0.01)
    thread.join(0.2)
    assert thread.is_alive()
    world.simulator.forgive()
    thread.join(10)
    assert isinstance(answers[0], dict) and answers[0]["status"] == "SUCCESS"


def test_a_rule_that_makes_no_sense_is_refused() -> None:
    for wrong in ({"kind": "explode"}, {"kind": "slow", "seconds": -1}, {"kind": "slow", "often": 1}):
        with pytest.raises(ValidationError):
            SimulatorFault.model_validate(wrong)


def test_the_export_waits_for_an_import_that_failed_until_it_is_cancelled() -> None:
    world = World("genie-sim-import")
    for name in ("geniesim_complete", "geniesim_import_complete"):
        world.scene.delete(world.scene.marker(name))
    spoilt = {"workflow": "genie-sim-export-pipeline", "output": "episodes/*/lerobot/dataset_info.json"}
    world.simulator.behave(fault("corrupt_output", **spoilt))
    handle = Execution()
    failures: list[BaseException] = []

    def export() -> None:
        try:
            world.run("genie-sim-export-pipeline", handle)
        except Cancelled as error:
            failures.append(error)

    thread = threading.Thread(target=export, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not world.scene.exists("geniesim/.failed") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.scene.read_object("geniesim/.failed")["error"]["code"] == "geniesim_import_failed"
    thread.join(0.2)
    assert thread.is_alive() and not world.scene.has_marker("geniesim_complete")
    handle.cancelled.set()
    thread.join(10)
    assert len(failures) == 1


def test_api_mode_completes_without_an_import_and_the_scenes_config_decides() -> None:
    world = World("variation")
    world.scene.write_json("config.json", {"geniesim_submission_mode": "api", "robot_type": "ur10"})
    assert world.run("genie-sim-export-pipeline", geniesim_submission_mode="local")["status"] == "SUCCESS"
    assert world.scene.has_marker("geniesim_complete") and not world.scene.has_marker("geniesim_import_complete")
    assert world.scene.read_object("geniesim/_GENIESIM_EXPORT_COMPLETE")["robot_type"] == "ur10"
    world.scene.delete("geniesim/.geniesim_complete")
    world.scene.write_json("config.json", {"use_geniesim": False})
    assert world.run("genie-sim-export-pipeline")["status"] == "SKIPPED"


def test_variation_without_wishes_succeeds_without_marker() -> None:
    world = World("replicator")
    world.scene.write_json("replicator/variation_assets/manifest.json", {"assets": []})
    assert world.run("variation-assets-pipeline")["status"] == "SUCCESS_NO_ASSETS"
    assert world.scene.paths("variation_assets/") == []


def test_dwm_runs_only_where_it_is_enabled() -> None:
    assert World("usd").run("dwm-preparation-pipeline")["status"] == "SKIPPED"
    enabled = World("usd", environment={"ENABLE_DWM": "true"})
    assert enabled.run("dwm-preparation-pipeline")["status"] == "SUCCESS"
    assert enabled.scene.has_marker("dwm_complete") and enabled.scene.has_marker("dwm_inference_complete")


def test_workflows_of_the_older_line_answer_with_sentences_or_raise(world: World) -> None:
    world.scene.write_json("layout/scene_layout.json", {"scene_id": "s1", "objects": []})
    world.scene.delete("layout/scene_layout_scaled.json")
    with pytest.raises(WorkflowFailed, match="scaleStartTime"):  # although the job did its work
        world.run("scale-pipeline")
    assert world.scene.exists("layout/scene_layout_scaled.json") and not world.scene.has_marker("assets_ready")
    assert "completed for scene s1" in world.run("objects-pipeline")
    assert world.run("objects-pipeline").startswith("Skipped")  # the layout now has objects
    assert "completed for scene s1" in world.run("interactive-pipeline")
    assert world.scene.read_object("assets/.interactive_complete")["status"] == "completed"


def test_objects_writes_its_marker_even_when_the_job_failed_and_interactive_returns_its_failure(world: World) -> None:
    assert "completed" in world.run("objects-pipeline")  # there is no layout/scene_layout.json
    assert world.scene.has_marker("objects_complete") and world.scene.exists("objects/.objects_failed")
    world.spoil("assets/scene_manifest.json")
    assert "failed for scene s1" in world.run("interactive-pipeline")
    assert world.scene.read_object("assets/.interactive_failed")["reason"] == "articulation_failed"


def test_an_articulated_object_gets_its_urdf(world: World) -> None:
    manifest = world.scene.read_object("assets/scene_manifest.json")
    manifest["objects"][0]["sim_role"] = "articulated_furniture"
    world.scene.write_json("assets/scene_manifest.json", manifest)
    world.run("interactive-pipeline")
    base = f"assets/interactive/obj_{manifest['objects'][0]['id']}/"
    assert len(world.scene.paths(base)) == 3
    assert world.scene.read_object("assets/interactive/interactive_results.json")["summary"]["ok_count"] == 1


def test_upsell_skips_the_standard_tier_and_does_its_work_again_only_when_forced() -> None:
    world = World("episodes")
    assert world.run("upsell-features-pipeline", bundle_tier="standard")["status"] == "SKIPPED"
    assert world.run("upsell-features-pipeline", bundle_tier="pro")["status"] == "SUCCESS"
    assert world.run("upsell-features-pipeline", bundle_tier="pro")["status"] == "SKIPPED"
    assert world.run("upsell-features-pipeline", bundle_tier="pro", force_reprocess=True)["status"] == "SUCCESS"


def test_training_raises_without_the_imported_episodes() -> None:
    world = World("genie-sim-import")
    job = import_argument(world)["job_id"]
    output = f"scenes/s1/episodes/geniesim_{job}/lerobot"
    argument = {"job_id": job, "scene_id": "s1", "output_path": output, "episode_count": 4}
    assert world.simulator.run_workflow("training-pipeline", argument, Execution())["status"] == "success"  # type: ignore[index]
    world.scene.delete(f"episodes/geniesim_{job}/lerobot/dataset_info.json")
    with pytest.raises(WorkflowFailed, match="dataset_info"):
        world.simulator.run_workflow("training-pipeline", argument, Execution())
    assert world.scene.read_object("training/.failed")["error"]["code"] == "training_failed"
    assert world.scene.exists(f"episodes/geniesim_{job}/lerobot/.failed")
