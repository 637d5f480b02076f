"""The later half of the healthy scene: replicator, variation, the Genie Sim export, the run and the import."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from tests.validation.scene_builder import (
    IMPORT,
    JOB_ID,
    PLACES,
    SCENE_ID,
    SIZES,
    Scene,
    dump,
    put_marker,
    sha256,
    stamp,
)


def make_export(scene: Scene) -> None:
    """What replicator, the variation stage and the export leave."""
    layer = b'#usda 1.0\n\ndef Xform "Regions"\n{\n}\n'
    scene |= {"replicator/placement_regions.usda": layer, "replicator/replicator_master.py": b"import sys\n",
              "replicator/policies/pick.py": b"import sys\n", "replicator/configs/pick.json": dump({"policy": "pick"}),
              "replicator/bundle_metadata.json": dump({"scene_id": SCENE_ID, "policies": ["pick"]}),
              "replicator/variation_assets/manifest.json": dump({"scene_id": SCENE_ID, "assets": []}),
              "replicator/README.md": b"# Replicator bundle\n"}  # fmt: skip
    put_marker(scene, "replicator/.replicator_complete", 4)
    scene["variation_assets/variation_assets.json"] = dump(
        {"scene_id": SCENE_ID, "objects": [], "metadata": {"total_objects": 0}}
    )
    scene["variation_assets/generation_report.json"] = dump({"scene_id": SCENE_ID, "generated": 0})
    scene["variation_assets/manifest_with_results.json"] = dump({"scene_id": SCENE_ID, "assets": []})
    scene["variation_assets/.variation_pipeline_complete"] = f"Completed at {stamp(5)}\n".encode()
    names = [name for name in SIZES if name != "scene_background"]
    nodes = [{"asset_id": name, "semantic": "object", "size": list(SIZES[name]), "task_tag": [],
              "pose": {"position": list(PLACES[name]), "orientation": [1.0, 0.0, 0.0, 0.0]},
              "usd_path": f"assets/obj_{name}/simready.usda"} for name in names]  # fmt: skip
    edges = [{"source": "mug_0", "target": "table_0", "relation": "on"}]
    scene["geniesim/scene_graph.json"] = dump({"scene_id": SCENE_ID, "coordinate_system": "y_up",
                                               "meters_per_unit": 1.0, "nodes": nodes, "edges": edges})  # fmt: skip
    assets = [{"asset_id": name, "usd_path": f"assets/obj_{name}/simready.usda", "semantic_description": "object",
               "categories": []} for name in names]  # fmt: skip
    scene["geniesim/asset_index.json"] = dump({"assets": assets})
    tasks = [{"task_type": "pick", "target_object": "mug_0", "difficulty": "easy", "priority": 1}]
    robot = {"type": "franka", "base_position": [0, 0, 0], "workspace_bounds": [[-1, -1, 0], [1, 1, 2]]}
    scene["geniesim/task_config.json"] = dump({"scene_id": SCENE_ID, "environment_type": "kitchen",
                                               "suggested_tasks": tasks, "robot_config": robot})  # fmt: skip
    seal_export(scene)
    counts = {"nodes": 2, "edges": 1, "assets": 2, "tasks": 1}
    scene["geniesim/_GENIESIM_EXPORT_COMPLETE"] = dump({"scene_id": SCENE_ID, "success": True, "stats": counts,
                                                        "export_timestamp": stamp(6)})  # fmt: skip


def seal_export(scene: Scene) -> None:
    """Write the export's manifest anew, with the sizes and checksums of what is there."""
    files = {name: scene[f"geniesim/{name}"] for name in ("asset_index.json", "scene_graph.json", "task_config.json")}
    counts = {"nodes": 2, "edges": 1, "assets": 2, "tasks": 1}
    manifest: dict[str, Any] = {
        "schema_version": "2.0",
        "result": {"success": True, "scene_id": SCENE_ID, "statistics": counts, "errors": [], "warnings": []},
        "file_inventory": [{"path": name, "size_bytes": len(data)} for name, data in files.items()],
        "checksums": {
            "files": {name: {"sha256": sha256(data), "size_bytes": len(data)} for name, data in files.items()}
        },
    }
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    manifest["checksums"]["files"]["export_manifest.json"] = {"sha256": sha256(canonical)}
    scene["geniesim/export_manifest.json"] = dump(manifest)


def make_import(scene: Scene) -> None:
    """What a local run and its import leave."""
    scene["geniesim/job.json"] = dump({"job_id": JOB_ID, "scene_id": SCENE_ID, "status": "completed",
                                       "submission_mode": "local", "submitted_at": stamp(7)})  # fmt: skip
    episodes = []
    for index in range(2):
        name = f"episode_{index:06d}"
        scene[f"{IMPORT}/recordings/{name}.json"] = dump({"episode_id": name, "frames": [{"step": 0}]})
        episodes.append({"episode_id": name, "num_frames": 1, "quality_score": 0.9, "file": f"{name}.json"})
    scene[f"{IMPORT}/lerobot/dataset_info.json"] = dump({"episodes": episodes, "total_frames": 2})
    lines = "".join(json.dumps(episode) + "\n" for episode in episodes)
    scene[f"{IMPORT}/lerobot/episodes.jsonl"] = lines.encode()
    seal_import(scene)
    put_marker(scene, "geniesim/.geniesim_import_complete", 9, job_id=JOB_ID)
    put_marker(scene, "geniesim/.geniesim_complete", 10)


def seal_import(scene: Scene) -> None:
    """Write the import's manifest and package anew from what is there."""
    package = f"lerobot_bundle_{JOB_ID}.tar.gz"
    own = (f"{IMPORT}/{package}", f"{IMPORT}/import_manifest.json")
    files = {p.removeprefix(f"{IMPORT}/"): d for p, d in scene.items() if p.startswith(f"{IMPORT}/") and p not in own}
    recordings = {name: data for name, data in files.items() if name.startswith("recordings/")}
    manifest: dict[str, Any] = {
        "schema_version": "1.2",
        "generated_at": stamp(8),
        "job_id": JOB_ID,
        "output_dir": f"/mnt/gcs/scenes/{SCENE_ID}/{IMPORT}",
        "episodes": {"downloaded": len(recordings), "passed_validation": 2, "filtered": 0, "download_errors": 0},
        "quality": {"average_score": 0.9, "min_score": 0.9, "max_score": 0.9, "threshold": 0.85},
        "checksums": {
            "episodes": [{"file_name": name, "sha256": sha256(data)} for name, data in recordings.items()],
            "metadata": {},
            "missing_episode_ids": [],
            "missing_metadata_files": [],
        },
    }
    scene[f"{IMPORT}/{package}"] = tar_gz({"import_manifest.json": dump(manifest)})
    data = scene[f"{IMPORT}/{package}"]
    manifest["package"] = {"path": package, "sha256": sha256(data), "size_bytes": len(data)}
    manifest["file_inventory"] = [{"path": n, "size_bytes": len(d)} for n, d in {**files, package: data}.items()]
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    manifest["checksums"]["metadata"]["import_manifest.json"] = {"sha256": sha256(canonical)}
    scene[f"{IMPORT}/import_manifest.json"] = dump(manifest)


def tar_gz(files: dict[str, bytes]) -> bytes:
    """A package of files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
