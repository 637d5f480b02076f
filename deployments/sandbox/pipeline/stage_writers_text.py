"""Scenes from text, as the pipeline makes them by June 2026: the request, Stage 1, and the adapter behind it."""

from __future__ import annotations

from typing import Any

from blocks.trial_mesh import Size
from deployments.sandbox.pipeline.stage_writers_base import LAYOUT, MANIFEST, SceneFolder, StageFailed, workflow_marker

REQUEST, PACKAGE = "prompts/scene_request.json", "textgen/package.json"
ROOM: Size = (8.0, 3.0, 8.0)
MODEL = """#usda 1.0
(
    defaultPrim = "Root"
    metersPerUnit = 1
    upAxis = "Y"
)

def Xform "Root"
{{
    def Cube "Box"
    {{
        double size = 1
        float3 xformOp:scale = ({:g}, {:g}, {:g})
        uniform token[] xformOpOrder = ["xformOp:scale"]
    }}
}}
"""


def write_request(folder: SceneFolder, kind: str, furniture: list[tuple[str, Size, bool]]) -> None:
    """The request that a scene from text begins with, and what Stage 1 is to place (kept for the stage itself)."""
    request = {"schema_version": "v1", "scene_id": folder.scene_id, "source_mode": "text", "text_backend": "scenesmith"}
    options = {"prompt": f"A {kind}", "quality_tier": "standard", "seed_count": 1, "provider_policy": "default"}
    wanted = [{"category": name, "size": list(size), "on_floor": on_floor} for name, size, on_floor in furniture]
    folder.write_json(REQUEST, request | options | {"environment_type": kind, "wanted": wanted})


def text(folder: SceneFolder) -> None:
    """Stage 1: where each thing is put."""
    request = folder.read_object(REQUEST)
    placed = []
    for index, entry in enumerate(request["wanted"]):
        height = entry["size"][1]
        position = [(index % 4) * 1.6 - 2.4, height / 2 + (0.0 if entry["on_floor"] else 0.9), (index // 4) * 1.6 - 2.4]
        placed.append({"id": f"obj_{index + 1:03d}", **entry, "position": [round(part, 4) for part in position]})
    about = {"schema_version": "v1", "scene_id": folder.scene_id, "generated_at": folder.now}
    folder.write_json("textgen/request.normalized.json", {**request, "scene_id": folder.scene_id})
    folder.write_json("textgen/placement_graph.json", about | {"relations": []})
    folder.write_json(PACKAGE, about | {"environment_type": request["environment_type"], "objects": placed})
    workflow_marker(folder, "textgen_complete")


def adapter(folder: SceneFolder) -> None:
    """The adapter: models, manifest, layout and inventory in the forms of that time, then `.stage1_complete`."""
    package = folder.read_object(PACKAGE)
    placed: list[dict[str, Any]] = package["objects"]
    if not placed:
        raise StageFailed("text adapter failed: the package places nothing")
    for entry in placed:
        folder.write(f"{folder.assets_of(entry['id'])}model.usd", MODEL.format(*entry["size"]))
        folder.write_json(
            f"{folder.assets_of(entry['id'])}metadata.json", {"id": entry["id"], "category": entry["category"]}
        )
    folder.write_json(MANIFEST, _manifest(folder, package["environment_type"], placed))
    layout = [{"id": entry["id"], "center3d": entry["position"]} for entry in placed]
    if len(placed) % 2:  # the form of the fixture generator
        layout = [{"id": entry["id"], "position": entry["position"], "size": entry["size"]} for entry in placed]
    folder.write_json(LAYOUT, {"scene_id": folder.scene_id, "objects": layout})
    inventory = [{"id": entry["id"], "category": entry["category"]} for entry in placed]
    folder.write_json("seg/inventory.json", {"scene_id": folder.scene_id, "objects": inventory})
    folder.write_json(
        folder.marker("regen3d_complete"),
        {"scene_id": folder.scene_id, "status": "completed", "marker_type": "stage1", "timestamp": folder.now},
    )


def _manifest(folder: SceneFolder, kind: str, placed: list[dict[str, Any]]) -> dict[str, Any]:
    room = {"bounds": dict(zip(("width", "height", "depth"), ROOM, strict=True)), "origin": [0.0, 0.0, 0.0]}
    scene = {"coordinate_frame": "y_up", "meters_per_unit": 1.0, "environment_type": kind, "room": room}
    return {
        "version": "1.0.0",
        "scene_id": folder.scene_id,
        "scene": scene,
        "objects": [_object(folder, number, entry) for number, entry in enumerate(placed)],
        "assets": {"asset_root": f"{folder.prefix}assets", "packs": []},
        "metadata": {"source_pipeline": "text"},
    }


def _object(folder: SceneFolder, number: int, entry: dict[str, Any]) -> dict[str, Any]:
    width, height, depth = entry["size"]
    soft, held = "deformable_object" if number % 3 == 0 else "static", not entry["on_floor"]
    return {
        "id": entry["id"],
        "sim_role": "manipulable_object" if held else soft,
        "name": entry["category"],
        "category": entry["category"],
        "description": f"{entry['category']} from text",
        "transform": {
            "position": dict(zip("xyz", entry["position"], strict=True)),
            "scale": dict.fromkeys("xyz", 1.0),
            "rotation_quaternion": {"w": 1.0, "x": 0.0, "y": 0.0, "z": 0.0},
        },
        "asset": {"path": f"{folder.assets_of(entry['id'])}model.usd", "format": "usd", "source": "text"},
        "dimensions_est": {"width": width, "height": height, "depth": depth},
        "dimensions_source": "text",
        "placement_stage": 1,
        "semantics": {"class": entry["category"], "affordances": [], "tags": []},
        "physics": {"dynamic": held, "mass_kg": 2.0, "friction_static": 0.5, "friction_dynamic": 0.4},
        "relationships": [],
    }
