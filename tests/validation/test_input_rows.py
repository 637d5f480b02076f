"""Poses and boxes of the reconstruction, each against itself and against the manifest, on both sides of each bound."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.validation.documents.inputs import check_inputs
from tasks.validation.documents.manifest import check_manifest
from tests.validation.quick import GONE, Keys, told, view_of, with_value
from tests.validation.scene_builder import MANIFEST, dump, healthy

SCENE = healthy("regen3d")
POSE, BOUNDS, INFO = "regen3d/objects/mug_0/pose.json", "regen3d/objects/mug_0/bounds.json", "regen3d/scene_info.json"


def after(path: str, keys: Keys, value: object, factor: float = 1.0) -> list[tuple[str, str]]:
    """What the check of the inputs says with another value at a place of one of them."""
    view = view_of(SCENE | {path: dump(with_value(json.loads(SCENE[path]), keys, value))})
    manifest = check_manifest(view, MANIFEST)
    check_inputs(view, manifest, factor)
    return told(view)


MATRIX: Keys = ("transform_matrix",)
ROWS: list[tuple[str, Keys, Any, list[tuple[str, str]]]] = [
    (POSE, ("confidence",), 0.5, []),
    (POSE, (*MATRIX, 0, 0), 1.009, []),
    (POSE, (*MATRIX, 0, 0), 1.02, [("pose-inconsistent", "$.transform_matrix")]),
    (POSE, (*MATRIX, 1, 1), 0.98, [("pose-inconsistent", "$.transform_matrix")]),
    (POSE, (*MATRIX, 0, 3), 0.309, []),
    (POSE, (*MATRIX, 0, 3), 0.32, [("pose-inconsistent", "$.transform_matrix")]),
    (POSE, (*MATRIX, 3), [0, 0, 0, 2], [("pose-inconsistent", "$.transform_matrix")]),
    (POSE, (*MATRIX, 3), [0, 0, 1, 1], [("pose-inconsistent", "$.transform_matrix")]),
    (POSE, ("scale",), [1, 1, 1.02], [("pose-inconsistent", "$.transform_matrix")]),
    (POSE, ("rotation_quaternion",), [0, 0, 0, 0], [("quaternion-not-unit", "$.rotation_quaternion")]),
    (POSE, ("rotation_quaternion",), [-1, 0, 0, 0], []),
    (POSE, ("is_floor_contact",), GONE, []),
    (BOUNDS, ("size", 0), 0.2, [("bounds-mismatch", "$.size")]),
    (BOUNDS, ("center", 0), 0.31, [("bounds-disagree", "$.center")]),
    (BOUNDS, ("center", 0), 9.0, [("bounds-mismatch", "$.center")]),
    (BOUNDS, ("min", 0), 9.0, [("bounds-inverted", "$.min[0]")]),
    (INFO, ("generated_at",), "last week", [("time-malformed", "$.generated_at")]),
    (INFO, ("generated_at",), "2026-01-18T09:00:00", []),
]


@pytest.mark.parametrize(("path", "keys", "value", "wanted"), ROWS, ids=lambda part: str(part)[:40])
def test_a_part_of_the_reconstruction_agrees_with_itself(
    path: str, keys: Keys, value: object, wanted: list[tuple[str, str]]
) -> None:
    assert after(path, keys, value) == wanted


@pytest.mark.parametrize(
    ("x", "factor", "differs"), [(0.3, 1.0, False), (0.305, 1.0, False), (0.4, 1.0, True), (0.6, 0.5, True)]
)
def test_an_object_stands_where_it_was_reconstructed_or_where_the_scale_puts_it(
    x: float, factor: float, differs: bool
) -> None:
    pose = json.loads(SCENE[POSE])
    pose["translation"][0] = pose["transform_matrix"][0][3] = x
    view = view_of(SCENE | {POSE: dump(pose)})
    check_inputs(view, check_manifest(view, MANIFEST), factor)
    assert told(view) == ([("input-place-differs", "$.translation")] if differs else [])


@pytest.mark.parametrize("lost", [POSE, BOUNDS, "regen3d/objects/mug_0/mesh.glb", "regen3d/background/mesh.glb"])
def test_what_the_adapter_would_invent_is_missing(lost: str) -> None:
    view = view_of({path: data for path, data in SCENE.items() if path != lost})
    check_inputs(view, check_manifest(view, MANIFEST), 1.0)
    assert [(f.code, f.object) for f in view.findings.kept] == [("input-missing", lost)]


def test_a_room_that_the_manifest_does_not_have_needs_no_inputs() -> None:
    document = json.loads(SCENE[MANIFEST])
    document["objects"] = [entry for entry in document["objects"] if entry["id"] != "scene_background"]
    left = {path: data for path, data in SCENE.items() if not path.startswith("regen3d/background/")}
    view = view_of(left | {MANIFEST: dump(document)})
    check_inputs(view, check_manifest(view, MANIFEST), 1.0)
    assert told(view) == []
