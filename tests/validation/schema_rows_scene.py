"""The forms of manifest, layout and inventory, field by field: the last value that is right and the first that is not.

The readers that decide: the pipeline's manifest schema, and what its jobs ask of the values beyond it.
"""

from __future__ import annotations

import json
from typing import Any

from tests.validation.quick import GONE, Keys
from tests.validation.scene_builder import INVENTORY, LAYOUT, MANIFEST, healthy

SCENE = healthy("regen3d")
MUG: Keys = ("objects", 0)
MANIFEST_, VALUES, LAYOUT_, INVENTORY_ = "scene_manifest", "scene_manifest_values", "layout", "inventory"
DOCUMENTS: dict[str, Any] = {
    MANIFEST_: json.loads(SCENE[MANIFEST]),
    VALUES: json.loads(SCENE[MANIFEST]),
    LAYOUT_: json.loads(SCENE[LAYOUT]),
    INVENTORY_: json.loads(SCENE[INVENTORY]),
}
ROLES = ("static", "interactive", "manipulable_object", "articulated_furniture", "articulated_appliance", "clutter",
         "background", "scene_shell", "unknown")  # fmt: skip
POSITION, SCALE = (*MUG, "transform", "position"), (*MUG, "transform", "scale")
RIGHT: list[tuple[str, Keys, object]] = [
    *((MANIFEST_, (*MUG, "sim_role"), role) for role in ROLES),
    (MANIFEST_, ("version",), "10.20.30"),
    (MANIFEST_, ("scene", "coordinate_frame"), "z_up"),
    (MANIFEST_, ("scene", "meters_per_unit"), 0.01),
    (MANIFEST_, ("scene", "room"), GONE),
    (MANIFEST_, ("background",), {"mesh": "anything"}),
    (MANIFEST_, (*MUG, "physics"), {"anything": 1}),
    (MANIFEST_, (*MUG, "semantics"), {"class": "mug", "own": True}),
    (MANIFEST_, (*MUG, "asset", "variants"), {"red": "a.glb"}),
    (MANIFEST_, (*MUG, "description"), "Küche 杯"),
    (MANIFEST_, (*MUG, "transform", "rotation_euler"), {"roll": 0, "pitch": 0, "yaw": 3.2}),
    (VALUES, ("scene_id",), "x" * 128),
    (VALUES, (*MUG, "id"), "A-b_9"),
    (VALUES, (*POSITION, "x"), 9.9e9),
    (VALUES, (*SCALE, "x"), 1e-9),
    (VALUES, (*MUG, "dimensions_est", "width"), 100),
    (VALUES, (*MUG, "description"), "x" * 1024),
    (VALUES, (*MUG, "physics", "mass_kg"), 1e9),
    (VALUES, (*MUG, "physics", "friction_static"), 10),
    (VALUES, (*MUG, "physics", "friction_dynamic"), 0),
    (VALUES, (*MUG, "physics", "restitution"), 1),
    (VALUES, ("scene", "physics_defaults", "time_steps_per_second"), 1000),
    (VALUES, ("scene", "physics_defaults", "gravity", "y"), -1000),
    (VALUES, ("metadata", "scale_factor"), 0.05),
    (VALUES, ("metadata", "scale_factor"), 20),
    (VALUES, (*MUG, "asset", "candidates"), [{"asset_path": "a", "score": 1}]),
    (LAYOUT_, (*MUG, "id"), 7),
    (LAYOUT_, (*MUG, "center3d", 0), -1e10),
    (LAYOUT_, (*MUG, "obb", "extents", 0), 1000),
    (LAYOUT_, (*MUG, "obb"), GONE),
    (LAYOUT_, (*MUG, "center3d"), GONE),
    (LAYOUT_, (*MUG, "approx_location"), None),
    (LAYOUT_, ("scale_factor",), 20),
    (LAYOUT_, ("scale_factor",), 0.05),
    (LAYOUT_, ("camera_trajectory",), []),
    (INVENTORY_, (*MUG, "id"), 7),
    (INVENTORY_, (*MUG, "category"), None),
    (INVENTORY_, ("total_objects",), GONE),
    (INVENTORY_, (*MUG, "sim_role"), GONE),
    (INVENTORY_, (*MUG, "is_floor_contact"), None),
]
WRONG: list[tuple[str, Keys, object, str]] = [
    *((MANIFEST_, keys, GONE, "field-missing") for keys in (
        ("version",), ("scene_id",), ("scene",), ("objects",), ("scene", "coordinate_frame"), ("scene", "meters_per_unit"),
        (*MUG, "id"), (*MUG, "sim_role"), (*MUG, "asset"), (*MUG, "transform"), (*MUG, "asset", "path"), POSITION, SCALE,
        (*POSITION, "y"), (*SCALE, "z"))),
    *((MANIFEST_, (*keys, "own"), 1, "field-unknown") for keys in (
        (), ("scene",), ("scene", "room"), ("scene", "room", "bounds"), ("scene", "physics_defaults"), ("assets",), MUG,
        (*MUG, "transform"), POSITION, (*MUG, "dimensions_est"), (*MUG, "asset"))),
    *((MANIFEST_, ("version",), version, "field-bad-value") for version in ("1", "1.0", "v1.0.0", "1.0.0-rc1", "1.0.x")),
    *((MANIFEST_, (*MUG, key), None, "field-wrong-type") for key in ("name", "category", "description", "placement_region")),
    (MANIFEST_, (*MUG, "id"), 5, "field-wrong-type"),
    (MANIFEST_, (*MUG, "sim_role"), "Static", "field-bad-value"),
    (MANIFEST_, (*MUG, "asset", "path"), "", "field-bad-value"),
    (MANIFEST_, (*MUG, "must_be_separate_asset"), "yes", "field-wrong-type"),
    (MANIFEST_, (*MUG, "relationships"), {}, "field-wrong-type"),
    (MANIFEST_, (*POSITION, "x"), "0.3", "field-wrong-type"),
    (MANIFEST_, (*POSITION, "x"), True, "field-wrong-type"),
    (MANIFEST_, ("scene", "meters_per_unit"), -1, "field-bad-value"),
    (MANIFEST_, ("scene", "coordinate_frame"), "Z_UP", "field-bad-value"),
    (VALUES, ("scene_id",), "x" * 129, "id-bad-characters"),
    (VALUES, ("scene_id",), "a b", "id-bad-characters"),
    *((VALUES, (*MUG, "id"), bad, "id-bad-characters") for bad in ("", " ", "a/b", "..", "küche", "a.b", "mug\n")),
    *((VALUES, (*POSITION, axis), far, "position-absurd") for axis in "xyz" for far in (1e10, -1e10)),
    *((VALUES, (*SCALE, axis), size, "scale-not-positive") for axis in "xyz" for size in (0, -1e-9)),
    *((VALUES, (*MUG, "dimensions_est", side), size, "dimension-out-of-range")
      for side in ("width", "depth", "height") for size in (0, -1, 100.001)),
    *((VALUES, (*MUG, "dimensions_est", side), GONE, "field-missing") for side in ("width", "depth", "height")),
    *((VALUES, (*MUG, "physics", key), value, "physics-out-of-range") for key, value in (
        ("mass_kg", 0), ("mass_kg", 1.1e9), ("friction_static", -0.1), ("friction_static", 10.1), ("friction_dynamic", 11),
        ("restitution", 1.01), ("restitution", -0.01), ("mass_kg_range", [1]), ("center_of_mass_offset", [0, 0, 101]))),
    (VALUES, (*MUG, "physics", "mass_kg"), "2", "field-wrong-type"),
    (VALUES, (*MUG, "physics", "dynamic"), "yes", "field-wrong-type"),
    (VALUES, (*MUG, "description"), "x" * 1025, "field-bad-value"),
    (VALUES, (*MUG, "transform", "rotation_quaternion", "w"), GONE, "field-missing"),
    (VALUES, ("scene", "meters_per_unit"), 0, "meters-per-unit-out-of-range"),
    (VALUES, ("scene", "room", "bounds", "width"), 0, "field-bad-value"),
    (VALUES, ("scene", "physics_defaults", "time_steps_per_second"), 0, "field-bad-value"),
    (VALUES, ("scene", "physics_defaults", "time_steps_per_second"), 1001, "field-bad-value"),
    (VALUES, ("scene", "physics_defaults", "gravity", "y"), -1001, "physics-out-of-range"),
    (VALUES, ("metadata", "scale_factor"), 0.049, "scale-factor-out-of-range"),
    (VALUES, ("metadata", "scale_factor"), 20.1, "scale-factor-out-of-range"),
    (VALUES, ("objects",), [], "objects-empty"),
    (VALUES, (*MUG, "asset", "candidates"), [{"score": 1.1}], "field-bad-value"),
    (LAYOUT_, ("objects",), GONE, "field-missing"),
    (LAYOUT_, ("objects",), [], "objects-empty"),
    (LAYOUT_, (*MUG, "id"), GONE, "field-missing"),
    (LAYOUT_, (*MUG, "id"), "", "field-bad-value"),
    (LAYOUT_, (*MUG, "center3d"), [0, 0], "layout-center-malformed"),
    (LAYOUT_, (*MUG, "center3d", 0), 1.1e10, "layout-center-malformed"),
    (LAYOUT_, (*MUG, "obb", "center"), [0, 0, 0, 0], "layout-center-malformed"),
    (LAYOUT_, (*MUG, "obb", "extents"), [1, 1], "layout-extents-malformed"),
    (LAYOUT_, (*MUG, "obb", "extents", 2), 0, "layout-extents-out-of-range"),
    (LAYOUT_, (*MUG, "obb", "extents", 2), 1000.1, "layout-extents-out-of-range"),
    (LAYOUT_, (*MUG, "obb", "extents"), GONE, "field-missing"),
    (LAYOUT_, (*MUG, "obb", "R"), [[1, 0, 0], [0, 1, 0]], "layout-rotation-malformed"),
    (LAYOUT_, (*MUG, "obb", "R", 0), [1, 0], "layout-rotation-malformed"),
    (LAYOUT_, (*MUG, "bounds", "min"), [0, 0], "bounds-malformed"),
    (LAYOUT_, ("scale_factor",), 0.04, "scale-factor-out-of-range"),
    (LAYOUT_, ("scale_factor",), 20.1, "scale-factor-out-of-range"),
    (INVENTORY_, ("objects",), GONE, "field-missing"),
    (INVENTORY_, ("objects",), [], "objects-empty"),
    (INVENTORY_, ("total_objects",), -1, "field-bad-value"),
    (INVENTORY_, ("total_objects",), 1.5, "field-wrong-type"),
    (INVENTORY_, (*MUG, "id"), GONE, "field-missing"),
    (INVENTORY_, (*MUG, "sim_role"), "mug", "field-bad-value"),
    (INVENTORY_, (*MUG, "bounds"), {"min": [0, 0], "max": [1, 1, 1]}, "bounds-malformed"),
]  # fmt: skip
