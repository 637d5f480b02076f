"""What a scene was promised, what it was made from, and what its documents claim that nothing answers to."""

from __future__ import annotations

import pytest

from blocks.catalogue_load import load_catalogue
from deployments.sandbox.pipeline.stage_writers_delivery import MP4
from tasks.validation.scene import validate_scene
from tests.validation.scene_builder import (
    LAYOUT,
    MANIFEST,
    SCENE_ID,
    MemorySource,
    Scene,
    dump,
    healthy,
    put_marker,
    report_of,
    stamp,
)  # fmt: skip
from tests.validation.scene_changes import drop, edit, put

MOVIE = "dwm/bundle_000/interaction_video.mp4"
BUNDLES = dump({"scene_id": SCENE_ID, "bundles": ["bundle_000"]})
pytestmark = pytest.mark.usefixtures("without_openusd")


def codes(scene: Scene) -> set[str]:
    return {f.code for f in report_of(scene).findings}


def test_an_optional_stage_that_was_prepared_and_never_started_is_no_error() -> None:
    scene = healthy() | {"dwm/dwm_bundles_manifest.json": BUNDLES}
    report = report_of(scene)
    assert report.healthy
    assert report.stages["dwm"] == "never_ran"
    assert "marker-not-there" in codes(scene)


def test_one_whose_later_step_did_run_misses_its_marker() -> None:
    scene = healthy() | {"dwm/dwm_bundles_manifest.json": BUNDLES}
    scene[MOVIE] = MP4
    put_marker(scene, "dwm/.dwm_inference_complete", 9)
    assert report_of(scene).stages["dwm"] == "missing"


def test_one_that_was_promised_and_never_started_misses_its_marker() -> None:
    scene = healthy() | {"dwm/dwm_bundles_manifest.json": BUNDLES, "config.json": dump({"films": True})}
    promising = load_catalogue({"stages": {"dwm": {"promised_by": {"films": [True]}}}})
    report = validate_scene(MemorySource(scene), promising)
    assert report.stages["dwm"] == "missing"
    assert "marker-missing" in {f.code for f in report.findings}


def test_a_promised_stage_that_has_not_run_is_told() -> None:
    assert "promise-open" in codes(healthy() | {"config.json": dump({"bundle_tier": "pro"})})
    assert "promise-open" not in codes(healthy() | {"config.json": dump({"bundle_tier": "standard"})})
    assert "promise-open" not in codes(healthy())


def test_a_whole_input_gone_is_told_though_nothing_needs_rerunning() -> None:
    scene = {path: data for path, data in healthy().items() if not path.startswith("regen3d/")}
    report = report_of(scene)
    assert report.healthy
    assert "inputs-gone" in codes(scene)
    assert "inputs-gone" not in codes(healthy())


def test_a_manifest_version_that_nobody_knows_is_told() -> None:
    scene = healthy()
    put(MANIFEST, ("version",), "9.1.0")(scene)
    assert "manifest-version-unknown" in codes(scene)
    assert report_of(scene).healthy


def test_an_articulation_that_no_stage_made_is_told() -> None:
    scene = healthy()
    put(MANIFEST, ("objects", 0, "articulation"), {"required": True})(scene)
    put_marker(scene, "assets/.interactive_complete", 2)
    assert "articulation-not-made" in codes(scene)
    scene["assets/interactive/obj_mug_0/mug_0.urdf"] = b"<robot/>"
    assert "articulation-not-made" not in codes(scene)


def test_what_the_builder_does_without_is_no_error() -> None:
    for change in (
        drop(LAYOUT, ("objects", 0, "obb", "R")),
        drop(LAYOUT, ("objects", 0, "center3d")),
        drop("seg/inventory.json", ("total_objects",)),
        drop("seg/inventory.json", ("objects", 0, "sim_role")),
        drop("seg/inventory.json", ("scene_id",)),
    ):
        scene = healthy()
        change(scene)
        assert report_of(scene).healthy


def test_an_object_that_lost_its_box_or_its_place_is_told() -> None:
    scene = healthy()
    drop(LAYOUT, ("objects", 0, "obb"))(scene)
    assert "layout-place-missing" in codes(scene)
    assert report_of(scene).healthy
    edit(LAYOUT, lambda d: [d["objects"][0].pop(key, None) for key in ("center3d", "position")] and None)(scene)
    assert "layout-place-missing" in codes(scene)


def test_what_a_list_names_and_is_not_there_is_told() -> None:
    scene = healthy() | {"dwm/dwm_bundles_manifest.json": BUNDLES}
    told = {f.object for f in report_of(scene).findings if f.code == "listed-missing"}
    assert "dwm/bundle_000/manifest.json" in told
    odd = dump({"scene_id": SCENE_ID, "bundles": [{"id": "a"}, 7, "../x", None]})
    told = {f.object for f in report_of(scene | {"dwm/dwm_bundles_manifest.json": odd}).findings if "listed" in f.code}
    assert "dwm/a/manifest.json" in told
    assert not any(".." in path for path in told)


def test_a_marker_that_lists_bundles_promises_what_its_step_makes() -> None:
    scene = healthy() | {"dwm/dwm_bundles_manifest.json": BUNDLES}
    scene["dwm/.dwm_inference_complete"] = dump({"timestamp": stamp(9), "bundles": ["bundle_000"]})
    assert MOVIE in {f.object for f in report_of(scene).findings if f.code == "listed-missing"}
    scene["dwm/.dwm_inference_complete"] = b"ok\n"
    told = {f.object: f.code for f in report_of(scene).findings if f.severity in ("error", "warning")}
    assert MOVIE not in told
    assert "dwm/.dwm_inference_complete" not in told, "a line of text lists nothing"


def test_what_a_list_names_may_have_expired() -> None:
    scene = healthy() | {"dwm/dwm_bundles_manifest.json": BUNDLES}
    put_marker(scene, "dwm/.dwm_complete", 9)
    briefly = {"retention": {"films": {"patterns": ["dwm/*/*.mp4"], "days": 10}}}
    report = validate_scene(MemorySource(scene), load_catalogue(briefly))
    told = {f.object for f in report.findings if f.code == "listed-missing"}
    assert "dwm/bundle_000/manifest.json" in told
    assert not any(path.endswith(".mp4") for path in told)
