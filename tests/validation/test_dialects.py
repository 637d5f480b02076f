"""What the pipeline's own tools write against its own rules is told apart from damage."""

from __future__ import annotations

import pytest

from tests.validation.scene_builder import (
    LAYOUT,
    MANIFEST,
    SCENE_ID,
    SIZES,
    Scene,
    dump,
    healthy,
    put_marker,
    report_of,
    stamp,
)
from tests.validation.scene_bundles import seal_export
from tests.validation.scene_changes import both, drop_all, edit, put, remove, replace

MUG = ("objects", 0)


def dialects(scene: Scene) -> set[str]:
    """The dialects found in a scene that must be healthy."""
    report = report_of(scene)
    assert [f for f in report.findings if f.severity == "error"] == []
    return {f.code for f in report.findings if f.code.startswith("dialect-")}


def local_runner(scene: Scene) -> None:
    """Make the SimReady and USD stages those of the local runner."""
    both(drop_all("simready.usda"), drop_all("asset.usdz"), remove("usd/usd_assembly_manifest.json"))(scene)
    scene["assets/.simready_complete"] = f"completed at {stamp(2)}\n".encode()
    prims = "".join(
        f'    def Xform "obj_{name}" (\n        # Reference to: assets/obj_{name}/asset.glb\n    ) {{\n    }}\n'
        for name in SIZES
    )
    text = f'#usda 1.0\n(\n    upAxis = "Y_UP"\n)\n\ndef Xform "World" {{\n{prims}}}\n'
    scene["usd/scene.usda"] = text.encode()


def test_the_adapters_own_manifest_is_a_dialect() -> None:
    scene = healthy("regen3d")
    put(MANIFEST, ("scene", "room", "bounds"), {"min": [-2, 0, -2], "max": [2, 3, 2]})(scene)
    put(MANIFEST, (*MUG, "category"), None)(scene)
    put(MANIFEST, (*MUG, "description"), None)(scene)
    assert dialects(scene) == {"dialect-room-bounds-minmax", "dialect-null-text"}


@pytest.mark.parametrize(
    "bounds", [{"min": [2, 0, -2], "max": [-2, 3, 2]}, {"min": [0, 0], "max": [1, 1]}, {"min": [0, 0, 0]}]
)
def test_damaged_bounds_are_no_dialect(bounds: dict[str, list[int]]) -> None:
    scene = healthy("regen3d")
    put(MANIFEST, ("scene", "room", "bounds"), bounds)(scene)
    assert not report_of(scene).healthy


def test_the_local_runners_simready_and_stage_are_dialects() -> None:
    scene = healthy("usd")
    local_runner(scene)
    expected = {"dialect-plain-text-marker", "dialect-local-simready", "dialect-usd-comment-references"}
    assert dialects(scene) == expected | {"dialect-usd-up-axis"}


def test_a_local_scene_whose_objects_have_no_physics_is_not_excused() -> None:
    scene = healthy("usd")
    local_runner(scene)
    put(MANIFEST, (*MUG, "physics"), {})(scene)
    report = report_of(scene)
    assert report.stages["simready"] == "corrupt"
    assert ("simready-no-physics", "$.objects[0].physics") in {(f.code, f.path) for f in report.findings}


def test_a_comment_that_names_a_missing_asset_is_not_excused() -> None:
    scene = healthy("usd")
    local_runner(scene)
    replace("usd/scene.usda", "obj_mug_0/asset.glb", "obj_mug_0/nope.glb")(scene)
    assert report_of(scene).stages["usd"] == "corrupt"


def test_a_mock_run_has_nothing_to_import() -> None:
    scene = healthy()
    for path in [path for path in scene if path.startswith("episodes/")]:
        del scene[path]
    put("geniesim/job.json", ("submission_mode",), "mock")(scene)
    assert dialects(scene) == {"dialect-plain-text-marker", "dialect-mock-job"}


def test_paths_of_the_machine_that_exported_are_a_dialect_as_long_as_they_lead_to_something() -> None:
    scene = healthy("export")
    for name, key in (("scene_graph", "nodes"), ("asset_index", "assets")):
        path = f"/mnt/b/scenes/{SCENE_ID}/usd/assets/obj_mug_0/asset.glb"
        put(f"geniesim/{name}.json", (key, 0, "usd_path"), path)(scene)
    seal_export(scene)
    assert "dialect-absolute-usd-path" in dialects(scene)
    put("geniesim/scene_graph.json", ("nodes", 0, "usd_path"), f"/mnt/b/scenes/{SCENE_ID}/usd/nope.glb")(scene)
    seal_export(scene)
    assert report_of(scene).stages["genie-sim-export"] == "corrupt"


def test_an_export_without_errors_that_says_no_success_is_a_dialect() -> None:
    scene = healthy("export")
    put("geniesim/export_manifest.json", ("result", "success"), False)(scene)
    codes = {f.code for f in report_of(scene).findings}
    assert "dialect-export-result-false" in codes
    assert "export-reported-errors" not in codes


def test_unknown_licences_are_a_dialect() -> None:
    scene = healthy("export")
    record = {"scene_id": SCENE_ID, "license": {"blockers": ["Asset 'mug_0' has unknown license"]}, "assets": []}
    scene["geniesim/legal/asset_provenance.json"] = dump(record)
    assert "dialect-license-blockers" in {f.code for f in report_of(scene).findings}


def test_a_mesh_that_is_not_the_one_that_was_exported_is_an_error() -> None:
    scene = healthy("export")
    asset = {
        "asset_id": "mug_0",
        "asset_path": "assets/obj_mug_0/asset.glb",
        "verification": {"content_hash": "0" * 64},
    }
    scene["geniesim/legal/asset_provenance.json"] = dump({"scene_id": SCENE_ID, "assets": [asset]})
    assert "asset-changed-since-export" in {f.code for f in report_of(scene).findings}


def test_the_prim_that_no_physics_wrapper_has_is_a_dialect() -> None:
    scene = healthy("usd")
    replace("usd/scene.usda", "simready.usda@", "simready.usda@</Root>")(scene)
    assert dialects(scene) == {"dialect-usd-root-prim"}


def test_another_prim_that_is_not_there_is_an_error() -> None:
    pytest.importorskip("pxr")
    scene = healthy("usd")
    replace("usd/scene.usda", "simready.usda@", "simready.usda@</Nowhere>")(scene)
    assert "usd-does-not-compose" in {f.code for f in report_of(scene).findings if f.severity == "error"}


def test_the_exports_copy_of_the_stage_refers_to_what_only_the_original_reaches() -> None:
    scene = healthy("export")
    scene["geniesim/usd/scene.usda"] = scene["usd/scene.usda"]
    codes = {f.code for f in report_of(scene).findings}
    assert "dialect-export-usd-copy" in codes
    assert "path-dangling" not in codes


def test_numbers_as_ids_in_a_layout_are_a_dialect_of_older_ones() -> None:
    scene = healthy("regen3d")
    changes = [edit(p, lambda d: d["objects"][0].update(id="12")) for p in (MANIFEST, "seg/inventory.json")]
    both(*changes, put(LAYOUT, (*MUG, "id"), 12))(scene)
    for path in [path for path in scene if "mug_0" in path]:
        scene[path.replace("mug_0", "12")] = scene.pop(path)
    put(MANIFEST, (*MUG, "asset", "path"), "assets/obj_12/asset.glb")(scene)
    put("assets/obj_12/metadata.json", ("id",), "12")(scene)
    assert dialects(scene) == {"dialect-number-id"}


def test_the_scale_jobs_form_of_the_layout_is_good() -> None:
    scene = healthy("regen3d")

    def scaled(document: dict[str, object]) -> None:
        for name in ("scale_factor", "scene_id", "meters_per_unit", "coordinate_frame"):
            del document[name]
        document["scale"] = {"factor": 1.0, "n_samples": 3, "source": "blend", "up_axis": "y"}

    edit(LAYOUT, scaled)(scene)
    assert dialects(scene) == set()
    put(LAYOUT, ("scale", "factor"), 30)(scene)
    assert not report_of(scene).healthy


def test_a_marker_of_a_stage_that_had_nothing_to_do_may_be_lost() -> None:
    scene = healthy()
    scene[".checkpoints/interactive.json"] = dump({"step": "interactive", "status": "completed"})
    report = report_of(scene)
    assert report.healthy
    assert "marker-not-there" in {f.code for f in report.findings}
    put_marker(scene, "assets/.interactive_complete", 1)
    assert report_of(scene).stages["interactive"] == "complete"


def test_an_interactive_step_that_articulated_nothing_is_an_error_in_spite_of_its_marker() -> None:
    scene = healthy()
    put(MANIFEST, (*MUG, "articulation"), {"required": True})(scene)
    put_marker(scene, "assets/.interactive_complete", 1, summary={"articulated_count": 0})
    report = report_of(scene)
    assert report.stages["interactive"] == "corrupt"
