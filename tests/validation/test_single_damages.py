"""One damaged or lost object of a healthy scene is always told; what every run writes is never more than a warning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_load import load_catalogue
from deployments.sandbox.pipeline.scenes import make_scene, make_text_scene
from deployments.sandbox.pipeline.varied import clean_up
from deployments.sandbox.storage.store import ObjectStore
from tasks.validation.files.notes import note_problems
from tasks.validation.files.pieces import Pieces
from tasks.validation.finding_codes import CODES
from tasks.validation.scene import validate_scene
from tasks.validation.scene_under_test import Depth
from tasks.validation.usd.text import USD_ENDINGS
from tests.validation.scene_builder import Scene, healthy, put_gate, report_of
from tests.validation.scene_changes import put
from tests.validation.single_damages import random_damage, seen
from tests.validation.stored_scene import StoredScene

README, METADATA = "replicator/README.md", "assets/obj_mug_0/metadata.json"


def codes(scene: Scene, depth: Depth = "documents") -> set[tuple[str, str]]:
    """Errors and warnings. What is lost the listing shows, so that no depth is needed for it."""
    return {(f.code, f.object) for f in report_of(scene, depth).findings if f.severity in ("error", "warning")}


@pytest.mark.parametrize("seed", range(30))
def test_a_single_damage_is_told(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    damage = random_damage(seed)
    if not damage.path.endswith(USD_ENDINGS):  # else OpenUSD opens the same layers as in the whole scene
        monkeypatch.setattr("tasks.validation.usd.open.find_spec", lambda name: None)
    assert seen(damage), damage


@pytest.mark.parametrize(
    "path",
    [README, METADATA, "variation_assets/manifest_with_results.json", "usd-assembly-job/quality_gate_report.json"],
)
def test_what_every_run_writes_is_told_when_it_is_lost_and_breaks_nothing(path: str) -> None:
    scene = healthy()
    del scene[path]
    report = report_of(scene, "documents")
    assert codes(scene) == {("output-not-there", path)}
    assert report.healthy
    assert set(report.stages.values()) <= {"complete", "never_ran"}


@pytest.mark.usefixtures("without_openusd")
def test_a_lost_marker_that_the_workflow_skips_by_is_told() -> None:
    scene = healthy()
    del scene["geniesim/.geniesim_complete"]
    assert codes(scene, "full") == {("marker-not-followed", "geniesim/.geniesim_complete")}
    scene[".checkpoints/genie-sim-import.json"] = b'{"step": "genie-sim-import"}'
    assert codes(scene, "full") == set(), "the local runner does not write it"
    assert codes(healthy("export")) == set()


def test_a_stage_that_nothing_says_was_completed_is_asked_for_nothing() -> None:
    scene = {path: data for path, data in healthy("usd").items() if not path.startswith("replicator/")}
    scene["replicator/placement_regions.usda"] = healthy()["replicator/placement_regions.usda"]
    assert "output-not-there" not in {code for code, _ in codes(scene)}


def test_a_stage_that_may_still_be_at_work_is_asked_for_nothing() -> None:
    scene = healthy("usd")
    del scene["usd-assembly-job/quality_gate_report.json"]
    assert ("output-not-there", "usd-assembly-job/quality_gate_report.json") in codes(scene)
    del scene["assets/.usd_assembly_complete"]
    assert "output-not-there" not in {code for code, _ in codes(scene)}


@pytest.mark.usefixtures("without_openusd")
def test_an_import_of_a_mock_run_is_asked_for_nothing() -> None:
    scene = healthy()
    put("geniesim/job.json", ("submission_mode",), "mock")(scene)
    del scene["geniesim/.geniesim_complete"]
    assert codes(scene, "full") == {("dialect-mock-job", "geniesim/job.json")}


def test_a_stage_that_lost_what_its_readers_need_is_asked_for_the_rest_too() -> None:
    scene = healthy()
    del scene[README], scene["replicator/replicator_master.py"]
    assert {("output-missing", "replicator/replicator_master.py"), ("output-not-there", README)} <= codes(scene)


LOCAL = ("replicator/replicator_master.py", "replicator/policies/pick.py", "replicator/configs/pick.json", README)


def test_the_local_runner_is_known_after_its_checkpoints_have_expired() -> None:
    """Physics in the manifest alone shows who made the scene; the rest follows once its checkpoints are gone by age."""
    scene = {path: data for path, data in healthy("export").items() if not path.endswith("simready.usda")}
    scene["assets/.simready_complete"] = b"Completed at 2026-01-18T09:02:00Z\n"
    for path in (*LOCAL, "layout/scene_layout_scaled.json", "seg/inventory.json"):
        del scene[path]
    assert not {path for _, path in codes(scene)} & {*LOCAL, "replicator/policies/*.py", "replicator/configs/*.json"}
    scene["seg/own.json"] = b'{"a": 1}'
    assert ("output-missing", LOCAL[0]) in codes(scene), "something as old is left, so nothing has expired"


def test_the_local_runner_is_not_asked_for_what_only_the_cloud_writes() -> None:
    scene = healthy()
    del scene[README]
    scene[".checkpoints/replicator.json"] = b'{"step": "replicator"}'
    assert ("output-not-there", README) not in codes(scene)
    del scene[METADATA]
    assert ("output-not-there", METADATA) in codes(scene)


def test_the_room_has_no_metadata_of_its_own() -> None:
    assert "assets/obj_scene_background/metadata.json" not in healthy()
    assert codes(healthy()) == set()


def test_what_some_runs_leave_out_is_not_asked_for() -> None:
    scene = healthy()
    put_gate(scene, "simready-job")
    assert codes(scene) == set()


def cleaned(days: float, *, from_text: bool = False, overlay: dict[str, object] | None = None) -> set[tuple[str, str]]:
    """What is told of a scene of that age after the pipeline's own clean-up."""
    store = ObjectStore()
    store.create_bucket("b")
    make = make_text_scene if from_text else make_scene
    folder = make(store, "b", "s", "kitchen", objects=1, at=datetime.now(UTC) - timedelta(days))
    folder.catalogue = load_catalogue(overlay) if overlay else folder.catalogue
    clean_up(folder, datetime.now(UTC))
    report = validate_scene(StoredScene(folder), folder.catalogue)
    return {(f.code, f.object) for f in report.findings if f.severity in ("error", "warning")}


REPORT = "usd-assembly-job/quality_gate_report.json"
KEPT_BRIEFLY = {"retention": {"reports": {"patterns": [REPORT], "days": 10}}}


@pytest.mark.usefixtures("without_openusd")
def test_what_retention_has_removed_is_not_called_lost() -> None:
    assert not {code for code, _ in cleaned(400)} & {"output-not-there", "marker-not-followed"}
    assert not {code for code, _ in cleaned(45, from_text=True)} & {"output-not-there", "marker-not-followed"}
    assert ("output-not-there", REPORT) not in cleaned(20, overlay=KEPT_BRIEFLY)


@pytest.mark.parametrize("part", ["intrinsics", "extrinsics"])
def test_a_part_of_the_reconstruction_is_asked_for_where_its_siblings_are(part: str) -> None:
    scene = healthy("regen3d") | {f"regen3d/camera/{part}.json": camera(part)}
    (other,) = {"intrinsics", "extrinsics"} - {part}
    assert codes(scene) == {("input-not-there", f"regen3d/camera/{other}.json")}
    scene[f"regen3d/camera/{other}.json"] = camera(other)
    assert codes(scene) == set()


def camera(part: str) -> bytes:
    rows = (
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
        if part == "intrinsics"
        else [[float(i == j) for i in range(4)] for j in range(4)]
    )
    return str({"matrix": rows, "width": 64, "height": 48}).replace("'", '"').encode()


def test_a_material_is_asked_for_where_another_object_has_one() -> None:
    material = b'{"base_color": [0.7, 0.7, 0.7], "metallic": 0.0, "roughness": 0.5, "material_type": "generic"}'
    scene = healthy("regen3d") | {"regen3d/objects/mug_0/material.json": material}
    assert codes(scene) == {("input-not-there", "regen3d/objects/table_0/material.json")}


@pytest.mark.parametrize(("data", "code"), [
    (b"# Caf\xe9\n", "text-odd"), (b"<!doctype html><html>404</html>", "text-odd"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "file-not-what-it-says"),
    ("# Küche\n".encode(), ""), (b"<br>\n# A heading\n", ""),
])  # fmt: skip
def test_a_text_that_is_read_by_people_is_utf_8_and_no_page(data: bytes, code: str) -> None:
    assert [found.code for found in note_problems(Pieces.of(data))] == ([code] if code else [])


@pytest.mark.usefixtures("without_openusd")
def test_only_the_texts_of_stages_are_held_to_that() -> None:
    scene = healthy("export") | {README: b"# Caf\xe9\n", "notes/readme.md": b"# Caf\xe9\n"}
    assert codes(scene, "full") == {("text-odd", README)}


def test_what_is_asked_for_is_never_more_than_a_warning() -> None:
    told = ("output-not-there", "input-not-there", "marker-not-followed", "text-odd")
    assert {CODES[code].severity for code in told} == {"warning"}


def test_what_is_always_written_is_optional_in_both_states() -> None:
    for catalogue in (load_catalogue(), load_catalogue("2026-06")):
        outputs = [o for stage in catalogue.stages.values() for o in (*stage.outputs, *stage.inputs) if o.always]
        assert outputs
        assert not any(output.required for output in outputs)
