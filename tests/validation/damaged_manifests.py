"""Damages to the values of a scene manifest."""

from __future__ import annotations

from tests.validation.scene_builder import MANIFEST
from tests.validation.scene_changes import Case, drop, put

MUG = ("objects", 0)
MANIFESTS: list[Case] = [
    (f"{'.'.join(map(str, keys))} {what}", put(MANIFEST, keys, value), code, MANIFEST, place)
    for keys, what, value, code, place in [
        (("version",), "number", 1, "field-wrong-type", "$.version"),
        (("version",), "short", "1.0", "field-bad-value", "$.version"),
        (("scene_id",), "empty", "", "id-bad-characters", "$.scene_id"),
        (("scene", "coordinate_frame"), "upper", "Y_UP", "field-bad-value", "$.scene.coordinate_frame"),
        (("scene", "meters_per_unit"), "zero", 0, "meters-per-unit-out-of-range", "$.scene.meters_per_unit"),
        (("scene", "meters_per_unit"), "negative", -1, "field-bad-value", "$.scene.meters_per_unit"),
        (("scene", "meters_per_unit"), "hundred", 100.0, "meters-per-unit-mismatch", "$.scene.meters_per_unit"),
        (("scene", "room", "bounds"), "list", [1, 2, 3], "field-wrong-type", "$.scene.room.bounds"),
        (("scene", "room", "bounds", "width"), "huge", 400.0, "room-mismatch", "$.scene.room.bounds"),
        (("scene", "physics_defaults", "time_steps_per_second"), "zero", 0, "field-bad-value",
         "$.scene.physics_defaults.time_steps_per_second"),
        (("objects",), "empty", [], "objects-empty", "$.objects"),
        (("objects",), "object", {}, "field-wrong-type", "$.objects"),
        (("objects", 1), "null", None, "field-wrong-type", "$.objects[1]"),
        ((*MUG, "id"), "number", 5, "field-wrong-type", "$.objects[0].id"),
        ((*MUG, "id"), "characters", "mug 0/../x", "id-bad-characters", "$.objects[0].id"),
        ((*MUG, "id"), "twice", "table_0", "id-duplicate", "$.objects[1].id"),
        ((*MUG, "sim_role"), "unknown", "furniture", "field-bad-value", "$.objects[0].sim_role"),
        ((*MUG, "name"), "null", None, "field-wrong-type", "$.objects[0].name"),
        ((*MUG, "colour"), "unknown", "red", "field-unknown", "$.objects[0].colour"),
        ((*MUG, "transform", "position", "x"), "text", "0.3", "field-wrong-type", "$.objects[0].transform.position.x"),
        ((*MUG, "transform", "position", "x"), "far", 5000.0, "position-mismatch", "$.objects[0].transform.position.x"),
        ((*MUG, "transform", "position", "x"), "absurd", 1e12, "position-absurd", "$.objects[0].transform.position.x"),
        ((*MUG, "transform", "scale", "y"), "zero", 0, "scale-not-positive", "$.objects[0].transform.scale.y"),
        ((*MUG, "transform", "scale", "y"), "negative", -1, "scale-not-positive", "$.objects[0].transform.scale.y"),
        ((*MUG, "transform", "scale", "y"), "huge", 1e6, "dimension-out-of-range", "$.objects[0].transform.scale.y"),
        ((*MUG, "transform", "rotation_quaternion", "w"), "half", 0.5, "quaternion-not-unit",
         "$.objects[0].transform.rotation_quaternion"),
        ((*MUG, "transform", "rotation_quaternion", "w"), "zero", 0.0, "quaternion-not-unit",
         "$.objects[0].transform.rotation_quaternion"),
        ((*MUG, "dimensions_est", "width"), "zero", 0, "dimension-out-of-range", "$.objects[0].dimensions_est.width"),
        ((*MUG, "dimensions_est", "width"), "negative", -1, "dimension-out-of-range",
         "$.objects[0].dimensions_est.width"),
        ((*MUG, "dimensions_est", "width"), "huge", 101, "dimension-out-of-range", "$.objects[0].dimensions_est.width"),
        ((*MUG, "physics", "mass_kg"), "zero", 0, "physics-out-of-range", "$.objects[0].physics.mass_kg"),
        ((*MUG, "physics", "mass_kg"), "text", "heavy", "field-wrong-type", "$.objects[0].physics.mass_kg"),
        ((*MUG, "physics", "restitution"), "two", 2, "physics-out-of-range", "$.objects[0].physics.restitution"),
        ((*MUG, "physics", "mass_kg_range"), "down", [3.0, 1.0], "physics-out-of-range",
         "$.objects[0].physics.mass_kg_range"),
        ((*MUG, "asset", "path"), "absolute", "/mnt/gcs/scenes/x/asset.glb", "path-is-absolute",
         "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "drive", "C:\\a.glb", "path-is-absolute", "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "address", "gs://other/asset.glb", "path-is-uri", "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "case", "assets/obj_mug_0/Asset.glb", "path-wrong-case", "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "nothing", "assets/obj_mug_0/nope.glb", "path-dangling", "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "escape", "../../etc/passwd", "path-leaves-scene", "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "other scene", "scenes/office_1/assets/obj_mug_0/asset.glb", "path-of-other-scene",
         "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "other object", "assets/obj_table_0/asset.glb", "asset-of-other-object",
         "$.objects[0].asset.path"),
        ((*MUG, "asset", "path"), "empty", "", "field-bad-value", "$.objects[0].asset.path"),
        ((*MUG, "asset", "candidates"), "score", [{"asset_path": "x", "score": 2}], "field-bad-value",
         "$.objects[0].asset.candidates[0].score"),
        ((*MUG, "relationships"), "unknown", [{"type": "on", "subject_id": "mug_0", "object_id": "sofa"}],
         "reference-unknown-object", "$.objects[0].relationships[0].object_id"),
        ((*MUG, "articulation"), "limits", {"limits": {"lower": 2.0, "upper": 1.0}}, "articulation-limits-inverted",
         "$.objects[0].articulation.limits"),
        ((*MUG, "articulation"), "needed", {"required": True}, "interactive-incomplete",
         "$.objects[0].articulation.required"),
        ((*MUG, "description"), "long", "x" * 1025, "field-bad-value", "$.objects[0].description"),
        (("metadata", "scale_factor"), "other", 2.0, "scale-factor-mismatch", "$.metadata.scale_factor"),
        (("assets", "asset_root"), "other", "scenes/office_1/assets", "path-of-other-scene", "$.assets.asset_root"),
    ]
]  # fmt: skip

MISSING: list[Case] = [
    (f"{'.'.join(map(str, keys))} missing", drop(MANIFEST, keys), "field-missing", MANIFEST, place)
    for keys, place in [
        (("version",), "$.version"), (("scene",), "$.scene"), (("scene_id",), "$.scene_id"),
        (("objects",), "$.objects"), (("scene", "meters_per_unit"), "$.scene.meters_per_unit"),
        ((*MUG, "transform"), "$.objects[0].transform"), ((*MUG, "asset"), "$.objects[0].asset"),
        ((*MUG, "transform", "scale"), "$.objects[0].transform.scale"), ((*MUG, "sim_role"), "$.objects[0].sim_role"),
        ((*MUG, "transform", "position", "z"), "$.objects[0].transform.position.z"),
    ]
]  # fmt: skip
