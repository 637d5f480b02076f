"""A small healthy scene as bytes, made without the sandbox, and a source that reads it from memory."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.catalogue_load import load_catalogue
from tasks.validation.findings import Finding, SceneReport
from tasks.validation.scene import validate_scene
from tasks.validation.scene_under_test import Depth
from tasks.validation.source import SceneFile, Vanished

Scene = dict[str, bytes]
Change = Callable[[Scene], None]

SCENE_ID = "kitchen_7"
JOB_ID = "local-1234"
IMPORT = f"episodes/geniesim_{JOB_ID}"
MANIFEST, LAYOUT, INVENTORY = "assets/scene_manifest.json", "layout/scene_layout_scaled.json", "seg/inventory.json"
START = datetime(2026, 1, 18, 9, 0, tzinfo=UTC)
SIZES = {"mug_0": (0.1, 0.12, 0.1), "table_0": (1.2, 0.7, 0.8), "scene_background": (4.0, 3.0, 4.0)}
PLACES = {"mug_0": (0.3, 0.76, 0.1), "table_0": (0.3, 0.35, 0.1), "scene_background": (0.0, 1.5, 0.0)}


@dataclass
class MemorySource:
    """A scene in memory. `updated` stands for the bucket's own times."""

    data: Scene
    scene_id: str = SCENE_ID
    where: str = "memory"
    updated: dict[str, datetime] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    vanished: set[str] = field(default_factory=set)

    def files(self) -> dict[str, SceneFile]:
        """Every object."""
        return {path: SceneFile(path, len(data), self.updated.get(path)) for path, data in self.data.items()}

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of one object."""
        self.reads.append(path)
        if path in self.vanished:
            raise Vanished(f"{path} was replaced")
        return self.data[path][start:end]


def report_of(scene: Scene, depth: Depth = "full", **source: Any) -> SceneReport:
    """Validate a scene in memory."""
    return validate_scene(MemorySource(scene, **source), load_catalogue(), depth)


def errors_of(scene: Scene, depth: Depth = "full") -> list[Finding]:
    """What is wrong with a scene in memory."""
    return [finding for finding in report_of(scene, depth).findings if finding.severity == "error"]


def stamp(minutes: float) -> str:
    """The time a number of minutes after the scene was begun."""
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def dump(value: object) -> bytes:
    """JSON as the pipeline writes it."""
    return json.dumps(value, indent=2).encode()


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def glb(text: bytes = b'{"asset":{"version":"2.0"}}') -> bytes:
    """The smallest glTF binary file with this JSON."""
    body = text.ljust(-(-len(text) // 4) * 4)
    return struct.pack("<4sII", b"glTF", 2, 20 + len(body)) + struct.pack("<I4s", len(body), b"JSON") + body


def usdz(compressed: bool = False) -> bytes:
    """A package with one layer."""
    out = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", kind) as package:
        package.writestr(
            "model.usda", '#usda 1.0\n(\n    defaultPrim = "Root"\n    metersPerUnit = 1\n)\n\ndef Xform "Root"\n{\n}\n'
        )
    return out.getvalue()


def healthy(upto: str = "import") -> Scene:
    """A scene of two objects and a room as the cloud line makes it, up to `regen3d`, `usd`, `export` or `import`."""
    from tests.validation.scene_bundles import make_export, make_import

    scene: Scene = {}
    parts = {"regen3d": _regen3d, "usd": _usd, "export": make_export, "import": make_import}
    for name, part in parts.items():
        part(scene)
        if name == upto:
            break
    return scene


def _regen3d(scene: Scene) -> None:
    info = {"scene_id": SCENE_ID, "image_size": [64, 48], "coordinate_frame": "y_up", "meters_per_unit": 1.0,
            "confidence": 0.9, "version": "1.0", "environment_type": "kitchen", "reconstruction_method": "3d-re-gen",
            "generated_at": stamp(0)}  # fmt: skip
    scene["regen3d/scene_info.json"] = dump(info)
    for name in SIZES:
        folder = "regen3d/background" if name == "scene_background" else f"regen3d/objects/{name}"
        scene |= {f"{folder}/{file}": data for file, data in _reconstruction(name).items()}
        if name != "scene_background":
            scene[f"assets/obj_{name}/metadata.json"] = dump({"id": name, "category": None})
        scene[f"assets/obj_{name}/asset.glb"] = glb()
    scene[MANIFEST] = dump(_manifest())
    scene[LAYOUT] = dump(_layout())
    scene[INVENTORY] = dump(_inventory())
    marker = {"status": "complete", "scene_id": SCENE_ID, "objects_count": 2, "has_background": True,
              "scale_factor": 1.0, "environment_type": "kitchen", "completed_at": stamp(1)}  # fmt: skip
    scene["assets/.regen3d_complete"] = dump(marker)
    put_gate(scene, "regen3d-job")


def corners(name: str) -> tuple[list[float], list[float]]:
    """The lower and upper corner of an object's box."""
    pairs = list(zip(PLACES[name], SIZES[name], strict=True))
    return [c - s / 2 for c, s in pairs], [c + s / 2 for c, s in pairs]


def _reconstruction(name: str) -> dict[str, bytes]:
    x, y, z = PLACES[name]
    low, high = corners(name)
    pose = {"transform_matrix": [[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, z], [0, 0, 0, 1]], "translation": [x, y, z],
            "rotation_quaternion": [1.0, 0, 0, 0], "scale": [1.0, 1, 1], "confidence": 0.9,
            "is_floor_contact": True}  # fmt: skip
    bounds = {"min": low, "max": high, "center": [x, y, z], "size": list(SIZES[name])}
    return {"mesh.glb": glb(), "pose.json": dump(pose), "bounds.json": dump(bounds)}


def _manifest() -> dict[str, Any]:
    scene = {"coordinate_frame": "y_up", "meters_per_unit": 1.0, "environment_type": "kitchen",
             "room": {"bounds": {"width": 4.0, "depth": 4.0, "height": 3.0}, "origin": [0.0, 0.0, 0.0]},
             "physics_defaults": {"gravity": {"x": 0.0, "y": -9.81, "z": 0.0}, "solver": "TGS",
                                  "time_steps_per_second": 60}}  # fmt: skip
    return {"version": "1.0.0", "scene_id": SCENE_ID, "scene": scene, "objects": [_object(name) for name in SIZES],
            "assets": {"asset_root": f"scenes/{SCENE_ID}/assets", "packs": []},
            "metadata": {"scale_factor": 1.0}}  # fmt: skip


def _object(name: str) -> dict[str, Any]:
    width, height, depth = SIZES[name]
    return {
        "id": name,
        "sim_role": "background" if name == "scene_background" else "static",
        "transform": {
            "position": dict(zip("xyz", PLACES[name], strict=True)),
            "scale": {"x": 1.0, "y": 1.0, "z": 1.0},
            "rotation_quaternion": {"w": 1.0, "x": 0.0, "y": 0.0, "z": 0.0},
        },
        "dimensions_est": {"width": width, "height": height, "depth": depth},
        "asset": {"path": f"assets/obj_{name}/asset.glb", "format": "glb", "source": "3d-re-gen"},
        "physics": {"dynamic": False, "mass_kg": 2.0, "friction_static": 0.5, "restitution": 0.1},
        "relationships": [],
    }


def _layout() -> dict[str, Any]:
    objects = []
    for name, size in SIZES.items():
        low, high = corners(name)
        box = {"center": list(PLACES[name]), "extents": [side / 2 for side in size],
               "R": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]}  # fmt: skip
        objects.append({"id": name, "class_name": "object", "center3d": list(PLACES[name]), "obb": box,
                        "bounds": {"min": low, "max": high}})  # fmt: skip
    return {"scene_id": SCENE_ID, "objects": objects, "room_box": {"min": [-2.0, 0.0, -2.0], "max": [2.0, 3.0, 2.0]},
            "scale_factor": 1.0, "meters_per_unit": 1.0, "coordinate_frame": "y_up"}  # fmt: skip


def _inventory() -> dict[str, Any]:
    objects = [{"id": name, "category": "object", "sim_role": "static"} for name in SIZES if name != "scene_background"]
    return {"scene_id": SCENE_ID, "environment_type": "kitchen", "total_objects": len(objects), "objects": objects}


def put_marker(scene: Scene, path: str, minutes: float, **more: object) -> None:
    """A completion marker as workflows and the local runner write it."""
    scene[path] = dump({"scene_id": SCENE_ID, "status": "completed", "timestamp": stamp(minutes), **more})


def put_gate(scene: Scene, job: str) -> None:
    """The report of a job whose one gate passed."""
    result = {"gate_id": "qg-1", "passed": True, "severity": "error"}
    summary = {"total_gates": 1, "passed": 1, "failed": 0, "blocking_failures": 0, "can_proceed": True}
    report = {"scene_id": SCENE_ID, "timestamp": stamp(0), "summary": summary, "results": [result]}
    scene[f"{job}/quality_gate_report.json"] = dump(report)


def _usd(scene: Scene) -> None:
    wrapped = {}
    for name in SIZES:
        scene[f"assets/obj_{name}/asset.usdz"] = usdz()
        wrapper = f"assets/obj_{name}/simready.usda"
        scene[wrapper] = b"""#usda 1.0
(
    defaultPrim = "Asset"
    metersPerUnit = 1
)

def Xform "Asset" (
    prepend references = @./asset.usdz@
)
{
    float physics:mass = 2.0
}
"""
        wrapped[name] = f"scenes/{SCENE_ID}/{wrapper}"
    scene["assets/.simready_complete"] = dump({"status": "complete", "simready_assets": wrapped, "count": len(wrapped)})
    prims = "".join(
        f'    def Xform "obj_{name}" (\n        prepend references = @../assets/obj_{name}/simready.usda@\n    )\n'
        "    {\n    }\n"
        for name in SIZES
    )
    head = '#usda 1.0\n(\n    defaultPrim = "World"\n    metersPerUnit = 1\n    upAxis = "Y"\n)\n\n'
    scene["usd/scene.usda"] = f'{head}def Xform "World"\n{{\n{prims}}}\n'.encode()
    scene["usd/usd_assembly_manifest.json"] = dump({"scene_id": SCENE_ID, "status": "ok", "completed_at": stamp(3)})
    put_marker(scene, "assets/.usd_assembly_complete", 3)
    put_gate(scene, "usd-assembly-job")
