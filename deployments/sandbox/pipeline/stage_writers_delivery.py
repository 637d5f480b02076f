"""The stages after the line, small but complete: episodes, upsell, training, arena, dwm, dream2flow."""

from __future__ import annotations

from blocks.trial_mesh import json_bytes
from deployments.sandbox.pipeline.formats import parquet, sha256
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, gate_report, read_manifest, workflow_marker
from deployments.sandbox.pipeline.stage_writers_usd import environment_of

EPISODE_COUNT, EPISODE_FRAMES = 3, 50
SCORE = 0.93
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\x00\x08moov\x00\x00\x00\x08mdat"
"""The smallest thing that says it is an MP4 file: no frames."""


def episodes(folder: SceneFolder) -> None:
    """Episodes from the scene itself: data, meta, manifests, quality reports."""
    manifest = read_manifest(folder)
    folder.read("usd/scene.usda")
    folder.read("isaac_lab/env_cfg.py")
    names = [f"episode_{index:06d}" for index in range(EPISODE_COUNT)]
    for name in names:
        folder.write(f"episodes/data/chunk-000/{name}.parquet", parquet(EPISODE_FRAMES))
        folder.write_json(f"episodes/quality/episodes/{name}/quality_certificate.json", _certificate(folder, name))
    info = {"codebase_version": "v2.0", "total_episodes": EPISODE_COUNT, "fps": 30, "chunks_size": 1000}
    folder.write_json("episodes/meta/info.json", info)
    rows = [{"episode_index": i, "tasks": ["pick_place"], "length": EPISODE_FRAMES} for i in range(EPISODE_COUNT)]
    folder.write("episodes/meta/episodes.jsonl", b"".join(json_bytes(row) + b"\n" for row in rows))
    about = {"scene_id": folder.scene_id, "generated_at": folder.now}
    generated = {"environment_type": environment_of(manifest), "episodes": names, "total_episodes": EPISODE_COUNT}
    folder.write_json("episodes/manifests/generation_manifest.json", about | generated)
    folder.write_json("episodes/manifests/task_coverage.json", about | {"tasks": {"pick_place": EPISODE_COUNT}})
    quality = {"average_score": SCORE, "pass_rate": 1.0, "episodes": len(names), "data_source": "isaac_sim_replicator"}
    folder.write_json("episodes/dataset_quality_manifest.json", about | quality)
    folder.write_json("episodes/quality/validation_report.json", _validation_report(folder, names))
    folder.write_json("episodes/quality/qa_validation_report.json", about | {"passed": True, "issues": []})
    gate_report(folder, "episode-generation-job", "qg-6-episodes", "episodes_generated", f"{len(names)} episodes")


def _certificate(folder: SceneFolder, name: str) -> dict[str, object]:
    return {
        "episode_id": name,
        "scene_id": folder.scene_id,
        "validation_passed": True,
        "recommended_use": "production_training",
        "overall_quality_score": SCORE,
    }


def _validation_report(folder: SceneFolder, names: list[str]) -> dict[str, object]:
    count = len(names)
    scores = {"pass_rate": 1.0, "average_score": SCORE, "min": SCORE, "max": SCORE, "score_std": 0.0}
    physics = {"physx_used": True, "physx_episode_count": count, "non_physx_episode_count": 0}
    return {
        "scene_id": folder.scene_id,
        "summary": {"total_episodes": count, "passed": count, "failed": 0, "needs_retry": 0, **scores},
        "physics_validation": {**physics, "physics_backends": ["isaac_sim"]},
        "quality_distribution": {"high": count},
        "failure_analysis": {},
        "episodes": [{"episode_id": n, "status": "passed", "physics_backend": "isaac_sim"} for n in names],
    }


def episodes_finish(folder: SceneFolder) -> None:
    """The workflow's marker."""
    workflow_marker(folder, "episodes_complete", physics_validated=True)


def upsell(folder: SceneFolder) -> None:
    """The extras of a bundle tier."""
    report = folder.read_object("episodes/quality/validation_report.json")
    tier = folder.options.get("BUNDLE_TIER") or "pro"
    summary = {"scene_id": folder.scene_id, "bundle_tier": tier, "generated_at": folder.now}
    folder.write_json("episodes/upsell_outputs/summary.json", summary | {"quality": report.get("summary", {})})


def upsell_finish(folder: SceneFolder) -> None:
    """The workflow's marker."""
    workflow_marker(folder, "upsell_complete", bundle_tier=folder.options.get("BUNDLE_TIER") or "pro")


def training(folder: SceneFolder) -> None:
    """A checkpoint trained on the imported episodes."""
    job_id = folder.options.get("GENIE_SIM_JOB_ID") or folder.read_object("geniesim/job.json").get("job_id")
    data = folder.read(f"episodes/geniesim_{job_id}/lerobot/dataset_info.json")
    folder.write_json(
        "training/checkpoint.json",
        {"scene_id": folder.scene_id, "job_id": job_id, "architecture": "act", "dataset_sha256": sha256(data)},
    )


def arena(folder: SceneFolder) -> None:
    """The arena package, then `.arena_export_complete`."""
    manifest = read_manifest(folder)
    folder.read("usd/scene.usda")
    folder.read("isaac_lab/env_cfg.py")
    ids = [entry["id"] for entry in manifest["objects"] if entry.get("sim_role") != "background"]
    about = {"scene_id": folder.scene_id, "generated_at": folder.now}
    files = ["scene_module.py", "asset_registry.json", "hub_config.yaml", "tasks/pick_place.py", "arena_manifest.json"]
    registry = [{"id": oid, "usd": f"../{folder.assets_of(oid)}simready.usda"} for oid in ids]
    folder.write("arena/scene_module.py", f'"""Arena scene."""\n\nSCENE_ID = "{folder.scene_id}"\n')
    folder.write("arena/tasks/pick_place.py", '"""Pick and place."""\n\nTASK = "pick_place"\n')
    folder.write("arena/hub_config.yaml", f'namespace: "blueprint-robotics"\nscene: "{folder.scene_id}"\n')
    folder.write_json("arena/asset_registry.json", about | {"assets": registry})
    folder.write_json("arena/arena_manifest.json", about | {"tasks": ["pick_place"], "files": files})
    counts = {"task_count": 1, "affordance_count": 0, "files_generated": len(files)}
    marker = {"status": "complete", "scene_id": folder.scene_id, **counts}
    folder.write_json(folder.marker("arena_export_complete"), marker)


def dwm(folder: SceneFolder) -> None:
    """World-model bundles: one bundle with its two rendered videos and trajectories."""
    read_manifest(folder)
    folder.read("usd/scene.usda")
    base = "dwm/bundle_000/"
    for name in ("static_scene_video.mp4", "hand_mesh_video.mp4"):
        folder.write(base + name, MP4)
    for name in ("camera_trajectory.json", "hand_trajectory.json"):
        folder.write_json(base + name, {"fps": 24, "frames": [{"frame": 0, "position": [0.0, 1.5, 2.0]}]})
    folder.write(f"{base}metadata/prompt.txt", "A hand picks up an object.")
    _bundles(folder, "dwm", base, {"resolution": [720, 480], "frames": 49})


def dwm_inference(folder: SceneFolder) -> None:
    """The interaction video of each bundle, then the inference job's marker."""
    _inference(folder, "dwm")


def dwm_finish(folder: SceneFolder) -> None:
    """The workflow's marker."""
    workflow_marker(folder, "dwm_complete")


def dream2flow(folder: SceneFolder) -> None:
    """Flow bundles: one bundle."""
    read_manifest(folder)
    folder.read("usd/scene.usda")
    _bundles(folder, "dream2flow", "dream2flow/bundle_000/", {"robot": "franka_panda", "num_tasks": 5})


def dream2flow_inference(folder: SceneFolder) -> None:
    """The video of each bundle, then the inference job's marker."""
    _inference(folder, "dream2flow")


def dream2flow_finish(folder: SceneFolder) -> None:
    """The workflow's marker."""
    workflow_marker(folder, "dream2flow_complete")


def _bundles(folder: SceneFolder, line: str, base: str, about: dict[str, object]) -> None:
    name = base.rstrip("/").rsplit("/", 1)[-1]
    folder.write_json(f"{base}manifest.json", {"bundle_id": name, "scene_id": folder.scene_id, **about})
    bundles = {"scene_id": folder.scene_id, "generated_at": folder.now, "bundles": [name]}
    folder.write_json(f"{line}/{line}_bundles_manifest.json", bundles)


def _inference(folder: SceneFolder, line: str) -> None:
    bundles = folder.read_object(f"{line}/{line}_bundles_manifest.json")["bundles"]
    for name in bundles:
        folder.write(f"{line}/{name}/interaction_video.mp4", MP4)
    folder.write_json(folder.marker(f"{line}_inference_complete"), {"timestamp": folder.now, "bundles": bundles})
