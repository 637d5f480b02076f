"""What is asked of a manifest's values one object at a time, on both sides of each bound."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.validation.documents.manifest import check_manifest
from tests.validation.quick import GONE, Keys, told, view_of, with_value
from tests.validation.scene_builder import MANIFEST, dump, healthy

WHOLE: dict[str, Any] = json.loads(healthy("regen3d")[MANIFEST])
MUG: Keys = ("objects", 0)
POSITION, SCALE, SIZE, PHYSICS = ((*MUG, "transform", "position"), (*MUG, "transform", "scale"),
                                  (*MUG, "dimensions_est"), (*MUG, "physics"))  # fmt: skip
TURN: Keys = (*MUG, "transform", "rotation_quaternion")


def found(document: Any) -> list[tuple[str, str]]:
    """What the check of the manifest alone says."""
    view = view_of({MANIFEST: dump(document)})
    check_manifest(view, MANIFEST)
    return told(view)


def after(keys: Keys, value: object) -> list[tuple[str, str]]:
    """The same of the whole manifest with another value at a place."""
    return found(with_value(WHOLE, keys, value))


def test_a_whole_manifest_is_right() -> None:
    assert found(WHOLE) == []


RIGHT: list[tuple[Keys, object]] = [
    ((*POSITION, "x"), 1000),
    ((*POSITION, "z"), -1000),
    ((*SCALE, "x"), 0.001),
    ((*SCALE, "x"), 1000),
    ((*SIZE, "height"), 0.001),
    ((*PHYSICS, "mass_kg"), 0.01),
    ((*PHYSICS, "mass_kg"), 500),
    ((*PHYSICS, "friction_static"), 2),
    ((*PHYSICS, "mass_kg_range"), [1.0, 1.0]),
    ((*PHYSICS, "friction_range"), [1]),
    (TURN, {"w": 0.91, "x": 0, "y": 0, "z": 0}),
    (TURN, {"w": 1.09, "x": 0, "y": 0, "z": 0}),
    (TURN, {"w": -1, "x": 0, "y": 0, "z": 0}),
    (TURN, GONE),
    ((*MUG, "dimensions_est"), GONE),
    ((*MUG, "articulation"), {"limits": {"lower": 1.0, "upper": 1.0}}),
    ((*MUG, "articulation"), {"limits": {"lower": 1.0}}),
    ((*MUG, "relationships"), [{"type": "on", "subject_id": "mug_0", "object_id": "table_0"}]),
    (("objects", 2, "physics", "mass_kg"), 5000),
    (("version",), "1.0.0"),
]
ODD: list[tuple[Keys, object, str, str]] = [
    ((*POSITION, "x"), 1000.1, "position-far", "$.objects[0].transform.position.x"),
    ((*POSITION, "z"), -2000, "position-far", "$.objects[0].transform.position.z"),
    ((*SCALE, "x"), 0.0009, "scale-unusual", "$.objects[0].transform.scale.x"),
    ((*SCALE, "z"), 1001, "scale-unusual", "$.objects[0].transform.scale.z"),
    ((*SIZE, "height"), 0.0009, "dimension-tiny", "$.objects[0].dimensions_est.height"),
    ((*PHYSICS, "mass_kg"), 0.009, "physics-unusual", "$.objects[0].physics.mass_kg"),
    ((*PHYSICS, "mass_kg"), 500.1, "physics-unusual", "$.objects[0].physics.mass_kg"),
    ((*PHYSICS, "friction_static"), 2.1, "physics-unusual", "$.objects[0].physics.friction_static"),
    ((*PHYSICS, "friction_dynamic"), 10, "physics-unusual", "$.objects[0].physics.friction_dynamic"),
    ((*PHYSICS, "mass_kg_range"), [2.0, 1.0], "physics-out-of-range", "$.objects[0].physics.mass_kg_range"),
    (TURN, {"w": 0.9, "x": 0, "y": 0, "z": 0}, "quaternion-not-unit", "$.objects[0].transform.rotation_quaternion"),
    (TURN, {"w": 1.1, "x": 0, "y": 0, "z": 0}, "quaternion-not-unit", "$.objects[0].transform.rotation_quaternion"),
    (TURN, {"w": 1, "x": 1, "y": 0, "z": 0}, "quaternion-not-unit", "$.objects[0].transform.rotation_quaternion"),
    ((*MUG, "articulation"), {"limits": {"lower": 1.1, "upper": 1.0}}, "articulation-limits-inverted",
     "$.objects[0].articulation.limits"),
    ((*MUG, "relationships"), [{"type": "on", "subject_id": "cup", "object_id": "table_0"}],
     "reference-unknown-object", "$.objects[0].relationships[0].subject_id"),
    ((*MUG, "relationships"), [{"type": "on", "subject_id": "mug_0", "object_id": "sofa"}],
     "reference-unknown-object", "$.objects[0].relationships[0].object_id"),
    (("version",), "1.1.0", "manifest-version-unknown", "$.version"),
    ((*MUG, "id"), "table_0", "id-duplicate", "$.objects[1].id"),
    ((*MUG, "category"), None, "dialect-null-text", "$.objects[0].category"),
    ((*MUG, "description"), None, "dialect-null-text", "$.objects[0].description"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "value"), RIGHT, ids=lambda part: str(part)[:40])
def test_the_bound_itself_is_right(keys: Keys, value: object) -> None:
    assert after(keys, value) == []


@pytest.mark.parametrize(("keys", "value", "code", "place"), ODD, ids=lambda part: str(part)[:40])
def test_what_is_beyond_a_bound_is_told_once_with_its_place(keys: Keys, value: object, code: str, place: str) -> None:
    assert after(keys, value) == [(code, place)]


def test_a_name_of_null_is_no_dialect() -> None:
    assert after((*MUG, "name"), None) == [("field-wrong-type", "$.objects[0].name")]


@pytest.mark.parametrize(("size", "scale", "wrong"), [
    (0.1, 1e-4, False), (0.1, 1e-6, True), (100, 10, True), (100, 9.9, False), (0.002, 0.001, False),
])  # fmt: skip
def test_an_object_is_judged_by_what_its_scale_makes_of_it(size: float, scale: float, wrong: bool) -> None:
    document = with_value(WHOLE, (*SIZE, "width"), size)
    codes = [code for code, _ in found(with_value(document, (*SCALE, "x"), scale))]
    assert ("dimension-out-of-range" in codes) is wrong


def test_corners_for_bounds_of_the_room_are_a_dialect_and_their_order_counts() -> None:
    bounds: Keys = ("scene", "room", "bounds")
    assert after(bounds, {"min": [0, 0, 0], "max": [4, 3, 4]}) == [
        ("dialect-room-bounds-minmax", "$.scene.room.bounds")
    ]
    wrong = after(bounds, {"min": [0, 3, 0], "max": [4, 3, 4]})
    assert wrong[1:] == [("bounds-inverted", "$.scene.room.bounds.min[1]")]
    assert ("field-unknown", "$.scene.room.bounds.min") in after(bounds, {"min": [0, 0], "max": [4, 3, 4]})


def test_a_manifest_of_nothing_but_the_room_is_an_error() -> None:
    room = [entry for entry in WHOLE["objects"] if entry["id"] == "scene_background"]
    assert ("manifest-only-background", "$.objects") in found(WHOLE | {"objects": room})
    shell = [room[0] | {"sim_role": "scene_shell"}]
    assert ("manifest-only-background", "$.objects") in found(WHOLE | {"objects": shell})
    assert "manifest-only-background" not in [code for code, _ in found(WHOLE | {"objects": []})]


def test_what_is_wrong_twice_in_one_place_is_told_once() -> None:
    assert after((*POSITION, "x"), "far") == [("field-wrong-type", "$.objects[0].transform.position.x")]
    assert after(("scene", "meters_per_unit"), -1) == [("field-bad-value", "$.scene.meters_per_unit")]


def test_a_number_that_is_not_finite_is_told_where_it_stands_and_nowhere_else() -> None:
    data = dump(WHOLE).replace(b'"mass_kg": 2.0', b'"mass_kg": Infinity', 1)
    view = view_of({MANIFEST: data})
    check_manifest(view, MANIFEST)
    assert told(view) == [("document-not-finite", "$.objects[0].physics.mass_kg")]


@pytest.mark.parametrize("document", [[], 7, "text", None, True])
def test_a_manifest_that_is_no_object_is_one_finding(document: object) -> None:
    assert found(document) == [("document-wrong-type", "$")]
