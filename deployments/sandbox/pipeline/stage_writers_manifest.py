"""The documents that the regen3d adapter writes: manifest, metric layout, inventory, metadata of an object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from deployments.sandbox.pipeline.stage_writers_base import BACKGROUND, SceneFolder

GRASPABLE_METERS = 0.6
Box = dict[str, list[float]]
"""`min` and `max`, three coordinates each."""


@dataclass
class Reconstructed:
    """One object of the 3D reconstruction."""

    id: str
    mesh: bytes
    pose: dict[str, Any]
    bounds: dict[str, Any]
    material: dict[str, Any]

    @property
    def category(self) -> str:
        """The id without its number."""
        return re.sub(r"[_-]?\d+$", "", self.id) or "object"

    @property
    def on_floor(self) -> bool:
        """Whether it stands on the floor."""
        return bool(self.pose.get("is_floor_contact", True))

    @property
    def role(self) -> str:
        """`sim_role` in the manifest: small things that stand on others can be manipulated."""
        if self.id == BACKGROUND:
            return "background"
        return "manipulable_object" if not self.on_floor and max(self.bounds["size"]) < GRASPABLE_METERS else "static"

    @property
    def path(self) -> str:
        """Where the adapter puts its mesh."""
        return f"assets/obj_{self.id}/asset.glb"


def metadata_of(item: Reconstructed) -> dict[str, Any]:
    """`assets/obj_<id>/metadata.json`."""
    return {
        "id": item.id,
        "category": item.category,
        "mesh_bounds": {"export": item.bounds},
        "source": "3d-re-gen",
        "reconstruction_confidence": item.pose.get("confidence", 1.0),
        "is_floor_contact": item.on_floor,
        "material": item.material,
    }


def room_of(bounds: list[dict[str, Any]]) -> Box:
    """The box around everything."""
    return {
        "min": [float(min(b["min"][axis] for b in bounds)) for axis in range(3)],
        "max": [float(max(b["max"][axis] for b in bounds)) for axis in range(3)],
    }


def manifest_of(folder: SceneFolder, info: dict[str, Any], items: list[Reconstructed], room: Box) -> dict[str, Any]:
    """`assets/scene_manifest.json`."""
    low, high = room["min"], room["max"]
    extent = [high[axis] - low[axis] for axis in range(3)]
    scene = {
        "coordinate_frame": info.get("coordinate_frame", "y_up"),
        "meters_per_unit": info.get("meters_per_unit", 1.0),
        "environment_type": info.get("environment_type", "unknown"),
        "room": {
            "bounds": {"width": extent[0], "depth": extent[2], "height": extent[1]},
            "origin": [(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2],
        },
        "physics_defaults": {"gravity": {"x": 0.0, "y": -9.81, "z": 0.0}, "solver": "TGS", "time_steps_per_second": 60},
    }
    return {
        "version": "1.0.0",
        "scene_id": folder.scene_id,
        "scene": scene,
        "objects": [_manifest_object(item) for item in items],
        "assets": {"asset_root": f"{folder.prefix}assets", "packs": []},
        "metadata": {
            "source_pipeline": "3d-re-gen",
            "regen3d_version": info.get("version", "1.0"),
            "reconstruction_confidence": info.get("confidence", 0.0),
            "scale_factor": 1.0,
        },
    }


def _manifest_object(item: Reconstructed) -> dict[str, Any]:
    width, height, depth = (float(side) for side in item.bounds["size"])
    mass = min(max(width * height * depth * 250.0, 0.05), 400.0)
    return {
        "id": item.id,
        "sim_role": item.role,
        "name": item.id,
        "category": item.category,
        "description": f"{item.category} reconstructed from the source image",
        "transform": {
            "position": dict(zip("xyz", item.pose["translation"], strict=True)),
            "scale": dict(zip("xyz", item.pose["scale"], strict=True)),
            "rotation_quaternion": dict(zip("wxyz", item.pose["rotation_quaternion"], strict=True)),
        },
        "asset": {"path": item.path, "format": "glb", "source": "3d-re-gen"},
        "dimensions_est": {"width": width, "height": height, "depth": depth},
        "semantics": {"class": item.category, "affordances": [], "tags": []},
        "physics": {
            "dynamic": item.role == "manipulable_object",
            "mass_kg": mass,
            "friction_static": 0.5,
            "friction_dynamic": 0.4,
            "restitution": 0.1,
        },
        "physics_hints": {
            "is_floor_contact": item.on_floor,
            "material_type": item.material.get("material_type", "generic"),
        },
        "articulation": {},
        "relationships": [],
        "variation_candidate": item.role == "manipulable_object",
    }


def layout_of(folder: SceneFolder, info: dict[str, Any], items: list[Reconstructed], room: Box) -> dict[str, Any]:
    """`layout/scene_layout_scaled.json` in the adapter's form."""
    return {
        "scene_id": folder.scene_id,
        "objects": [_layout_object(item) for item in items],
        "room_box": room,
        "room_planes": _planes(room),
        "camera_trajectory": _cameras(folder, info),
        "scale_factor": 1.0,
        "meters_per_unit": info.get("meters_per_unit", 1.0),
        "coordinate_frame": info.get("coordinate_frame", "y_up"),
        "metadata": {"source": "3d-re-gen", "scaled": False},
    }


def _layout_object(item: Reconstructed) -> dict[str, Any]:
    center = item.bounds["center"]
    return {
        "id": item.id,
        "class_name": item.category,
        "center3d": center,
        "obb": {
            "center": center,
            "extents": [side / 2 for side in item.bounds["size"]],
            "R": _rotation(item.pose["rotation_quaternion"]),
        },
        "bounds": {"min": item.bounds["min"], "max": item.bounds["max"]},
        "approx_location": "middle center",
        "is_floor_contact": item.on_floor,
    }


def _rotation(quaternion: list[float]) -> list[list[float]]:
    w, x, y, z = (float(part) for part in quaternion)
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]


def _planes(room: Box) -> dict[str, Any]:
    def plane(normal: list[int], offset: float) -> dict[str, Any]:
        return {"equation": [*normal, offset], "normal": normal}

    (x0, y0, z0), (x1, y1, z1) = room["min"], room["max"]
    walls = [plane([1, 0, 0], -x0), plane([-1, 0, 0], x1), plane([0, 0, 1], -z0), plane([0, 0, -1], z1)]
    return {"floor": plane([0, 1, 0], -y0), "ceiling": plane([0, -1, 0], y1), "walls": walls}


def _cameras(folder: SceneFolder, info: dict[str, Any]) -> list[dict[str, Any]]:
    if not (folder.exists("regen3d/camera/intrinsics.json") and folder.exists("regen3d/camera/extrinsics.json")):
        return []
    intrinsics = folder.read_object("regen3d/camera/intrinsics.json")
    extrinsics = folder.read_object("regen3d/camera/extrinsics.json")
    camera = {"id": 0, "intrinsics": intrinsics.get("matrix"), "extrinsics": extrinsics.get("matrix")}
    return [camera | {"image_size": info.get("image_size", [1920, 1080])}]


def inventory_of(folder: SceneFolder, info: dict[str, Any], items: list[Reconstructed]) -> dict[str, Any]:
    """`seg/inventory.json`."""
    objects = [
        {
            "id": item.id,
            "category": item.category,
            "short_description": f"{item.category} {item.id}",
            "sim_role": item.role,
            "bounds": item.bounds,
            "is_floor_contact": item.on_floor,
            "material_type": item.material.get("material_type", "generic"),
        }
        for item in items
    ]
    return {
        "scene_id": folder.scene_id,
        "environment_type": info.get("environment_type", "unknown"),
        "total_objects": len(objects),
        "objects": objects,
        "metadata": {"source": "regen3d_adapter", "generated_at": folder.now},
    }
