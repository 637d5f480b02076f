"""Scenes for the sandbox: real bytes for the 3D reconstruction, and behind it what each stage makes of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from blocks.catalogue_load import load_catalogue
from blocks.trial_scene import FURNITURE, Kind, Reconstruction
from deployments.sandbox.pipeline.stage_writers import write_stage
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, workflow_marker
from deployments.sandbox.pipeline.stage_writers_text import write_request
from deployments.sandbox.storage.store import ObjectStore

LINE = (
    "regen3d",
    "simready",
    "usd",
    "replicator",
    "isaac-lab",
    "variation",
    "genie-sim-export",
    "genie-sim-run",
    "genie-sim-import",
    "episodes",
    "upsell",
    "training",
    "arena",
    "dwm",
    "dream2flow",
)
"""The stages of a generated scene, in the order in which they are made."""
TEXT_STATE = "2026-06"
"""The shipped overlay of the pipeline that makes scenes from text."""
INPUTS = "inputs"
"""`upto` for a scene of which nothing but the reconstruction exists."""
STAGE_MINUTES = 1
"""How far apart the stages of a generated scene lie in time."""


class Wish(TypedDict, total=False):
    """What a generated scene is to be."""

    objects: int
    """How many objects it has, at least 1; default 8."""
    upto: str
    """The last stage that is made; default "genie-sim-import"."""
    at: datetime | None
    """When the last stage ended, each a minute before the next; default now."""
    quiet: bool
    """Whether no trigger is started; default True."""
    seed: int
    """Which of the possible scenes; default 0."""
    without: Collection[str]
    """Stages that are left out, with what needs them."""


_USUAL: Wish = {
    "objects": 8,
    "upto": "genie-sim-import",
    "at": None,
    "quiet": True,
    "seed": 0,
    "without": (),
}


def make_scene(
    store: ObjectStore,
    bucket: str,
    scene_id: str,
    kind: Kind,
    object_bytes: int | None = None,
    **wish: Unpack[Wish],
) -> SceneFolder:
    """Write a healthy scene: its reconstruction, then every stage of the line up to and including `upto`.

    `object_bytes` is the size of each mesh file in bytes, `upto` a stage of `LINE` or "inputs". Equal arguments give
    equal bytes. As after a run of the local runner, the two markers that no cloud component writes are there. Returns
    the scene's folder.
    """
    how = _USUAL | wish
    upto = how["upto"]
    if upto not in (INPUTS, *LINE):
        raise ValueError(f"upto={upto!r} is no stage of a generated scene: use one of {(INPUTS, *LINE)}.")
    stages = LINE[: LINE.index(upto) + 1] if upto != INPUTS else ()
    start = (how["at"] or datetime.now(UTC)) - timedelta(minutes=STAGE_MINUTES * len(stages))
    folder = SceneFolder(store, bucket, scene_id, at=start, quiet=how["quiet"])
    write_inputs(folder, kind, objects=how["objects"], object_bytes=object_bytes, seed=how["seed"])
    _make(folder, start, stages, how["without"])
    return folder


def make_text_scene(store: ObjectStore, bucket: str, scene_id: str, kind: Kind, **wish: Unpack[Wish]) -> SceneFolder:
    """Write a healthy scene from text, as the pipeline makes them by June 2026; otherwise as `make_scene`."""
    how = _USUAL | wish
    upto = how["upto"]
    if upto not in ("text", *LINE):
        raise ValueError(f"upto={upto!r} is no stage of a generated scene: use one of {('text', *LINE)}.")
    stages = ("text", *LINE)[: ("text", *LINE).index(upto) + 1]
    start = (how["at"] or datetime.now(UTC)) - timedelta(minutes=STAGE_MINUTES * len(stages))
    folder = SceneFolder(store, bucket, scene_id, at=start, quiet=how["quiet"], catalogue=load_catalogue(TEXT_STATE))
    furniture = FURNITURE[kind]
    chosen = [furniture[(index + how["seed"]) % len(furniture)] for index in range(how["objects"])]
    write_request(folder, kind, chosen)
    _make(folder, start, stages, how["without"])
    return folder


def _make(folder: SceneFolder, start: datetime, stages: Collection[str], without: Collection[str]) -> None:
    left = set(without)
    for number, stage in enumerate(stages, start=1):
        if stage in left or left & set(folder.catalogue.stages[stage].needs):
            left.add(stage)
            continue
        folder.at = start + timedelta(minutes=STAGE_MINUTES * number)
        write_stage(folder, stage, local_runner=True)
        if stage == "genie-sim-import":
            workflow_marker(folder, "geniesim_complete", robot_type="franka", ready_for_geniesim=True)
    folder.at = None


def write_inputs(folder: SceneFolder, kind: Kind, *, objects: int, object_bytes: int | None, seed: int) -> None:
    """Write `regen3d/`: scene info, camera, background, and mesh, pose, bounds and material of each object."""
    wanted = Reconstruction(folder.scene_id, kind, objects, seed, object_bytes)
    for path, data in wanted.files(folder.now).items():
        folder.write(path, data)
