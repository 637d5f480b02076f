"""Named damages: each one makes a healthy scene ill in one way that operators meet, and changes nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.sandbox.pipeline.damage_tools import ENDED_EXECUTION, fail, first, outputs, put_lock, remove, truncate
from deployments.sandbox.pipeline.stage_writers_base import LAYOUT, MANIFEST, SceneFolder, StageFailed
from deployments.sandbox.storage.store import ObjectStore

Damage = Callable[[SceneFolder], None]


def damage(
    store: ObjectStore, bucket: str, scene_id: str, name: str, *, execution_id: str | None = None
) -> tuple[str, ...]:
    """Do the damage called `name` to a scene; return the paths that changed, relative to the scene.

    `execution_id` is the holder's for the two locks. Only failure markers are written so that triggers and
    notifications fire. Raises ValueError for a name that is not in `DAMAGES` or a scene that lacks what it damages.
    """
    if name not in DAMAGES:
        raise ValueError(f"{name!r} is no damage: use one of {', '.join(DAMAGES)}.")
    options = {} if execution_id is None else {"EXECUTION_ID": execution_id}
    folder = SceneFolder(store, bucket, scene_id, quiet=True, options=options)
    before = _generations(folder)
    try:
        DAMAGES[name](folder)
    except StageFailed as error:
        raise ValueError(f"Scene {scene_id} cannot be given the damage {name}: {error}") from error
    after = _generations(folder)
    return tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))


def _generations(folder: SceneFolder) -> dict[str, int]:
    cut = len(folder.prefix)
    return {found.name[cut:]: found.generation for found in folder.store.list(folder.bucket, folder.prefix)}


def export_missing(folder: SceneFolder) -> None:
    """The four JSON files of the Genie Sim export are gone; its markers stay."""
    names = ("scene_graph", "asset_index", "task_config", "export_manifest")
    remove(folder, *(f"geniesim/{name}.json" for name in names))


def export_corrupt(folder: SceneFolder) -> None:
    """`geniesim/scene_graph.json` ends in the middle."""
    truncate(folder, "geniesim/scene_graph.json")


def export_failed_marker(folder: SceneFolder) -> None:
    """`geniesim/.failed` and its legacy twin, newer than the export's markers."""
    fail(folder, "genie-sim-export", "genie-sim-export-job exited with code 1")


def manifest_truncated(folder: SceneFolder) -> None:
    """`assets/scene_manifest.json` ends in the middle."""
    truncate(folder, MANIFEST)


def manifest_nan(folder: SceneFolder) -> None:
    """The first object of the manifest stands at x = NaN."""
    manifest = folder.read_object(MANIFEST)
    manifest["objects"][0]["transform"]["position"]["x"] = float("nan")
    folder.write(MANIFEST, json.dumps(manifest))


def layout_nan(folder: SceneFolder) -> None:
    """The first object of the metric layout has its centre at x = NaN."""
    layout: dict[str, Any] = folder.read_object(LAYOUT)
    entry = layout["objects"][0]
    entry["center3d"] = entry["obb"]["center"] = [float("nan"), *entry["center3d"][1:]]
    folder.write(LAYOUT, json.dumps(layout))


def layout_missing(folder: SceneFolder) -> None:
    """The metric layout is gone, as after the retention job; manifest, assets and USD stay."""
    remove(folder, LAYOUT)


def inventory_missing(folder: SceneFolder) -> None:
    """`seg/inventory.json` is gone, as after the retention job."""
    remove(folder, "seg/inventory.json")


def usd_missing(folder: SceneFolder) -> None:
    """`usd/scene.usda` is gone."""
    remove(folder, "usd/scene.usda")


def usd_truncated(folder: SceneFolder) -> None:
    """`usd/scene.usda` ends in the middle."""
    truncate(folder, "usd/scene.usda")


def simready_missing(folder: SceneFolder) -> None:
    """Every physics wrapper is gone; `.simready_complete` stays."""
    first(folder, "assets/obj_", "simready.usda")
    remove(folder, *(path for path in folder.paths("assets/obj_") if path.endswith("/simready.usda")))


def simready_partial(folder: SceneFolder) -> None:
    """One physics wrapper is gone; `.simready_complete` stays."""
    remove(folder, first(folder, "assets/obj_", "simready.usda"))


def glb_truncated(folder: SceneFolder) -> None:
    """One derived mesh (`assets/obj_*/asset.glb`) ends in the middle; its source is whole."""
    truncate(folder, first(folder, "assets/obj_", "asset.glb"))


def input_mesh_truncated(folder: SceneFolder) -> None:
    """One mesh of the reconstruction (`regen3d/`) ends in the middle: no rerun can heal that."""
    truncate(folder, first(folder, "regen3d/objects/", "mesh.glb"))


def stale_lock(folder: SceneFolder) -> None:
    """The lock of usd-assembly, left behind two hours ago by an execution that has ended."""
    put_lock(folder, folder.options.get("EXECUTION_ID", ENDED_EXECUTION), datetime.now(UTC) - timedelta(hours=2))


def live_lock(folder: SceneFolder) -> None:
    """The lock of usd-assembly, held by the execution that was named and is still running."""
    holder = folder.options.get("EXECUTION_ID")
    if not holder:
        raise StageFailed("live_lock needs execution_id, the id of an execution that is running")
    put_lock(folder, holder, datetime.now(UTC))


def failed_marker(folder: SceneFolder) -> None:
    """`assets/.failed` and its legacy twin, newer than `.regen3d_complete`."""
    fail(folder, "regen3d", "regen3d-adapter-job exited with code 1")


def marker_empty(folder: SceneFolder) -> None:
    """`.regen3d_complete` has no content."""
    path = folder.marker("regen3d_complete")
    folder.read(path)
    folder.write(path, b"")


def marker_missing(folder: SceneFolder) -> None:
    """`.regen3d_complete` is gone; what the stage made stays."""
    remove(folder, folder.marker("regen3d_complete"))


def replicator_missing(folder: SceneFolder) -> None:
    """The replicator bundle is gone; its marker stays."""
    remove(folder, *outputs(folder, "replicator/"))


def variation_missing(folder: SceneFolder) -> None:
    """The variation assets are gone; their marker stays."""
    remove(folder, *outputs(folder, "variation_assets/"))


def isaac_missing(folder: SceneFolder) -> None:
    """The Isaac Lab package is gone; its marker stays."""
    remove(folder, *outputs(folder, "isaac_lab/"))


def import_manifest_missing(folder: SceneFolder) -> None:
    """The import's manifest is gone; recordings, package and marker stay."""
    remove(folder, first(folder, "episodes/geniesim_", "import_manifest.json"))


def job_failed(folder: SceneFolder) -> None:
    """The simulation run failed: `geniesim/job.json` says so, and what came after it was never made.

    Gone are the run's episodes and the markers of import and export workflow; `geniesim/.failed` is there.
    """
    job = folder.read_object("geniesim/job.json")
    reason = "Genie Sim gRPC server is not ready"
    job |= {"status": "failed", "failure_reason": "local_execution_failed", "failure_details": {"error": reason}}
    folder.write_json("geniesim/job.json", job)
    for path in folder.paths(f"episodes/geniesim_{job['job_id']}/"):
        folder.delete(path)
    for name in ("geniesim_import_complete", "geniesim_complete"):
        folder.delete(folder.marker(name))
    fail(folder, "genie-sim-run", reason)


DAMAGES: dict[str, Damage] = {
    function.__name__: function
    for function in (
        export_missing,
        export_corrupt,
        export_failed_marker,
        manifest_truncated,
        manifest_nan,
        layout_nan,
        layout_missing,
        inventory_missing,
        usd_missing,
        usd_truncated,
        simready_missing,
        simready_partial,
        glb_truncated,
        input_mesh_truncated,
        stale_lock,
        live_lock,
        failed_marker,
        marker_empty,
        marker_missing,
        replicator_missing,
        variation_missing,
        isaac_missing,
        import_manifest_missing,
        job_failed,
    )
}
"""Every damage by its name; `DAMAGES[name].__doc__` says what it does."""
