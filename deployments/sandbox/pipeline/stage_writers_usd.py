"""The stages that work on the assembled stage: usd, replicator, isaac-lab."""

from __future__ import annotations

import json
from typing import Any

from deployments.sandbox.pipeline.stage_writers_base import LAYOUT, SceneFolder, StageFailed, gate_report, read_manifest

POLICIES = {
    "kitchen": ("dish_loading", "table_clearing"),
    "office": ("desk_tidying", "pick_place"),
    "warehouse": ("pallet_loading", "pick_place"),
}
"""Policies that the replicator bundle holds, by environment; the first one is Isaac Lab's task."""

HEADER = """#usda 1.0
(
    defaultPrim = "{prim}"
    metersPerUnit = {meters:g}
    upAxis = "{up}"
)

"""
STAGE_PHYSICS = """    def PhysicsScene "PhysicsScene"
    {{
        vector3f physics:gravityDirection = {down}
        float physics:gravityMagnitude = 9.81
    }}

"""
STAGE_OBJECT = """        def Xform "obj_{prim}" (
            prepend references = @../{folder}simready.usda@
        )
        {{
            custom string sim_role = "{role}"
            double3 xformOp:translate = ({position})
            quatd xformOp:orient = ({rotation})
            double3 xformOp:scale = ({scale})
            uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:orient", "xformOp:scale"]
        }}

"""


def policies_of(environment: str) -> tuple[str, ...]:
    """The policies of an environment type."""
    return POLICIES.get(environment, ("pick_place",))


def environment_of(manifest: dict[str, Any]) -> str:
    """`environment_type` of a manifest."""
    return str((manifest.get("scene") or {}).get("environment_type") or "unknown")


def prim_name(object_id: str) -> str:
    """An object id as part of a USD prim name, which may not hold a hyphen."""
    return object_id.replace("-", "_")


def usd(folder: SceneFolder) -> None:
    """Assemble `usd/scene.usda` from the manifest, the metric layout and the physics wrappers."""
    manifest = read_manifest(folder)
    layout = folder.read_object(LAYOUT)
    centers = {
        entry["id"]: entry["center3d"]
        for entry in layout.get("objects") or []
        if isinstance(entry, dict) and {"id", "center3d"} <= entry.keys()
    }
    missing = [e["id"] for e in manifest["objects"] if not folder.exists(f"{folder.assets_of(e['id'])}simready.usda")]
    if missing:
        raise StageFailed(
            f"USD validation failed: {len(missing)} broken references, first: obj_{missing[0]}/simready.usda"
        )
    folder.write("usd/scene.usda", _stage(folder, manifest, centers))
    count = len(manifest["objects"])
    gate_report(
        folder, "usd-assembly-job", "qg-3-usd", "usd_assembled", f"USD validation: {count} references, 0 issues"
    )
    record = {
        "scene_id": folder.scene_id,
        "assets_prefix": f"{folder.prefix}assets",
        "layout_prefix": f"{folder.prefix}layout",
        "usd_prefix": f"{folder.prefix}usd",
        "convert_only": False,
        "status": "completed",
        "completed_at": folder.now,
        "metrics_summary": {"backend": "in_memory", "stats": {}},
    }
    folder.write_json("usd/usd_assembly_manifest.json", record)


def _stage(folder: SceneFolder, manifest: dict[str, Any], centers: dict[str, list[float]]) -> str:
    scene = manifest.get("scene") or {}
    z_up = scene.get("coordinate_frame") == "z_up"
    parts = [
        HEADER.format(prim="World", meters=float(scene.get("meters_per_unit") or 1.0), up="Z" if z_up else "Y"),
        'def Xform "World"\n{\n',
        STAGE_PHYSICS.format(down="(0, 0, -1)" if z_up else "(0, -1, 0)"),
        '    def Scope "Objects"\n    {\n',
    ]
    parts += [_placed(folder, entry, centers.get(entry["id"])) for entry in manifest["objects"]]
    return "".join([*parts, "    }\n}\n"])


def _placed(folder: SceneFolder, entry: dict[str, Any], center: list[float] | None) -> str:
    transform = entry["transform"]
    position = center or [transform["position"][axis] for axis in "xyz"]
    rotation = transform.get("rotation_quaternion") or {"w": 1, "x": 0, "y": 0, "z": 0}
    scale = transform.get("scale") or {"x": 1, "y": 1, "z": 1}
    return STAGE_OBJECT.format(
        folder=folder.assets_of(entry["id"]),
        prim=prim_name(entry["id"]),
        role=entry.get("sim_role", "unknown"),
        position=", ".join(str(part) for part in position),
        rotation=", ".join(str(rotation[axis]) for axis in "wxyz"),
        scale=", ".join(str(scale[axis]) for axis in "xyz"),
    )


def replicator(folder: SceneFolder) -> None:
    """The domain-randomisation bundle: placement regions, master script, policies with configs, wanted variations."""
    manifest = read_manifest(folder)
    folder.read("usd/scene.usda")
    inventory = folder.read_object("seg/inventory.json")
    environment, now = environment_of(manifest), folder.now
    surfaces = [e for e in inventory.get("objects") or [] if e.get("is_floor_contact")]
    folder.write("replicator/placement_regions.usda", _regions(surfaces))
    folder.write(
        "replicator/replicator_master.py", _script("Runs every policy of this bundle.", "POLICIES", environment)
    )
    for policy in policies_of(environment):
        folder.write(f"replicator/policies/{policy}.py", _script(f"Randomises a scene for {policy}.", "POLICY", policy))
        folder.write_json(f"replicator/configs/{policy}.json", {"policy_id": policy, "num_frames": 100, "seed": 0})
    bundle = {"scene_id": folder.scene_id, "environment_type": environment, "generated_at": now}
    folder.write_json(
        "replicator/variation_assets/manifest.json",
        {"scene_id": folder.scene_id, "assets": _wanted(manifest), "generated_at": now},
    )
    folder.write_json("replicator/bundle_metadata.json", bundle | {"policies": list(policies_of(environment))})
    folder.write("replicator/README.md", f"# Replicator bundle of {folder.scene_id}\n\nRun `replicator_master.py`.\n")


def _wanted(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The first three objects that a policy may want to see in other shapes."""
    return [
        {
            "name": f"{entry['id']}_variation",
            "category": entry.get("category") or "object",
            "description": f"Variation of {entry['id']}",
            "priority": "recommended",
            "source_hint": "generate",
        }
        for entry in manifest["objects"]
        if entry.get("sim_role") != "background"
    ][:3]


def _regions(surfaces: list[dict[str, Any]]) -> str:
    parts = [HEADER.format(prim="PlacementRegions", meters=1.0, up="Y"), 'def Xform "PlacementRegions"\n{\n']
    for entry in surfaces:
        center, size = entry["bounds"]["center"], entry["bounds"]["size"]
        top = (center[0], center[1] + size[1] / 2, center[2])
        parts.append(
            f'    def Cube "on_{prim_name(entry["id"])}"\n    {{\n        double size = 1\n'
            f"        double3 xformOp:translate = {top}\n"
            f"        float3 xformOp:scale = ({size[0]}, 0.01, {size[2]})\n"
            '        uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:scale"]\n    }\n'
        )
    return "".join([*parts, "}\n"])


def _script(purpose: str, name: str, value: str) -> str:
    return (
        f'"""{purpose}"""\n\n{name} = {json.dumps(value)}\n\n\ndef run(frames: int = 100) -> int:\n    return frames\n'
    )


def isaac_lab(folder: SceneFolder) -> None:
    """The Isaac Lab task package (valid Python), then `.isaac_lab_complete`."""
    manifest = read_manifest(folder)
    folder.read("usd/scene.usda")
    environment = environment_of(manifest)
    policy = policies_of(environment)[0]
    task, now = f"{environment}_{policy}", folder.now
    files = {
        "env_cfg.py": f'"""Environment of {task}."""\n\nSCENE_USD = "../usd/scene.usda"\nNUM_ENVS = 1024\n',
        f"task_{policy}.py": f'"""Task {task}."""\n\nTASK_NAME = "{task}"\nEPISODE_LENGTH = 500\n',
        "reward_functions.py": '"""Rewards."""\n\n\ndef total(reached: float, jerk: float) -> float:\n'
        "    return reached - 0.01 * jerk\n",
        "randomizations.py": '"""Randomisation on reset."""\n\nON_RESET: list[str] = []\n',
        "__init__.py": f'"""Isaac Lab package of {task}."""\n',
        "train_cfg.yaml": f'task_name: "{task}"\ndevice: "cuda:0"\nnum_envs: 1024\nmax_iterations: 1500\n',
    }
    for name, text in files.items():
        folder.write(f"isaac_lab/{name}", text)
    about = {"scene_id": folder.scene_id, "task_name": task, "policy_id": policy, "robot_type": "franka"}
    folder.write_json("isaac_lab/generation_metadata.json", about | {"files": list(files), "generated_at": now})
    marker = {"status": "complete", "task_name": task, "policy_id": policy, "completed_at": now}
    folder.write_json(
        folder.marker("isaac_lab_complete"), marker | {"runtime_validated": True, "validation_errors": []}
    )
