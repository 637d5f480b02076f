"""Which objects are what, and which of them go before a stage is run again: never what nobody can make again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.catalogue_checks import NEVER_CLEARED
from blocks.catalogue_load import load_catalogue
from blocks.catalogue_query import class_of, class_of_object, expand, matches, split_scene

CATALOGUE = load_catalogue()

# Stage: (markers that must go, outputs that must go). Names are relative to the scene.
TABLE = {
    "scale": (
        "layout/scene_layout_scaled.done layout/.scale_complete assets/.scale_complete assets/.assets_ready "
        "layout/.failed layout/.scale_failed",
        "layout/scene_layout_scaled.json",
    ),
    "regen3d": (
        "assets/.regen3d_complete assets/.stage1_complete assets/.failed assets/.regen3d_failed regen3d-job/.failed "
        "regen3d-job/.failed.summary",
        "assets/scene_manifest.json assets/obj_mug/asset.glb assets/obj_mug/metadata.json "
        "layout/scene_layout_scaled.json seg/inventory.json",
    ),
    "interactive": (
        "assets/.interactive_complete assets/.interactive_failed assets/.failed",
        "assets/interactive/interactive_results.json assets/interactive/obj_mug/mug.urdf",
    ),
    "usd": (
        "assets/.simready_complete assets/.usd_assembly_complete .usd_assembly_complete usd/.usd_complete "
        "simready-job/.failed usd-assembly-job/.failed usd-assembly-job/.failed.summary",
        "usd/scene.usda usd/usd_assembly_manifest.json assets/obj_mug/simready.usda assets/obj_mug/asset.usdz",
    ),
    "replicator": (
        "replicator/.replicator_complete assets/.replicator_complete",
        "replicator/placement_regions.usda replicator/policies/pick.py",
    ),
    "isaac-lab": ("isaac_lab/.isaac_lab_complete", "isaac_lab/env_cfg.py"),
    "variation": (
        "variation_assets/.variation_pipeline_complete",
        "variation_assets/variation_assets.json variation_assets/mug_1/reference.png",
    ),
    "genie-sim-export": (
        "geniesim/.geniesim_complete geniesim/.geniesim_submitted geniesim/.geniesim_import_complete "
        "geniesim/_GENIESIM_EXPORT_COMPLETE geniesim/.failed geniesim/.geniesim_failed genie-sim-export-job/.failed",
        "geniesim/job.json geniesim/scene_graph.json geniesim/usd/scene.usda",
    ),
    "genie-sim-import": (
        "geniesim/.geniesim_import_complete geniesim/.failed",
        "episodes/geniesim_local-1/import_manifest.json",
    ),
    "episodes": (
        "episodes/.episodes_complete episodes/.failed episodes/.episodes_failed episode-generation-job/.failed",
        "episodes/meta/info.json episodes/data/chunk-000/episode_0.parquet episodes/manifests/task_coverage.json "
        "episodes/quality/validation_report.json episodes/dataset_quality_manifest.json "
        "episode-generation-job/quality_gate_report.json",
    ),
    "upsell": (
        "episodes/upsell_outputs/.upsell_complete episodes/upsell_outputs/.failed "
        "episodes/upsell_outputs/.upsell_failed",
        "episodes/upsell_outputs/video.mp4",
    ),
    "arena": ("arena/.arena_export_complete", "arena/arena_manifest.json arena/tasks/pick.py"),
    "dwm": (
        "dwm/.dwm_complete dwm/.dwm_inference_complete dwm/.failed dwm/.dwm_failed dwm/.dwm_inference_failed",
        "dwm/dwm_bundles_manifest.json",
    ),
    "dream2flow": (
        "dream2flow/.dream2flow_complete dream2flow/.dream2flow_inference_complete dream2flow/.failed "
        "dream2flow/.dream2flow_failed dream2flow/.dream2flow_inference_failed",
        "dream2flow/dream2flow_bundles_manifest.json",
    ),
}

KEPT = {
    "scale": "layout/scene_layout.json layout/metric_metadata.json assets/scene_manifest.json",
    "regen3d": "regen3d/scene_info.json assets/.assets_ready assets/scene_assets.json assets/interactive/x.json",
    "interactive": "assets/scene_assets.json assets/obj_mug/asset.glb assets/scene_manifest.json",
    "simready": "assets/obj_mug/asset.glb assets/obj_mug/asset.usdz usd/scene.usda assets/.regen3d_complete",
    "usd": "assets/obj_mug/asset.glb assets/scene_manifest.json layout/scene_layout_scaled.json replicator/x.json",
    "replicator": "usd/scene.usda seg/inventory.json",
    "genie-sim-export": "episodes/geniesim_local-1/import_manifest.json variation_assets/variation_assets.json",
    "genie-sim-run": "geniesim/scene_graph.json geniesim/_GENIESIM_EXPORT_COMPLETE episodes/geniesim_local-1/x.json",
    "genie-sim-import": "geniesim/job.json episodes/geniesim_local-1/recordings/run_0/episode_0.json "
    "episodes/geniesim_local-1/lerobot/dataset_info.json episodes/geniesim_local-2/import_manifest.json",
    "episodes": "episodes/geniesim_local-1/import_manifest.json episodes/upsell_outputs/video.mp4 usd/.usd_complete",
    "training": "episodes/geniesim_local-1/lerobot/dataset_info.json",
}


def removed(stage: str, path: str) -> bool:
    clear = CATALOGUE.stages[stage].clear
    patterns = [found for pattern in (*clear.markers, *clear.outputs) for found in expand(pattern, (), "local-1")]
    return any(matches(p, path) for p in patterns) and not any(matches(p, path) for p in clear.keep)


@pytest.mark.parametrize("stage", TABLE)
def test_a_rerun_removes_the_markers_and_outputs_of_its_stage(stage: str) -> None:
    markers, outputs = TABLE[stage]
    assert [path for path in (*markers.split(), *outputs.split()) if not removed(stage, path)] == []
    listed = [found for pattern in CATALOGUE.stages[stage].clear.markers for found in expand(pattern, (), "local-1")]
    assert [path for path in markers.split() if not any(matches(pattern, path) for pattern in listed)] == []


@pytest.mark.parametrize("stage", KEPT)
def test_a_rerun_keeps_what_it_reads_and_what_is_not_its_own(stage: str) -> None:
    assert [path for path in KEPT[stage].split() if removed(stage, path)] == []


@pytest.mark.parametrize("stage", CATALOGUE.stages)
def test_every_marker_and_failure_marker_of_a_stage_goes_with_it(stage: str) -> None:
    spec = CATALOGUE.stages[stage]
    own = [path for marker in spec.markers for path in CATALOGUE.markers[marker].paths]
    own += [found for path in spec.failure_markers for found in expand(path, (), "local-1")]
    assert [path for path in own if not removed(stage, path)] == []


@pytest.mark.parametrize("stage", [name for name, spec in CATALOGUE.stages.items() if spec.rerun is not None])
def test_nothing_is_left_that_would_make_the_rerun_skip(stage: str) -> None:
    rerun = CATALOGUE.stages[stage].rerun
    assert rerun is not None
    skips = CATALOGUE.workflows[rerun.workflow].skip_if if rerun.workflow else ()
    assert [path for marker in skips for path in CATALOGUE.markers[marker].paths if not removed(stage, path)] == []


SEGMENT = st.text("abc.-_", min_size=1, max_size=6)
INPUTS = [p for rule in CATALOGUE.object_classes if rule.object_class == "input" for p in rule.patterns]
CLEARS = [p for s in CATALOGUE.stages.values() for p in (*s.clear.markers, *s.clear.outputs)]


@given(st.sampled_from(INPUTS), st.lists(SEGMENT, min_size=1, max_size=3))
def test_no_clearing_ever_reaches_an_input(pattern: str, below: list[str]) -> None:
    path = pattern.replace("**", "/".join(below))
    assert class_of(CATALOGUE, path) == "input"
    assert [stage for stage in CATALOGUE.stages if removed(stage, path)] == []


@given(st.sampled_from(CLEARS), SEGMENT, st.lists(SEGMENT, min_size=1, max_size=3))
def test_everything_a_clearing_reaches_may_go(pattern: str, name: str, below: list[str]) -> None:
    path = expand(pattern, (), "local-1")[0].replace("**", "/".join(below)).replace("*", name)
    assert class_of(CATALOGUE, path) not in NEVER_CLEARED


def test_a_clearing_for_one_simulation_leaves_the_others() -> None:
    clear = CATALOGUE.stages["genie-sim-import"].clear
    assert expand(clear.outputs[0], (), "local-1") == ["episodes/geniesim_local-1/import_manifest.json"]
    assert expand(clear.outputs[0], (), None) == expand(clear.outputs[0], (), "*") == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("regen3d/objects/mug/mesh.glb", "input"),
        ("regen3d/.failed", "input"),
        ("config.json", "input"),
        ("locks/usd-assembly.lock", "lock"),
        ("geniesim/idempotency/run-1.json", "idempotency_record"),
        ("assets/.failed", "failure_marker"),
        ("simready-job/.failed.summary", "failure_marker"),
        ("layout/.scale_failed", "failure_marker"),
        ("assets/.stage1_complete", "completion_marker"),
        ("geniesim/_GENIESIM_EXPORT_COMPLETE", "completion_marker"),
        ("layout/scene_layout_scaled.done", "completion_marker"),
        ("layout/scene_layout.json", "trigger_object"),
        ("assets/scene_assets.json", "trigger_object"),
        ("usd-assembly-job/quality_gate_report.json", "report"),
        ("validation_report.json", "report"),
        ("usd/scene.usda", "data"),
        ("layout/scene_layout_scaled.json", "data"),
    ],
)
def test_every_object_has_its_class(path: str, expected: str) -> None:
    assert class_of(CATALOGUE, path) == expected
    assert class_of_object(CATALOGUE, f"scenes/kitchen_001/{path}") == expected


def test_objects_outside_every_scene_have_their_own_classes() -> None:
    assert class_of_object(CATALOGUE, "scene-generation/.failed") == "failure_marker"
    assert class_of_object(CATALOGUE, "dead-letter/pending/1.json") == "report"
    assert class_of_object(CATALOGUE, "config.json") == "data"
    assert split_scene(CATALOGUE, "scenes/a b/usd/scene.usda") == (None, "scenes/a b/usd/scene.usda")
    assert split_scene(CATALOGUE, "scenes/a/") == (None, "scenes/a/")


def test_ids_that_are_patterns_or_paths_are_never_filled_in() -> None:
    assert expand("assets/obj_{object_id}/asset.glb", ["mug_0", "*", "a/../b"], None) == ["assets/obj_mug_0/asset.glb"]
