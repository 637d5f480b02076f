"""What is asked of layout and inventory, by themselves and against the manifest, on both sides of each bound."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.validation.documents.agreement import check_agreement
from tasks.validation.documents.layout import check_box, check_inventory, check_layout
from tasks.validation.documents.manifest import check_manifest
from tests.validation.quick import GONE, Keys, told, view_of, with_value
from tests.validation.scene_builder import INVENTORY, LAYOUT, MANIFEST, dump, healthy

SCENE = healthy("regen3d")
WHOLE: dict[str, Any] = json.loads(SCENE[LAYOUT])
MUG: Keys = ("objects", 0)
BOX, EXTENTS = (*MUG, "obb"), (*MUG, "obb", "extents")


def alone(document: Any) -> list[tuple[str, str]]:
    """What the check of the layout alone says."""
    view = view_of({LAYOUT: dump(document)})
    check_layout(view, LAYOUT)
    return told(view)


def together(layout: Any = WHOLE, manifest: Any = None, inventory: Any = None) -> list[tuple[str, str]]:
    """What the comparison of the three documents says, after each was looked at by itself."""
    scene = {LAYOUT: dump(layout), MANIFEST: dump(manifest) if manifest else SCENE[MANIFEST],
             INVENTORY: dump(inventory) if inventory else SCENE[INVENTORY]}  # fmt: skip
    view = view_of(scene)
    parts = check_manifest(view, MANIFEST), check_layout(view, LAYOUT), check_inventory(view, INVENTORY)
    before = len(view.findings.kept)
    check_agreement(view, *parts)
    return told(view)[before:]


def test_the_whole_documents_agree() -> None:
    assert alone(WHOLE) == together() == []


def moved(by: float) -> Any:
    """The layout with the mug's centre and box moved together."""
    center = [0.3 + by, 0.76, 0.1]
    return with_value(with_value(WHOLE, (*MUG, "center3d"), center), (*BOX, "center"), center)


@pytest.mark.parametrize(("by", "code"), [
    (0.0, None), (0.009, None), (0.02, "position-off-center"), (0.12, "position-off-center"), (0.16, "position-mismatch"),
    (-0.16, "position-mismatch"),
])  # fmt: skip
def test_a_mesh_may_have_its_origin_anywhere_in_its_box(by: float, code: str | None) -> None:
    told_of = [(one, place) for one, place in together(moved(by))]
    assert told_of == ([(code, "$.objects[0].transform.position.x")] if code else [])


@pytest.mark.parametrize(("factor", "code"), [
    (1.0, None), (1.09, None), (0.92, None), (1.15, "size-differs"), (0.8, "size-differs"), (4.9, "size-differs"),
    (5.1, "size-mismatch"), (0.19, "size-mismatch"),
])  # fmt: skip
def test_a_size_may_differ_a_little(factor: float, code: str | None) -> None:
    sizes = [part * factor for part in (0.05, 0.06, 0.05)]
    assert together(with_value(WHOLE, EXTENTS, sizes)) == ([(code, "$.objects[0].obb.extents")] if code else [])


@pytest.mark.parametrize(
    ("width", "code"), [(4.3, None), (4.5, "size-differs"), (8.1, "room-mismatch"), (1.4, "room-mismatch")]
)
def test_the_room_has_one_size(width: float, code: str | None) -> None:
    manifest = with_value(json.loads(SCENE[MANIFEST]), ("scene", "room", "bounds", "width"), width)
    assert together(manifest=manifest) == ([(code, "$.scene.room.bounds")] if code else [])


@pytest.mark.parametrize(("key", "value", "code"), [
    ("meters_per_unit", 1.0000001, None), ("meters_per_unit", 1.001, "meters-per-unit-mismatch"),
    ("scale_factor", 2.0, "scale-factor-mismatch"), ("coordinate_frame", "z_up", "coordinate-frame-mismatch"),
])  # fmt: skip
def test_units_scale_and_frame_are_the_manifests(key: str, value: object, code: str | None) -> None:
    assert [one for one, _ in together(with_value(WHOLE, (key,), value))] == ([code] if code else [])


def test_ids_are_the_manifests_in_both_documents() -> None:
    assert ("id-not-in-manifest", "$.objects[0].id") in together(with_value(WHOLE, (*MUG, "id"), "cup"))
    assert ("object-not-listed", "$.objects") in together(with_value(WHOLE, (*MUG, "id"), "cup"))
    inventory = json.loads(SCENE[INVENTORY])
    assert together(inventory=with_value(inventory, ("objects", 0), GONE)) == [("object-not-listed", "$.objects")]
    shell = inventory | {"objects": [*inventory["objects"], {"id": "scene_background"}], "total_objects": 3}
    assert together(inventory=shell) == []


@pytest.mark.parametrize(("x", "code"), [(2.3, None), (3.0, "position-beside-room"), (70.0, "position-outside-room")])
def test_an_object_stands_in_its_room(x: float, code: str | None) -> None:
    manifest = with_value(json.loads(SCENE[MANIFEST]), (*MUG, "transform", "position", "x"), x)
    codes = [one for one, _ in together(moved(x - 0.3), manifest)]
    assert [one for one in codes if one.startswith("position")] == ([code] if code else [])


@pytest.mark.parametrize(
    ("center", "wrong"), [([0.3, 0.76, 0.1], False), ([0.4, 0.8, 0.1], False), ([2.3, 0.76, 0.1], True)]
)
def test_the_inventory_puts_an_object_where_the_manifest_does(center: list[float], wrong: bool) -> None:
    inventory = json.loads(SCENE[INVENTORY])
    box = {"min": [0, 0, 0], "max": [1, 1, 1], "center": center, "size": [0.1, 0.1, 0.1]}
    found = together(inventory=with_value(inventory, (*MUG, "bounds"), box))
    assert found == ([("inventory-place-differs", "$.objects[0].bounds.center")] if wrong else [])


TURNED = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
ALONE: list[tuple[Keys, object, str | None, str]] = [
    ((*BOX, "R"), TURNED, None, ""),
    ((*BOX, "R"), [[1.0004, 0, 0], [0, 1, 0], [0, 0, 1]], None, ""),
    ((*BOX, "R"), [[1.002, 0, 0], [0, 1, 0], [0, 0, 1]], "rotation-not-orthonormal", "$.objects[0].obb.R"),
    ((*BOX, "R"), [[0, 1, 0], [1, 0, 0], [0, 0, 1]], "rotation-not-orthonormal", "$.objects[0].obb.R"),
    ((*BOX, "R"), [[0, 0, 0], [0, 0, 0], [0, 0, 0]], "rotation-not-orthonormal", "$.objects[0].obb.R"),
    ((*BOX, "R"), GONE, None, ""),
    ((*MUG, "center3d"), [0.305, 0.76, 0.1], None, ""),
    ((*MUG, "center3d"), [0.32, 0.76, 0.1], "layout-center-disagrees", "$.objects[0].center3d"),
    ((*MUG, "bounds", "min", 0), 0.24, None, ""),
    ((*MUG, "bounds", "min", 0), 0.2, "bounds-disagree", "$.objects[0].bounds.min[0]"),
    ((*MUG, "bounds", "min", 0), -1.2, "bounds-mismatch", "$.objects[0].bounds.min[0]"),
    ((*MUG, "bounds", "max", 2), 0.2, "bounds-disagree", "$.objects[0].bounds.max[2]"),
    ((*MUG, "id"), 7, "dialect-number-id", "$.objects[0].id"),
    ((*MUG, "id"), "table_0", "id-duplicate", "$.objects[1].id"),
    (BOX, GONE, "layout-place-missing", "$.objects[0]"),
    ((*MUG, "center3d"), GONE, None, ""),
    (("scale_factor",), GONE, "field-missing", "$.scale_factor"),
    *(((name,), GONE, "field-missing", f"$.{name}") for name in ("scene_id", "meters_per_unit", "coordinate_frame")),
    (("room_planes",), {"floor": {"normal": [0, 1, 0]}, "walls": [{"normal": [1, 0, 0]}]}, None, ""),
    (("room_planes",), {"floor": {"normal": [0, 1.005, 0]}}, None, ""),
    (("room_planes",), {"floor": {"normal": [0, 2, 0]}}, "room-plane-malformed", "$.room_planes.floor.normal"),
    (("room_planes",), {"ceiling": {"normal": [0, 0, 0]}}, "room-plane-malformed", "$.room_planes.ceiling.normal"),
    (("room_planes",), {"walls": [{"normal": [1, 0, 0]}, {"normal": [1, 1, 0]}]}, "room-plane-malformed",
     "$.room_planes.walls[1].normal"),
    (("room_box", "max", 1), 0.0, "bounds-inverted", "$.room_box.min[1]"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "value", "code", "place"), ALONE, ids=lambda part: str(part)[:40])
def test_the_layout_alone(keys: Keys, value: object, code: str | None, place: str) -> None:
    assert alone(with_value(WHOLE, keys, value)) == ([(code, place)] if code else [])


def test_the_scale_jobs_form_needs_none_of_the_adapters_fields() -> None:
    scaled = {"objects": WHOLE["objects"], "scale": {"factor": 0.5}}
    view = view_of({LAYOUT: dump(scaled)})
    layout = check_layout(view, LAYOUT)
    assert told(view) == []
    assert layout.scale_factor == 0.5
    assert view.stage_of(LAYOUT) == "scale"


BOUNDS: list[tuple[object, list[str]]] = [
    ({"min": [0, 0, 0], "max": [2, 2, 2]}, []),
    ({"min": [0, 0, 0], "max": [2, 2, 2], "center": [1, 1, 1], "size": [2, 2, 2]}, []),
    ({"min": [0, 0, 0], "max": [2, 2, 2], "center": [1.0005, 1, 1]}, []),
    ({"min": [0, 0, 0], "max": [2, 2, 2], "center": [1.5, 1, 1]}, ["bounds-disagree"]),
    ({"min": [0, 0, 0], "max": [2, 2, 2], "center": [2.5, 1, 1]}, ["bounds-mismatch"]),
    ({"min": [0, 0, 0], "max": [2, 2, 2], "size": [2, 2, 3]}, ["bounds-mismatch"]),
    ({"min": [0, 0, 0], "max": [0, 2, 2]}, ["bounds-inverted"]),
    ({"min": [0, 3, 0], "max": [2, 2, 2], "size": [9, 9, 9]}, ["bounds-inverted"]),
    ({"min": [0, 0], "max": [2, 2, 2]}, []),
    (None, []),
    ([], []),
]


@pytest.mark.parametrize(("box", "codes"), BOUNDS, ids=lambda part: str(part)[:60])
def test_a_box_agrees_with_its_corners(box: object, codes: list[str]) -> None:
    view = view_of({})
    check_box(view, LAYOUT, "a box", ("b",), box)
    assert [code for code, _ in told(view)] == codes
