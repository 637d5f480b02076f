"""The stages before the simulation: variation assets and the Genie Sim export."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from blocks.trial_mesh import json_bytes
from deployments.sandbox.pipeline.formats import canonical_sha256, png, sha256
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, StageFailed, gate_report, read_manifest
from deployments.sandbox.pipeline.stage_writers_usd import environment_of

EXPORT_JSON = ("scene_graph.json", "asset_index.json", "task_config.json")
"""The three files that the simulation reads."""
OWN_ENTRY = "export_manifest.json"


def variation(folder: SceneFolder) -> None:
    """What the replicator bundle wants varied, with reference pictures; nothing at all when it wants nothing."""
    wanted = folder.read_object("replicator/variation_assets/manifest.json").get("assets") or []
    if not wanted:
        return
    names = sorted({asset["name"]: asset for asset in wanted}.items())
    objects = [
        {
            "id": name,
            "name": name,
            "category": asset.get("category") or "object",
            "short_description": asset.get("description") or name,
            "sim_role": "manipulable_object",
            "must_be_separate_asset": True,
            "preferred_view": f"variation_assets/{name}/reference.png",
            "semantic_class": asset.get("category") or "object",
            "asset": {"license": "CC0", "commercial_ok": True},
        }
        for name, asset in names
    ]
    for index, (name, _) in enumerate(names):
        folder.write(f"variation_assets/{name}/reference.png", png(90 + 40 * (index % 4), 120, 160))
    about = {"scene_id": folder.scene_id, "generated_at": folder.now}
    count = {"total_objects": len(objects), "generation_type": "variation_assets"}
    document = about | {"source": "variation-gen-job", "objects": objects, "metadata": count}
    results = [asset | {"status": "generated"} for _, asset in names]
    report = {"requested": len(names), "generated": len(names), "failed": 0, "errors": []}
    folder.write_json("variation_assets/variation_assets.json", document)
    folder.write_json("variation_assets/manifest_with_results.json", about | {"assets": results})
    folder.write_json("variation_assets/generation_report.json", about | report)
    folder.write(folder.marker("variation_complete"), f"Completed at {folder.now}\n")


def export(folder: SceneFolder) -> None:
    """The Genie Sim bundle, its manifest with inventory and checksums, then `_GENIESIM_EXPORT_COMPLETE`."""
    manifest = read_manifest(folder)
    folder.read_object("seg/inventory.json")
    folder.read_object("replicator/bundle_metadata.json")
    variations = folder.read_object("variation_assets/variation_assets.json").get("objects") or []
    robot = folder.options.get("ROBOT_TYPE") or "franka"
    documents = _documents(folder, manifest, variations, robot)
    files = {name: json_bytes(document) for name, document in documents.items()}
    files["scene_config.yaml"] = _scene_config(folder, manifest, robot).encode()
    # The copy lies one folder deeper, so its references do, too.
    files["usd/scene.usda"] = folder.read("usd/scene.usda").replace(b"@../assets/", b"@../../assets/")
    for name, data in sorted(files.items()):
        folder.write(f"geniesim/{name}", data)
    folder.write_json(f"geniesim/{OWN_ENTRY}", _export_manifest(folder, files, documents, robot))
    gate_report(folder, "genie-sim-export-job", "manifest_completeness", "replicator_complete", "0 issues")
    folder.write_json(folder.marker("geniesim_export_complete"), _export_marker(folder, documents, variations, robot))


def _documents(
    folder: SceneFolder, manifest: dict[str, Any], variations: list[dict[str, Any]], robot: str
) -> dict[str, Any]:
    entries = [entry for entry in manifest["objects"] if entry.get("sim_role") != "background"]
    if not entries:
        raise StageFailed("Genie Sim export failed: the manifest lists nothing but a background")
    nodes = [_node(folder, entry) for entry in entries]
    edges = [{"source": a["asset_id"], "target": b["asset_id"], "relation": "adjacent"} for a, b in pairwise(nodes)]
    scene = manifest.get("scene") or {}
    merged = manifest | {"objects": [*manifest["objects"], *(_merged(variation) for variation in variations)]}
    return {
        "scene_graph.json": {
            "scene_id": folder.scene_id,
            "coordinate_system": scene.get("coordinate_frame", "y_up"),
            "meters_per_unit": scene.get("meters_per_unit", 1.0),
            "nodes": nodes,
            "edges": edges,
        },
        "asset_index.json": {"assets": [_indexed(entry, node) for entry, node in zip(entries, nodes, strict=True)]},
        "task_config.json": _tasks(folder, manifest, entries, robot),
        "merged_scene_manifest.json": merged,
        "multi_robot_config.json": {"primary_robots": [robot], "all_robots": [robot, "ur10"], "generate_all": False},
        "enhanced_features.json": {"version": "1.0.0", "multi_robot": {"enabled": True, "robots": [robot, "ur10"]}},
        "legal/asset_provenance.json": _provenance(folder, entries),
    }


def _usd_path(folder: SceneFolder, entry: dict[str, Any]) -> str:
    """The physics wrapper; the mesh itself where the local runner made the scene, which wraps nothing."""
    wrapped = f"{folder.assets_of(entry['id'])}simready.usda"
    path = wrapped if folder.exists(wrapped) else entry["asset"]["path"].removeprefix(folder.prefix)
    return f"/mnt/gcs/{folder.prefix}{path}"


def export_id(folder: SceneFolder, object_id: str) -> str:
    """What the export calls an object."""
    return folder.catalogue.export_ids[0].format(scene_id=folder.scene_id, object_id=object_id)


def _node(folder: SceneFolder, entry: dict[str, Any]) -> dict[str, Any]:
    transform, size = entry["transform"], entry.get("dimensions_est") or {}
    rotation = transform.get("rotation_quaternion") or {"w": 1.0, "x": 0.0, "y": 0.0, "z": 0.0}
    return {
        "asset_id": export_id(folder, entry["id"]),
        "semantic": f"{entry.get('category') or 'object'}: {entry['id']}",
        "size": [float(size.get(side) or 1.0) for side in ("width", "depth", "height")],
        "pose": {
            "position": [transform["position"][axis] for axis in "xyz"],
            "orientation": [rotation[axis] for axis in "wxyz"],
        },
        "task_tag": ["pick_place"] if entry.get("sim_role") == "manipulable_object" else [],
        "usd_path": _usd_path(folder, entry),
    }


def _indexed(entry: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return {
        "asset_id": node["asset_id"],
        "usd_path": node["usd_path"],
        "semantic_description": node["semantic"],
        "categories": [entry.get("category") or "object"],
        "commercial_ok": True,
        "license": "proprietary",
        "source": "3d-re-gen",
    }


def _merged(variation: dict[str, Any]) -> dict[str, Any]:
    unit, origin = dict.fromkeys("xyz", 1.0), dict.fromkeys("xyz", 0.0)
    name = variation["name"]
    asset = {"path": f"variation_assets/{name}/asset.glb", "format": "glb", "source": "variation-gen"}
    return {
        "id": name,
        "sim_role": "manipulable_object",
        "name": name,
        "category": variation["category"],
        "transform": {"position": origin, "scale": unit},
        "asset": asset,
    }


def _tasks(folder: SceneFolder, manifest: dict[str, Any], entries: list[dict[str, Any]], robot: str) -> dict[str, Any]:
    targets = [e["id"] for e in entries if e.get("sim_role") == "manipulable_object"] or [entries[0]["id"]]
    task = {"task_type": "pick_place", "difficulty": "medium", "priority": 1}
    reach = [[-1.0, -1.0, 0.0], [1.0, 1.0, 2.0]]
    return {
        "scene_id": folder.scene_id,
        "environment_type": environment_of(manifest),
        "suggested_tasks": [task | {"target_object": export_id(folder, target)} for target in targets[:5]],
        "robot_config": {"type": robot, "base_position": [0.0, 0.0, 0.0], "workspace_bounds": reach},
    }


def _provenance(folder: SceneFolder, entries: list[dict[str, Any]]) -> dict[str, Any]:
    assets = [
        {
            "asset_id": entry["id"],
            "asset_path": entry["asset"]["path"],
            "license": {"type": "proprietary", "commercial_ok": True},
            "source": {"type": "3d-re-gen"},
        }
        for entry in entries
    ]
    summary = {"total_assets": len(assets), "commercial_ok": len(assets), "non_commercial": 0, "unknown_license": 0}
    about = {"scene_id": folder.scene_id, "version": "1.0.0", "generated_at": folder.now}
    license_ = {"type": "proprietary", "commercial_ok": True, "blockers": []}
    return about | {"license": license_, "summary": summary, "assets": assets}


def _scene_config(folder: SceneFolder, manifest: dict[str, Any], robot: str) -> str:
    return (
        f'scene:\n  id: "{folder.scene_id}"\n  environment_type: "{environment_of(manifest)}"\n'
        f'robot:\n  type: "{robot}"\nassets:\n  index_path: "asset_index.json"\n'
        'scene_graph:\n  path: "scene_graph.json"\ntasks:\n  config_path: "task_config.json"\n'
    )


def _export_manifest(
    folder: SceneFolder, files: dict[str, bytes], documents: dict[str, Any], robot: str
) -> dict[str, Any]:
    graph, root = documents["scene_graph.json"], f"/mnt/gcs/{folder.prefix}geniesim"
    statistics = {
        "nodes": len(graph["nodes"]),
        "edges": len(graph["edges"]),
        "assets": len(documents["asset_index.json"]["assets"]),
        "tasks": len(documents["task_config.json"]["suggested_tasks"]),
    }
    sums = {name: {"sha256": sha256(data), "size_bytes": len(data)} for name, data in sorted(files.items())}
    manifest = {
        "schema_version": "2.0",
        "schema_definition": {"version": "2.0", "description": "Genie Sim export manifest"},
        "export_info": {"timestamp": folder.now, "exporter_version": "1.0.0", "source_pipeline": "blueprintpipeline"},
        "asset_provenance_path": "legal/asset_provenance.json",
        "config": {"robot_type": robot, "filter_commercial_only": True, "max_tasks": _max_tasks(folder)},
        "result": {
            "success": True,
            "scene_id": folder.scene_id,
            "output_dir": root,
            "outputs": {name.removesuffix(".json"): f"{root}/{name}" for name in EXPORT_JSON},
            "statistics": statistics,
            "errors": [],
            "warnings": [],
        },
        "geniesim_compatibility": {"version": "3.0", "formats": {"scene_graph": "json", "asset_index": "json"}},
        "file_inventory": [{"path": name, "size_bytes": len(data)} for name, data in sorted(files.items())],
        "checksums": {"files": sums},
    }
    sums[OWN_ENTRY] = {"sha256": canonical_sha256(manifest)}
    return manifest


def _max_tasks(folder: SceneFolder) -> int:
    return int(folder.options.get("MAX_TASKS") or 50)


def _export_marker(
    folder: SceneFolder, documents: dict[str, Any], variations: list[dict[str, Any]], robot: str
) -> dict[str, Any]:
    versions = {
        "export_schema_version": "1.0.0",
        "geniesim_schema_version": "3.0.0",
        "blueprintpipeline_version": "1.0.0",
    }
    graph = documents["scene_graph.json"]
    stats = {
        "nodes": len(graph["nodes"]),
        "edges": len(graph["edges"]),
        "assets": len(graph["nodes"]),
        "tasks": len(documents["task_config.json"]["suggested_tasks"]),
        "original_objects": len(read_manifest(folder)["objects"]),
        "variation_assets": len(variations),
    }
    return {
        "scene_id": folder.scene_id,
        "robot_type": robot,
        "success": True,
        "commercial_data": True,
        **versions,
        "export_timestamp": folder.now,
        "schema_compatibility": {"min_geniesim_version": "3.0.0", "max_geniesim_version": "3.x.x"},
        "stats": stats,
        "premium_features_exported": {},
    }
