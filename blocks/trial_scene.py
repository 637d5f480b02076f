"""A synthetic reconstruction (`regen3d/`) of a room with furniture, from which the pipeline makes a whole scene.

What the pipeline's own generator of mock scenes writes, with real meshes: never data for a scene that is no trial.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from blocks.trial_mesh import Size, glb_box, json_bytes

Kind = Literal["kitchen", "office", "warehouse"]

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


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What is to be reconstructed. Raises ValueError for an unknown kind or a room without objects."""

    scene_id: str
    kind: Kind
    objects: int = 8
    """How many objects, at least 1."""
    seed: int = 0
    """Which of the possible rooms; equal ones give equal bytes."""
    object_bytes: int | None = None
    """Length of each mesh file in bytes; None: as small as it gets."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"{self.kind!r} is no kind of scene: use one of {get_args(Kind)}.")
        if self.objects < 1:
            raise ValueError(f"A scene needs at least one object, {self.objects} were asked for.")

    def files(self, generated_at: str) -> dict[str, bytes]:
        """Bytes by path, relative to the scene. `generated_at`: the time that `scene_info.json` says."""
        info = {
            "scene_id": self.scene_id,
            "image_size": [1920, 1080],
            "coordinate_frame": "y_up",
            "meters_per_unit": 1.0,
            "confidence": 0.92,
            "version": "1.0",
            "environment_type": self.kind,
            "reconstruction_method": "3d-re-gen",
            "generated_at": generated_at,
        }
        made = dict(_reconstruction(self.kind, self.objects, self.object_bytes, self.seed))
        return {"regen3d/scene_info.json": json_bytes(info), **made}


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
