"""The shipped catalogue says what the pipeline does. Each table here is written down a second time on purpose."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.catalogue import Catalogue
from blocks.catalogue_load import load_catalogue
from blocks.catalogue_query import (
    TemplateError,
    closure,
    expected_outputs,
    fan_out,
    job_env,
    stage_of_failure_marker,
    workflow_argument,
)

CATALOGUE = load_catalogue()

STAGES = (
    "objects scale regen3d interactive simready usd replicator isaac-lab variation genie-sim-export genie-sim-run "
    "genie-sim-import episodes upsell training arena dwm dream2flow"
)


def data(event: str) -> dict[str, Any]:
    return {"data": {"bucket": "B", "name": f"scenes/S/{event}"}}


REGEN3D = data("assets/.regen3d_complete")
LAYOUT = data("layout/scene_layout.json")
ARGUMENTS: dict[str, dict[str, Any]] = {
    "regen3d-pipeline": data("assets/.assets_ready"),
    "usd-assembly-pipeline": REGEN3D,
    "dwm-preparation-pipeline": REGEN3D,
    "dream2flow-preparation-pipeline": REGEN3D,
    "objects-pipeline": LAYOUT,
    "scale-pipeline": LAYOUT,
    "interactive-pipeline": data("assets/scene_assets.json"),
    "variation-assets-pipeline": data("replicator/.replicator_complete"),
    "genie-sim-export-pipeline": data("variation_assets/.variation_pipeline_complete")
    | {
        "robot_type": "franka",
        "max_tasks": "50",
        "geniesim_submission_mode": "local",
        "gke_cluster": "blueprint-cluster",
        "gke_zone": "us-central1-a",
        "gke_namespace": "blueprint",
        "gke_gpu_accelerator": "nvidia-tesla-t4",
        "gke_service_account": "blueprint-pipeline-sa",
    },
    "episode-generation-pipeline": data("usd/.usd_complete")
    | {
        "bundle_tier": "standard",
        "enforce_quality_gates": True,
        "run_staging_e2e": False,
        "staging_data_root": "/mnt/gcs",
    },
    "arena-export-pipeline": data("usd/.usd_complete"),
    "upsell-features-pipeline": data("episodes/.episodes_complete")
    | {"bundle_tier": "pro", "force_reprocess": False, "timeout_override_seconds": None},
    "genie-sim-import-pipeline": {
        "job_id": "local-1",
        "status": "completed",
        "scene_id": "S",
        "submission_mode": "local",
        "local_episodes_prefix": "scenes/S/episodes/geniesim_local-1",
        "job_metadata_path": "scenes/S/geniesim/job.json",
        "wait_for_completion": "true",
        "min_quality_score": "0.85",
        "enable_validation": "true",
        "filter_low_quality": "true",
        "trigger_training": False,
    },
    "training-pipeline": {
        "job_id": "local-1",
        "scene_id": "S",
        "output_path": "scenes/S/episodes/geniesim_local-1/lerobot",
        "episode_count": 10,
    },
    "genie-sim-import-poller": {"bucket": "B"},
    "retention-cleanup": {"bucket": "B", "retention_days": "30", "dry_run": "true"},
    "scene-generation-pipeline": {"bucket": "B", "scenes_per_run": 10, "dry_run": True},
}

AFTER_USD = (
    "usd replicator isaac-lab variation genie-sim-export genie-sim-run genie-sim-import episodes upsell training arena"
)
CLOSURES = {
    "scale": f"scale regen3d simready {AFTER_USD} dwm dream2flow",
    "regen3d": f"regen3d simready {AFTER_USD} dwm dream2flow",
    "interactive": f"interactive simready {AFTER_USD}",
    "usd": AFTER_USD,
    "replicator": "replicator variation genie-sim-export genie-sim-run genie-sim-import training arena",
    "variation": "variation genie-sim-export genie-sim-run genie-sim-import training arena",
    "genie-sim-export": "genie-sim-export genie-sim-run genie-sim-import training arena",
    "isaac-lab": "isaac-lab arena",
    "episodes": "episodes upsell",
    "dwm": "dwm",
}

BUCKET_ONLY = {"genie-sim-export-trigger", "episode-generation-trigger", "dwm-preparation-trigger"}


def test_the_line_holds_every_stage_in_order() -> None:
    assert " ".join(CATALOGUE.stages) == STAGES


def test_every_workflow_of_the_pipeline_is_known() -> None:
    assert set(CATALOGUE.workflows) == set(ARGUMENTS)


@pytest.mark.parametrize("workflow", ARGUMENTS)
def test_a_workflow_started_by_hand_gets_exactly_its_argument(workflow: str) -> None:
    argument = workflow_argument(CATALOGUE, workflow, bucket="B", scene_id="S", job_id="local-1")
    assert argument == ARGUMENTS[workflow]


def test_a_stage_is_rerun_with_the_event_its_workflow_tests_for() -> None:
    rerun = CATALOGUE.stages["usd"].rerun
    assert rerun is not None and (rerun.workflow, rerun.event_name) == (
        "usd-assembly-pipeline",
        "assets/.regen3d_complete",
    )


def test_arena_can_be_told_which_marker_started_it() -> None:
    argument = workflow_argument(
        CATALOGUE, "arena-export-pipeline", bucket="B", scene_id="S", event_name="geniesim/.geniesim_complete"
    )
    assert argument == data("geniesim/.geniesim_complete")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"workflow": "blueprint-pipeline"}, "no workflow 'blueprint-pipeline'"),
        ({"bucket": ""}, "needs bucket"),
        ({"scene_id": ""}, "needs scene_id"),
        ({"scene_id": "a/b"}, "not a scene id"),
        ({"workflow": "genie-sim-import-pipeline"}, "needs job_id"),
        ({"workflow": "genie-sim-import-pipeline", "job_id": "../x"}, "not a job id"),
        ({"event_name": "assets/.simready_complete"}, "does not accept the event"),
        ({"event_name": "scenes/S/assets/.regen3d_complete"}, "relative to the scene"),
    ],
)
def test_an_argument_that_cannot_be_filled_is_refused(asked: dict[str, str], says: str) -> None:
    with pytest.raises(TemplateError, match=says):
        workflow_argument(CATALOGUE, **({"workflow": "usd-assembly-pipeline", "bucket": "B", "scene_id": "S"} | asked))


def test_jobs_run_alone_get_their_environment() -> None:
    assert job_env(CATALOGUE, "simready", bucket="B", scene_id="S") == {
        "BUCKET": "B",
        "SCENE_ID": "S",
        "ASSETS_PREFIX": "scenes/S/assets",
        "SIMREADY_PHYSICS_MODE": "deterministic",
    }
    for stage in ("simready", "replicator", "isaac-lab"):
        rerun = CATALOGUE.stages[stage].rerun
        assert rerun is not None and rerun.job is not None
        assert set(job_env(CATALOGUE, stage, bucket="B", scene_id="S")) == set(CATALOGUE.jobs[rerun.job].env)
    with pytest.raises(TemplateError, match="not rerun by a Cloud Run job"):
        job_env(CATALOGUE, "usd", bucket="B", scene_id="S")


@pytest.mark.parametrize("stage", CLOSURES)
def test_a_rerun_makes_out_of_date_what_the_line_makes_from_it(stage: str) -> None:
    assert closure(CATALOGUE, [stage]) == tuple(CLOSURES[stage].split())


def test_the_closure_of_nothing_is_nothing() -> None:
    assert closure(CATALOGUE, []) == ()


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("assets/.regen3d_complete", {"usd-assembly-trigger"}),
        ("layout/scene_layout.json", {"objects-trigger"}),
        ("usd/.usd_complete", {"arena-export-usd-trigger"}),
        ("geniesim/.geniesim_complete", {"arena-export-geniesim-trigger"}),
        ("isaac_lab/.isaac_lab_complete", {"arena-export-isaac-lab-trigger"}),
        ("assets/.assets_ready", set()),
        ("episodes/.episodes_complete", set()),
        ("usd/scene.usda", set()),
    ],
)
def test_writing_an_object_fires_its_triggers_and_every_one_that_filters_on_the_bucket(
    path: str, named: set[str]
) -> None:
    assert set(fan_out(CATALOGUE, path)) == named | BUCKET_ONLY


def test_only_the_local_runners_two_markers_may_be_rewritten() -> None:
    assert {name for name, marker in CATALOGUE.markers.items() if marker.rewrite} == {
        "usd_assembly_complete",
        "replicator_complete",
    }
    assert CATALOGUE.stages["genie-sim-export"].needs_markers == ("usd_assembly_complete", "replicator_complete")
    assert CATALOGUE.markers["usd_complete"].writer == "nobody"


def test_a_shared_failure_marker_names_every_stage_that_may_have_written_it() -> None:
    assert stage_of_failure_marker(CATALOGUE, "assets/.failed") == ("regen3d", "interactive")
    assert stage_of_failure_marker(CATALOGUE, "geniesim/.failed") == (
        "genie-sim-export",
        "genie-sim-run",
        "genie-sim-import",
    )
    assert stage_of_failure_marker(CATALOGUE, "usd-assembly-job/.failed.summary") == ("usd",)
    assert stage_of_failure_marker(CATALOGUE, "episodes/geniesim_local-1/lerobot/.failed") == ("training",)
    assert stage_of_failure_marker(CATALOGUE, "usd/scene.usda") == ()


def test_a_stage_of_the_local_runner_is_not_asked_for_what_only_the_cloud_writes() -> None:
    stage = CATALOGUE.stages["simready"]
    assert [output.path for output in expected_outputs(stage, locally=False)] == [
        "assets/obj_{object_id}/simready.usda"
    ]
    assert expected_outputs(stage, locally=True) == ()


def test_the_model_refuses_what_is_not_a_scene_id() -> None:
    assert CATALOGUE.scene_prefix("kitchen_001") == "scenes/kitchen_001/"
    for wrong in ("", "*", "a/b", "..", "x" * 129):
        with pytest.raises(ValueError, match="not a scene id"):
            CATALOGUE.scene_prefix(wrong)


def test_the_catalogue_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Catalogue.__setattr__(CATALOGUE, "namespace", "other")
