"""Every damage to a healthy scene is an error that names the object and the place."""

from __future__ import annotations

import json

import pytest

from tests.validation.damaged_documents import DOCUMENTS, LAYOUTS, MUG
from tests.validation.damaged_files import FILES, GLB
from tests.validation.damaged_manifests import MANIFESTS, MISSING
from tests.validation.scene_builder import (
    IMPORT,
    LAYOUT,
    MANIFEST,
    SCENE_ID,
    Change,
    errors_of,
    healthy,
    report_of,
    stamp,
)
from tests.validation.scene_bundles import seal_export
from tests.validation.scene_changes import Case, cut, edit, put, remove, replace

BROKEN = ("corrupt", "missing", "stale", "failed")


@pytest.mark.parametrize("case", DOCUMENTS + MANIFESTS + MISSING + LAYOUTS + FILES, ids=lambda case: case[0])
def test_a_damage_is_an_error_that_names_the_object_and_the_place(case: Case) -> None:
    _, change, code, path, place = case
    scene = healthy()
    change(scene)
    report = report_of(scene)
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert (code, path, place) in {(finding.code, finding.object, finding.path) for finding in errors}
    # a stage is broken exactly when one of its findings is an error
    assert {finding.stage for finding in errors} == {n for n, state in report.stages.items() if state in BROKEN}
    assert not report.healthy


def test_a_healthy_scene_has_no_error_and_no_warning() -> None:
    for upto in ("regen3d", "usd", "export", "import"):
        report = report_of(healthy(upto))
        assert report.healthy
        assert [finding for finding in report.findings if finding.severity != "info"] == []


def test_one_damaged_number_is_one_finding() -> None:
    scene = healthy()
    replace(MANIFEST, "0.76", "NaN")(scene)
    assert len(errors_of(scene)) == 1


@pytest.mark.parametrize(("change", "code"), [
    (replace(MANIFEST, '"version":', '"version": "1.0.1", "version":'), "document-duplicate-key"),
    (cut(GLB, lambda data: data + b"\0"), "glb-odd"),
])  # fmt: skip
def test_what_the_pipelines_readers_take_as_it_is_is_a_warning(change: Change, code: str) -> None:
    scene = healthy()
    change(scene)
    report = report_of(scene)
    assert report.healthy
    assert {found.code for found in report.findings if found.severity == "warning"} == {code}


def test_both_dialects_of_asset_paths_are_good() -> None:
    scene = healthy()
    put(MANIFEST, (*MUG, "asset", "path"), f"scenes/{SCENE_ID}/{GLB}")(scene)
    assert errors_of(scene) == []


def test_positions_are_compared_with_the_scale_factor_taken_into_account() -> None:
    """The warehouse form: everything in metres after scaling by 0.15, except the sizes in the manifest."""
    scene = healthy("regen3d")
    factor = 0.15

    def shrink(document: dict[str, object]) -> dict[str, object]:
        text = json.dumps(document)
        loaded = json.loads(text)
        for entry in loaded["objects"]:
            entry["center3d"] = [part * factor for part in entry["center3d"]]
            entry["obb"]["center"] = entry["center3d"]
            entry["obb"]["extents"] = [part * factor for part in entry["obb"]["extents"]]
            entry["bounds"] = {key: [part * factor for part in value] for key, value in entry["bounds"].items()}
        loaded["room_box"] = {key: [part * factor for part in value] for key, value in loaded["room_box"].items()}
        return loaded | {"scale_factor": factor, "meters_per_unit": factor}

    def metric(document: dict[str, object]) -> dict[str, object]:
        loaded = json.loads(json.dumps(document))
        loaded["scene"]["meters_per_unit"] = loaded["metadata"]["scale_factor"] = factor
        loaded["scene"]["room"]["bounds"] = {"width": 0.6, "depth": 0.6, "height": 0.45}
        for entry in loaded["objects"]:
            transform = entry["transform"]
            transform["position"] = {axis: part * factor for axis, part in transform["position"].items()}
            transform["scale"] = dict.fromkeys("xyz", factor)
        return loaded

    edit(LAYOUT, shrink)(scene)
    edit(MANIFEST, metric)(scene)
    put("assets/.regen3d_complete", ("scale_factor",), factor)(scene)
    assert [finding for finding in report_of(scene).findings if finding.severity != "info"] == []


def test_the_export_is_not_blamed_for_what_the_manifest_alone_has_wrong() -> None:
    scene = healthy()
    put(MANIFEST, (*MUG, "id"), "cup")(scene)
    report = report_of(scene)
    assert report.stages["regen3d"] == "corrupt"
    assert report.stages["usd"] == "complete"
    assert report.stages["genie-sim-export"] == "complete"


def test_a_mesh_in_another_place_than_the_adapters_is_good_when_the_manifest_says_so() -> None:
    scene = healthy("regen3d")
    scene["assets/packs/mug.glb"] = scene.pop(GLB)
    put(MANIFEST, (*MUG, "asset", "path"), "assets/packs/mug.glb")(scene)
    assert errors_of(scene) == []


def test_a_python_file_of_another_size_than_the_inventory_says_is_no_error() -> None:
    scene = healthy("export")
    scene["geniesim/extra.py"] = b"import sys\n"
    seal_export(scene)
    edit("geniesim/export_manifest.json", lambda d: d["file_inventory"].append({"path": "extra.py", "size_bytes": 9}))(
        scene
    )
    assert {finding.code for finding in errors_of(scene)} == {"own-checksum-mismatch"}


def test_a_lost_recording_and_a_lost_index_are_both_named() -> None:
    scene = healthy()
    remove(f"{IMPORT}/recordings/episode_000001.json", f"{IMPORT}/lerobot/episodes.jsonl")(scene)
    codes = {(finding.code, finding.path) for finding in errors_of(scene)}
    assert ("inventory-file-missing", "$.file_inventory[1].size_bytes") in codes
    assert ("inventory-file-missing", "$.file_inventory[3].size_bytes") in codes


def test_a_stage_made_before_its_input_is_stale() -> None:
    scene = healthy()
    put("regen3d/scene_info.json", ("generated_at",), stamp(30))(scene)
    assert report_of(scene).stages["regen3d"] == "stale"
    put("regen3d/scene_info.json", ("generated_at",), stamp(1 + 1.9 / 60))(scene)
    assert report_of(scene).healthy
