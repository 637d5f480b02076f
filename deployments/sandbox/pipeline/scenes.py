"""Scenes for the sandbox: real bytes for the 3D reconstruction, and behind it what each stage makes of it."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypedDict, Unpack, get_args

from blocks.catalogue_load import load_catalogue
from deployments.sandbox.pipeline.formats import Size, glb_box, json_bytes
from deployments.sandbox.pipeline.stage_writers import write_stage
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, workflow_marker
from deployments.sandbox.pipeline.stage_writers_text import write_request
from deployments.sandbox.storage.store import ObjectStore

Kind = Literal["kitchen", "office", "warehouse"]

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
CELL_METERS = 1.6
TABLE_METERS = 0.9

# Name, size in metres (width, height, depth), whether it stands on the floor.
FURNITURE: dict[str, tuple[tuple[str, Size, bool], ...]] = {
    "kitchen": (
        ("counter", (1.2, 0.9, 0.6), True),
        ("fridge", (0.8, 1.8, 0.7), True),
        ("cabinet", (0.6, 0.8, 0.4), True),
        ("mug", (0.09, 0.1, 0.09), False),
        ("plate", (0.25, 0.03, 0.25), False),
        ("stool", (0.4, 0.7, 0.4), True),
        ("bowl", (0.16, 0.08, 0.16), False),
        ("kettle", (0.22, 0.25, 0.18), False),
    ),
    "office": (
        ("desk", (1.4, 0.75, 0.7), True),
        ("chair", (0.6, 1.0, 0.6), True),
        ("cabinet", (0.4, 1.2, 0.5), True),
        ("keyboard", (0.45, 0.03, 0.15), False),
        ("monitor", (0.55, 0.4, 0.08), False),
        ("lamp", (0.2, 0.45, 0.2), False),
        ("printer", (0.45, 0.3, 0.4), True),
        ("phone", (0.08, 0.02, 0.15), False),
    ),
    "warehouse": (
        ("shelf", (1.2, 2.2, 0.6), True),
        ("pallet", (1.2, 0.15, 0.8), True),
        ("drum", (0.6, 0.9, 0.6), True),
        ("box", (0.4, 0.3, 0.4), False),
        ("crate", (0.5, 0.4, 0.4), False),
        ("trolley", (0.8, 1.0, 0.5), True),
        ("bin", (0.3, 0.2, 0.4), False),
        ("tote", (0.5, 0.35, 0.35), False),
    ),
}


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
    if kind not in get_args(Kind):
        raise ValueError(f"{kind!r} is no kind of scene: use one of {get_args(Kind)}.")
    if objects < 1:
        raise ValueError(f"A scene needs at least one object, {objects} were asked for.")
    info = {
        "scene_id": folder.scene_id,
        "image_size": [1920, 1080],
        "coordinate_frame": "y_up",
        "meters_per_unit": 1.0,
        "confidence": 0.92,
        "version": "1.0",
        "environment_type": kind,
        "reconstruction_method": "3d-re-gen",
        "generated_at": folder.now,
    }
    folder.write_json("regen3d/scene_info.json", info)
    for path, data in _reconstruction(kind, objects, object_bytes, seed):
        folder.write(path, data)


def object_ids(kind: Kind, objects: int) -> list[str]:
    """The ids of a scene's objects: `mug_0`, `mug_1`, ... in turn through the kind's furniture."""
    names = [name for name, _, _ in FURNITURE[kind]]
    return [f"{names[index % len(names)]}_{index // len(names)}" for index in range(objects)]


@lru_cache(maxsize=32)
def _reconstruction(kind: Kind, objects: int, object_bytes: int | None, seed: int) -> tuple[tuple[str, bytes], ...]:
    dice = random.Random(f"{kind}/{seed}")
    side = max(int(objects**0.5 + 0.999), 2)
    files: list[tuple[str, bytes]] = []
    for index, oid in enumerate(object_ids(kind, objects)):
        _, size, on_floor = FURNITURE[kind][index % len(FURNITURE[kind])]
        x, z = ((cell - (side - 1) / 2) * CELL_METERS + dice.uniform(-0.1, 0.1) for cell in divmod(index, side))
        center = (round(x, 4), round(size[1] / 2 + (0.0 if on_floor else TABLE_METERS), 4), round(z, 4))
        base = f"regen3d/objects/{oid}/"
        files += _placed(base, size, center, on_floor)
        files += [(f"{base}mesh.glb", glb_box(size, object_bytes)), (f"{base}material.json", MATERIAL)]
    room = (side * CELL_METERS, 3.0, side * CELL_METERS)
    files += _placed("regen3d/background/", room, (0.0, 1.5, 0.0), False)
    files.append(("regen3d/background/mesh.glb", glb_box(room, object_bytes)))
    return (*files, ("regen3d/camera/intrinsics.json", INTRINSICS), ("regen3d/camera/extrinsics.json", EXTRINSICS))


def _placed(base: str, size: Size, center: Sequence[float], on_floor: bool) -> list[tuple[str, bytes]]:
    x, y, z = center
    pose = {
        "transform_matrix": [[1.0, 0, 0, x], [0, 1.0, 0, y], [0, 0, 1.0, z], [0, 0, 0, 1]],
        "translation": [x, y, z],
        "rotation_quaternion": [1.0, 0.0, 0.0, 0.0],
        "scale": [1.0, 1.0, 1.0],
        "confidence": 0.95,
        "is_floor_contact": on_floor,
    }
    bounds = {
        "min": [round(middle - length / 2, 4) for middle, length in zip(center, size, strict=True)],
        "max": [round(middle + length / 2, 4) for middle, length in zip(center, size, strict=True)],
        "center": [x, y, z],
        "size": list(size),
    }
    return [(f"{base}pose.json", json_bytes(pose)), (f"{base}bounds.json", json_bytes(bounds))]


MATERIAL = json_bytes(
    {"base_color": [0.7, 0.7, 0.7], "metallic": 0.0, "roughness": 0.5, "material_type": "generic"}
)  # fmt: skip
INTRINSICS = json_bytes({"matrix": [[1000, 0, 960], [0, 1000, 540], [0, 0, 1]], "width": 1920, "height": 1080})
EXTRINSICS = json_bytes({"matrix": [[1, 0, 0, 0], [0, 1, 0, 1.5], [0, 0, 1, 3], [0, 0, 0, 1]]})
