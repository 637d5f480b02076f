"""Healthy scenes of both states of the pipeline, of every age, with every optional stage on or off, have no error."""

from __future__ import annotations

import json

import pytest

from blocks.catalogue_load import load_catalogue
from deployments.sandbox.pipeline.scenes import LINE, make_text_scene
from deployments.sandbox.pipeline.varied import make_varied_scene
from deployments.sandbox.storage.store import ObjectStore
from tasks.validation.scene import validate_scene
from tests.validation.stored_scene import StoredScene

LOST = ("output-not-there", "input-not-there", "marker-not-followed", "listed-missing", "text-odd")
"""What is told of a healthy scene of which one object is gone or damaged."""


def store() -> ObjectStore:
    made = ObjectStore()
    made.create_bucket("b")
    return made


@pytest.mark.parametrize("from_text", [False, True])
@pytest.mark.parametrize("seed", range(1000, 1008))
def test_a_varied_healthy_scene_has_no_error(seed: int, from_text: bool) -> None:
    folder = make_varied_scene(store(), "b", "s", seed, from_text=from_text)
    report = validate_scene(StoredScene(folder), folder.catalogue)
    assert [(f.code, f.object, f.message) for f in report.findings if f.severity == "error" or f.code in LOST] == []
    assert report.healthy is True


def test_a_scene_from_text_has_the_shapes_of_its_time() -> None:
    folder = make_text_scene(store(), "b", "s", "kitchen", objects=5, upto=LINE[-1])
    manifest = folder.read_object("assets/scene_manifest.json")
    ids = [entry["id"] for entry in manifest["objects"]]
    assert ids == [f"obj_{number:03d}" for number in range(1, 6)]
    assert all(folder.exists(f"assets/{name}/model.usd") for name in ids)
    assert "deformable_object" in {entry["sim_role"] for entry in manifest["objects"]}
    assert "obb" not in json.dumps(folder.read_object("layout/scene_layout_scaled.json"))
    nodes = folder.read_object("geniesim/scene_graph.json")["nodes"]
    assert {node["asset_id"] for node in nodes} == {f"s_obj_{name}" for name in ids}
    assert folder.exists("assets/.stage1_complete")
    assert not folder.paths("regen3d/")
    assert '"obj_obj_001"' in folder.read("usd/scene.usda").decode()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("assets/obj_002/model.usd", "output-missing"),
        ("layout/scene_layout_scaled.json", "output-missing"),
        ("textgen/package.json", "output-missing"),
        ("assets/.stage1_complete", "marker-missing"),
        ("replicator/.replicator_complete", "marker-missing"),
        ("assets/obj_001/simready.usda", "output-missing"),
    ],
)
def test_a_lost_object_of_a_scene_from_text_is_an_error(path: str, code: str) -> None:
    folder = make_text_scene(store(), "b", "s", "office", objects=2)
    folder.delete(path)
    report = validate_scene(StoredScene(folder), folder.catalogue)
    assert (code, path) in {(f.code, f.object) for f in report.findings if f.severity == "error"}


def test_without_its_overlay_a_scene_from_text_is_not_understood() -> None:
    folder = make_text_scene(store(), "b", "s", "office", objects=2, upto="regen3d")
    assert validate_scene(StoredScene(folder), folder.catalogue).healthy
    assert not validate_scene(StoredScene(folder), load_catalogue()).healthy


def test_a_stage_that_is_left_out_takes_what_needs_it_along() -> None:
    folder = make_text_scene(
        store(), "b", "s", "office", objects=1, upto=LINE[-1], without=["episodes", "genie-sim-run"]
    )
    assert not folder.paths("episodes/")
    assert not folder.exists("geniesim/job.json")
    assert folder.exists("arena/arena_manifest.json")
