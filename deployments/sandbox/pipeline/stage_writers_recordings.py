"""The Genie Sim run, which leaves recordings below `episodes/geniesim_<job_id>/`, and the import that checks them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from blocks.trial_mesh import json_bytes
from deployments.sandbox.pipeline.formats import canonical_sha256, sha256, tar_gz
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, StageFailed, workflow_marker
from deployments.sandbox.pipeline.stage_writers_geniesim import EXPORT_JSON

EPISODES, FRAMES, FPS = 4, 12, 30
QUALITY = 0.95
DATASET, INDEX = "lerobot/dataset_info.json", "lerobot/episodes.jsonl"
OWN_ENTRY = "import_manifest.json"


@lru_cache(maxsize=64)
def _recording(index: int) -> bytes:
    frames = [
        {
            "step": step,
            "observation": {"joint_positions": [round(0.01 * step * joint, 4) for joint in range(7)]},
            "action": [round(0.001 * step * joint, 5) for joint in range(8)],
            "timestamp": step / FPS,
        }
        for step in range(FRAMES)
    ]
    return json_bytes({"episode_id": f"episode_{index:06d}", "task_name": "pick_place", "frames": frames})


def run(folder: SceneFolder) -> None:
    """The simulation: reads the bundle, writes recordings and the LeRobot data set, then `job.json` as completed."""
    for name in EXPORT_JSON:
        folder.read_object(f"geniesim/{name}")
    job_id = f"local-{folder.unique('genie-sim')}"
    _write_recordings(folder, job_id)
    folder.write_json("geniesim/job.json", _job(folder, job_id, None))


def run_failed(folder: SceneFolder, reason: str) -> None:
    """The simulation could not run: `job.json` as failed, the job's own failure marker, then StageFailed."""
    job = _job(folder, f"local-{folder.unique('genie-sim')}", reason)
    folder.write_json("geniesim/job.json", job)
    marker = {"scene_id": folder.scene_id, "job_id": job["job_id"], "status": "failed", "timestamp": folder.now}
    folder.write_json("geniesim/.failed", marker | {"reason": "local_execution_failed", "details": {"error": reason},
                      "job_metadata_path": f"{folder.prefix}geniesim/job.json"})  # fmt: skip
    raise StageFailed(reason, "geniesim_submit_failed")


def _job(folder: SceneFolder, job_id: str, failure: str | None) -> dict[str, Any]:
    base = f"gs://{folder.bucket}/{folder.prefix}"
    status, episodes = ("failed", 0) if failure else ("completed", EPISODES)
    counts = {"episodes_collected": episodes, "episodes_passed": episodes}
    params = {"robot_type": folder.options.get("ROBOT_TYPE") or "franka", "episodes_per_task": 10, "num_variations": 5}
    metrics = {"job_id": job_id, "status": status, "created_at": folder.now, "completed_at": folder.now}
    job = {
        "job_id": job_id,
        "scene_id": folder.scene_id,
        "status": status,
        "submission_mode": folder.options.get("GENIESIM_SUBMISSION_MODE") or "local",
        "submitted_at": folder.now,
        "message": f"Local Genie Sim execution {status}.",
        "bundle": {name.removesuffix(".json"): f"{base}geniesim/{name}" for name in EXPORT_JSON},
        "generation_params": params | {"min_quality_score": 0.85},
        "local_execution": {"success": not failure, **counts, "preflight": {"ok": not failure}},
        "job_metrics": metrics | {"duration_seconds": 0.0, "total_episodes": episodes, **counts,
                                  "quality_pass_rate": 0.0 if failure else 1.0},
        "artifacts": {
            "episodes_prefix": f"{folder.prefix}episodes/geniesim_{job_id}",
            "lerobot_prefix": f"{folder.prefix}episodes/geniesim_{job_id}/lerobot",
        },
    }  # fmt: skip
    return job | (
        {"failure_reason": "local_execution_failed", "failure_details": {"error": failure}} if failure else {}
    )


def _write_recordings(folder: SceneFolder, job_id: str) -> None:
    """The run's recordings, its config and its LeRobot data set."""
    base = f"episodes/geniesim_{job_id}/"
    episodes: list[dict[str, Any]] = [
        {
            "episode_id": f"episode_{index:06d}",
            "episode_index": index,
            "num_frames": FRAMES,
            "duration_seconds": FRAMES / FPS,
            "quality_score": QUALITY,
            "validation_passed": True,
            "file": f"episode_{index:06d}.json",
        }
        for index in range(EPISODES)
    ]
    for episode in episodes:
        folder.write(f"{base}recordings/{episode['file']}", _recording(episode["episode_index"]))
    dataset = {
        "dataset_type": "lerobot",
        "format_version": "1.0",
        "episodes": episodes,
        "total_episodes": EPISODES,
        "total_frames": EPISODES * FRAMES,
        "average_quality_score": QUALITY,
        "source": "genie_sim",
        "converted_at": folder.now,
        "scene_id": folder.scene_id,
        "job_id": job_id,
    }
    folder.write_json(f"{base}config/run_config.json", {"job_id": job_id, "episodes": EPISODES, "fps": FPS})
    folder.write_json(base + DATASET, dataset)
    folder.write(base + INDEX, b"".join(json_bytes(episode) + b"\n" for episode in episodes))


def import_episodes(folder: SceneFolder) -> None:
    """Check what the run recorded, then write checksums, package and `import_manifest.json`.

    Raises StageFailed as the import job does: the run is not completed, an episode or the data set is missing or
    damaged, or an episode scores less than `MIN_QUALITY_SCORE`.
    """
    job = folder.read_object("geniesim/job.json")
    job_id = folder.options.get("GENIE_SIM_JOB_ID") or job.get("job_id")
    if job.get("status") != "completed":
        raise StageFailed(f"Genie Sim job {job_id} is {job.get('status')!r}, not completed")
    base = f"episodes/geniesim_{job_id}/"
    quality = _quality(folder, base)
    recordings = {path.removeprefix(base): folder.read(path) for path in folder.paths(f"{base}recordings/")}
    if not recordings:
        raise StageFailed(f"404 No such object: {folder.bucket}/{folder.prefix}{base}recordings/")
    for name in recordings:
        folder.read_json(base + name)
    readme = f"# Episodes of {folder.scene_id}\n\nLeRobot data set of Genie Sim job {job_id}.\n".encode()
    lerobot = {name: folder.read(base + name) for name in (DATASET, INDEX)}
    files = {"README.md": readme, **lerobot, **recordings}
    sums = {name: {"sha256": sha256(data), "size_bytes": len(data)} for name, data in sorted(files.items())}
    files["checksums.json"] = json_bytes({"generated_at": folder.now, "root": ".", "files": sums})
    _deliver(folder, base, files, _import_manifest(folder, job, base, quality, sums))


def _deliver(folder: SceneFolder, base: str, files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Pack everything but the recordings, then write what the run had not written yet; the manifest comes last."""
    inside = {name: data for name, data in files.items() if not name.startswith("recordings/")}
    bundle = f"lerobot_bundle_{manifest['job_id']}.tar.gz"
    package = tar_gz({OWN_ENTRY: json_bytes(manifest), **inside}, folder.clock)
    about = {"path": bundle, "sha256": sha256(package), "size_bytes": len(package), "format": "tar.gz"}
    files[bundle] = package
    manifest["package"] = about | {"includes": [OWN_ENTRY, "README.md", "checksums.json", "lerobot"]}
    manifest["file_inventory"] = [{"path": n, "size_bytes": len(d)} for n, d in sorted(files.items())]
    manifest["checksums"]["metadata"][OWN_ENTRY] = {"sha256": canonical_sha256(manifest)}
    for name in ("README.md", "checksums.json", bundle):
        folder.write(base + name, files[name])
    folder.write_json(base + OWN_ENTRY, manifest)


def _quality(folder: SceneFolder, base: str) -> dict[str, Any]:
    threshold = float(folder.options.get("MIN_QUALITY_SCORE") or 0.85)
    folder.read_object(base + DATASET)
    try:
        lines = [json.loads(line) for line in folder.read(base + INDEX).splitlines()]
        scores = [float(line["quality_score"]) for line in lines]
    except (ValueError, KeyError, TypeError) as error:
        raise StageFailed(f"{folder.prefix}{base}{INDEX} is malformed: {error}") from error
    if not scores or min(scores) < threshold:
        worst = min(scores, default=0.0)
        raise StageFailed(f"an episode scored {worst}, below the minimum of {threshold}")
    spread = {"average_score": sum(scores) / len(scores), "min_score": min(scores), "max_score": max(scores)}
    return spread | {"threshold": threshold, "validation_enabled": True}


def _import_manifest(
    folder: SceneFolder, job: dict[str, Any], base: str, quality: dict[str, Any], sums: dict[str, Any]
) -> dict[str, Any]:
    recordings = sorted(name for name in sums if name.startswith("recordings/"))
    episodes = [
        {"episode_id": name.rsplit("/", 1)[-1].removesuffix(".json"), "file_name": name, "sha256": sums[name]["sha256"]}
        for name in recordings
    ]
    count = len(recordings)
    return {
        "schema_version": "1.2",
        "schema_definition": {"version": "1.2", "description": "Genie Sim import manifest"},
        "generated_at": folder.now,
        "job_id": job.get("job_id"),
        "output_dir": f"/mnt/gcs/{folder.bucket}/{folder.prefix}{base.rstrip('/')}",
        "gcs_output_path": f"gs://{folder.bucket}/{folder.prefix}{base.rstrip('/')}",
        "readme_path": "README.md",
        "checksums_path": "checksums.json",
        "episodes": {"downloaded": count, "passed_validation": count, "filtered": 0, "download_errors": 0},
        "quality": quality,
        "lerobot": {"conversion_success": True, "converted_count": count, "output_dir": "lerobot", "error": None},
        "checksums": {
            "episodes": episodes,
            "metadata": {DATASET: sums[DATASET]},
            "missing_episode_ids": [],
            "missing_metadata_files": [],
            "episode_files": {name: sums[name] for name in recordings},
        },
        "provenance": {"source": "genie_sim", "job_id": job.get("job_id"), "scene_id": folder.scene_id},
    }


def import_finish(folder: SceneFolder) -> None:
    """The import workflow's marker."""
    job_id = folder.options.get("GENIE_SIM_JOB_ID") or folder.read_object("geniesim/job.json").get("job_id")
    workflow_marker(folder, "geniesim_import_complete", job_id=job_id)
