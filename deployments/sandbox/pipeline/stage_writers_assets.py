"""The stages around a scene's assets: objects and scale (the older line), interactive, simready with its conversion."""

from __future__ import annotations

from typing import Any

from deployments.sandbox.pipeline.formats import box_usdz
from deployments.sandbox.pipeline.stage_writers_base import (
    LAYOUT,
    SceneFolder,
    StageFailed,
    asset_path,
    gate_report,
    read_manifest,
    workflow_marker,
)
from deployments.sandbox.pipeline.stage_writers_regen3d import mesh_size

RAW_LAYOUT = "layout/scene_layout.json"

SIMREADY = """#usda 1.0
(
    defaultPrim = "Asset"
    metersPerUnit = 1
    kilogramsPerUnit = 1
    upAxis = "Y"
)

def Xform "Asset" (
    prepend apiSchemas = ["PhysicsRigidBodyAPI", "PhysicsMassAPI"]
)
{{
    bool physics:rigidBodyEnabled = {moves}
    float physics:mass = {mass:.6f}

    def Xform "Visual" (
        prepend references = @./asset.usdz@
    )
    {{
    }}

    def Scope "Looks"
    {{
        def Material "PhysicsMaterial" (
            prepend apiSchemas = ["PhysicsMaterialAPI"]
        )
        {{
            float physics:staticFriction = {static:.4f}
            float physics:dynamicFriction = {dynamic:.4f}
            float physics:restitution = {restitution:.4f}
        }}
    }}

    def Cube "Collider" (
        prepend apiSchemas = ["PhysicsCollisionAPI", "MaterialBindingAPI"]
    )
    {{
        rel material:binding:physics = </Asset/Looks/PhysicsMaterial>
        uniform token purpose = "guide"
        double size = 1
        float3 xformOp:scale = ({width:.6f}, {height:.6f}, {depth:.6f})
        uniform token[] xformOpOrder = ["xformOp:scale"]
    }}
}}
"""


def objects(folder: SceneFolder) -> None:
    """Rewrite the raw layout with the objects that were detected."""
    layout = folder.read_object(RAW_LAYOUT)
    ids = sorted({path.split("/")[2] for path in folder.paths("regen3d/objects/")})
    layout["objects"] = layout.get("objects") or [{"id": oid, "class_name": "object"} for oid in ids]
    if not layout["objects"]:
        raise StageFailed(f"404 No such object: {folder.bucket}/{folder.prefix}seg/dataset/")
    folder.write_json(RAW_LAYOUT, layout)


def objects_finish(folder: SceneFolder) -> None:
    """The workflow's marker, which it writes even when the job failed."""
    workflow_marker(folder, "objects_complete")


def scale(folder: SceneFolder) -> None:
    """Make the layout metric. The workflow around this job raises before it writes markers of its own."""
    layout = folder.read_object(RAW_LAYOUT)
    scaling = {"factor": 1.0, "n_samples": 0, "priors_used": [], "reference_samples": 0, "source": "none"}
    folder.write_json(LAYOUT, layout | {"scale": scaling | {"up_axis": "y"}})
    folder.write(folder.marker("scale_done"), "ok\n")


def interactive(folder: SceneFolder) -> None:
    """One URDF with its mesh for each articulated object, the results, then `.interactive_complete`."""
    manifest = read_manifest(folder)
    articulated = [entry for entry in manifest["objects"] if entry.get("sim_role", "").startswith("articulated")]
    results = [_articulate(folder, entry) for entry in articulated]
    summary = {
        "total_objects": len(manifest["objects"]),
        "ok_count": len(results),
        "articulated_count": len(results),
        "error_count": 0,
        "fallback_count": 0,
        "skipped_count": len(manifest["objects"]) - len(results),
        "mode": "glb",
        "backend": "particulate",
    }
    folder.write_json(
        "assets/interactive/interactive_results.json",
        {"scene_id": folder.scene_id, "timestamp": folder.now, "summary": summary, "results": results},
    )
    marker = {"scene_id": folder.scene_id, "status": "success", "success": True, "timestamp": folder.now}
    folder.write_json(
        folder.marker("interactive_complete"), marker | {"summary": summary, "errors": [], "warnings": []}
    )


def _articulate(folder: SceneFolder, entry: dict[str, Any]) -> dict[str, Any]:
    base, oid = f"assets/interactive/obj_{entry['id']}/", entry["id"]
    mesh = folder.read(asset_path(folder, entry))
    mesh_size(folder, asset_path(folder, entry), mesh)
    folder.write(f"{base}{oid}.glb", mesh)
    folder.write(
        f"{base}{oid}.urdf",
        f'<?xml version="1.0"?>\n<robot name="{oid}">\n  <link name="base"/>\n  <link name="part"/>\n'
        '  <joint name="joint" type="revolute">\n    <parent link="base"/>\n    <child link="part"/>\n'
        '    <axis xyz="0 1 0"/>\n    <limit lower="0" upper="1.57" effort="10" velocity="1"/>\n  </joint>\n</robot>\n',
    )
    result = {"object_id": oid, "status": "ok", "backend": "particulate", "joint_count": 1}
    folder.write_json(f"{base}interactive_manifest.json", result | {"urdf": f"{oid}.urdf", "mesh": f"{oid}.glb"})
    return result


def interactive_finish(folder: SceneFolder) -> None:
    """The workflow overwrites the job's marker."""
    workflow_marker(folder, "interactive_complete", backend="particulate")


def convert(folder: SceneFolder) -> None:
    """Conversion only (`CONVERT_ONLY=true`): one `asset.usdz` for each mesh, a box as large as the mesh."""
    for entry in read_manifest(folder)["objects"]:
        path = asset_path(folder, entry)
        mesh, sides = folder.read(path), entry.get("dimensions_est") or {}
        size = (
            mesh_size(folder, path, mesh)
            if path.endswith(".glb")
            else (float(sides["width"]), float(sides["height"]), float(sides["depth"]))
        )
        folder.write(f"{folder.assets_of(entry['id'])}asset.usdz", box_usdz(size))


def simready(folder: SceneFolder) -> None:
    """One physics wrapper for each converted mesh, then `.simready_complete`."""
    manifest = read_manifest(folder)
    written = {}
    for entry in manifest["objects"]:
        base = folder.assets_of(entry["id"])
        if not folder.exists(f"{base}asset.usdz"):
            raise StageFailed(f"404 No such object: {folder.bucket}/{folder.prefix}{base}asset.usdz")
        folder.write(f"{base}simready.usda", _wrapper(entry))
        written[entry["id"]] = f"{folder.prefix}{base}simready.usda"
    gate_report(folder, "simready-job", "qg-2-physics", "simready_complete", f"{len(written)} assets, 0 warnings")
    marker = {"status": "complete", "simready_assets": written, "count": len(written), "note": "deterministic physics"}
    folder.write_json(folder.marker("simready_complete"), marker)


def _wrapper(entry: dict[str, Any]) -> str:
    physics, size = entry.get("physics") or {}, entry.get("dimensions_est") or {}
    return SIMREADY.format(
        moves=int(bool(physics.get("dynamic"))),
        mass=float(physics.get("mass_kg") or 1.0),
        static=float(physics.get("friction_static") or 0.5),
        dynamic=float(physics.get("friction_dynamic") or 0.4),
        restitution=float(physics.get("restitution") or 0.1),
        **{side: float(size.get(side) or 1.0) for side in ("width", "height", "depth")},
    )
