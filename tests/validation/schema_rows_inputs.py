"""The forms of the 3D reconstruction, field by field: the last value that is right and the first that is not.

The reader that decides: the pipeline's adapter, by fixtures/contracts/regen3d_*.schema.json.
"""

from __future__ import annotations

import json
from typing import Any

from tests.validation.quick import GONE, Keys
from tests.validation.scene_builder import healthy

SCENE = healthy("regen3d")
ROWS = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
DOCUMENTS: dict[str, Any] = {
    "scene_info": json.loads(SCENE["regen3d/scene_info.json"]),
    "pose": json.loads(SCENE["regen3d/objects/mug_0/pose.json"]),
    "bounds": json.loads(SCENE["regen3d/objects/mug_0/bounds.json"]),
    "material": {"base_color": [0.7, 0.7, 0.7], "metallic": 0.0, "roughness": 0.5, "material_type": "wood"},
    "intrinsics": {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "width": 64, "height": 48},
    "extrinsics": {"matrix": ROWS},
    "metadata": {"id": "mug_0", "category": None, "reconstruction_confidence": 0.9,
                 "mesh_bounds": {"export": {"min": [0, 0, 0], "max": [1, 1, 1]}}, "material": {"metallic": 0.5}},
}  # fmt: skip
RIGHT: list[tuple[str, Keys, object]] = [
    ("scene_info", ("image_size",), [1, 1]),
    ("scene_info", ("confidence",), 0),
    ("scene_info", ("confidence",), 1),
    ("scene_info", ("coordinate_frame",), "z_up"),
    ("scene_info", ("meters_per_unit",), 1e-9),
    ("scene_info", ("environment_type",), "warehouse"),
    ("scene_info", ("note",), "of a tool"),
    ("pose", ("translation", 0), 1e10),
    ("pose", ("translation", 0), -1e10),
    ("pose", ("scale", 0), 1e-9),
    ("pose", ("confidence",), 1),
    ("pose", ("is_floor_contact",), GONE),
    ("bounds", ("size", 0), 0),
    ("bounds", ("min", 0), -5),
    ("material", ("base_color", 0), 3.5),
    ("material", ("metallic",), 1),
    ("material", ("roughness",), 0),
    ("intrinsics", ("width",), 1),
    ("intrinsics", ("height",), 1.0),
    ("extrinsics", ("matrix", 0, 3), -2.5),
    ("metadata", ("category",), "mug"),
    ("metadata", ("mesh_bounds", "export", "size"), [0, 0, 0]),
    ("metadata", ("reconstruction_confidence",), 0),
    ("metadata", ("mesh_bounds",), GONE),
]
WRONG: list[tuple[str, Keys, object, str]] = [
    *(("scene_info", (key,), GONE, "field-missing") for key in (
        "scene_id", "image_size", "coordinate_frame", "meters_per_unit", "confidence", "version", "environment_type",
        "reconstruction_method", "generated_at")),
    ("scene_info", ("image_size",), [64], "field-bad-value"),
    ("scene_info", ("image_size",), [64, 48, 3], "field-bad-value"),
    ("scene_info", ("image_size", 0), 0, "field-bad-value"),
    ("scene_info", ("image_size", 0), 1.5, "field-wrong-type"),
    ("scene_info", ("coordinate_frame",), "Y_UP", "coordinate-frame-unknown"),
    ("scene_info", ("meters_per_unit",), 0, "meters-per-unit-out-of-range"),
    ("scene_info", ("meters_per_unit",), "1", "field-wrong-type"),
    ("scene_info", ("confidence",), 1.01, "field-bad-value"),
    ("scene_info", ("confidence",), -0.01, "field-bad-value"),
    ("scene_info", ("environment_type",), "bathroom", "environment-unknown"),
    ("scene_info", ("version",), 1, "field-wrong-type"),
    *(("pose", (key,), GONE, "field-missing") for key in (
        "transform_matrix", "translation", "rotation_quaternion", "scale", "confidence")),
    ("pose", ("translation", 0), 1.1e10, "position-absurd"),
    ("pose", ("translation", 2), -1.1e10, "position-absurd"),
    ("pose", ("translation",), [0, 0], "field-bad-value"),
    ("pose", ("translation",), [0, 0, 0, 0], "field-bad-value"),
    ("pose", ("scale", 1), 0, "scale-not-positive"),
    ("pose", ("scale", 1), -1, "scale-not-positive"),
    ("pose", ("rotation_quaternion",), [1, 0, 0], "field-bad-value"),
    ("pose", ("transform_matrix",), ROWS[:3], "field-bad-value"),
    ("pose", ("transform_matrix", 0), [1, 0, 0], "field-bad-value"),
    ("pose", ("transform_matrix", 0, 0), None, "field-wrong-type"),
    ("pose", ("confidence",), 2, "field-bad-value"),
    ("pose", ("is_floor_contact",), 1, "field-wrong-type"),
    *(("bounds", (key,), GONE, "field-missing") for key in ("min", "max", "center", "size")),
    ("bounds", ("size", 0), -0.1, "field-bad-value"),
    ("bounds", ("min",), [0, 0], "field-bad-value"),
    ("bounds", ("max", 0), "1", "field-wrong-type"),
    ("bounds", ("center",), {"x": 0}, "field-wrong-type"),
    *(("material", (key,), GONE, "field-missing") for key in ("base_color", "metallic", "roughness", "material_type")),
    ("material", ("base_color",), [1, 1], "field-bad-value"),
    ("material", ("base_color",), [1, 1, 1, 1], "field-bad-value"),
    ("material", ("base_color", 0), -0.1, "field-bad-value"),
    ("material", ("metallic",), 1.1, "field-bad-value"),
    ("material", ("roughness",), -0.1, "field-bad-value"),
    ("material", ("material_type",), None, "field-wrong-type"),
    *(("intrinsics", (key,), GONE, "field-missing") for key in ("matrix", "width", "height")),
    ("intrinsics", ("width",), 0, "field-bad-value"),
    ("intrinsics", ("height",), 0.5, "field-wrong-type"),
    ("intrinsics", ("matrix",), ROWS, "field-bad-value"),
    ("intrinsics", ("matrix", 0), [1, 0], "field-bad-value"),
    ("extrinsics", ("matrix",), GONE, "field-missing"),
    ("extrinsics", ("matrix",), ROWS[:3], "field-bad-value"),
    ("extrinsics", ("matrix", 1, 1), "1", "field-wrong-type"),
    ("metadata", ("id",), GONE, "field-missing"),
    ("metadata", ("id",), "", "field-bad-value"),
    ("metadata", ("id",), 7, "field-wrong-type"),
    ("metadata", ("category",), 7, "field-wrong-type"),
    ("metadata", ("mesh_bounds", "export", "min"), GONE, "field-missing"),
    ("metadata", ("mesh_bounds", "export", "max"), [1, 1], "field-bad-value"),
    ("metadata", ("reconstruction_confidence",), 1.5, "field-bad-value"),
    ("metadata", ("material", "metallic"), 2, "field-bad-value"),
]  # fmt: skip
