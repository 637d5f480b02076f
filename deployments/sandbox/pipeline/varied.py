"""Healthy scenes of every kind that users have: both states of the pipeline, every age, every optional stage on or off,
and what people and tools leave lying about."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from blocks.catalogue_rules import kept_as
from blocks.trial_scene import Kind
from deployments.sandbox.pipeline.scenes import make_scene, make_text_scene
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder
from deployments.sandbox.storage.store import ObjectStore

EXTRAS: dict[str, bytes] = {
    ".DS_Store": b"\x00\x00\x00\x01Bud1",
    "usd/.stderr": b"",
    "geniesim_$folder$": b"",
    "replicator/_SUCCESS": b"",
    "isaac_lab/params/env.yaml": b"a: !!python/tuple [1]\n",
    "isaac_lab/notes.py": b"def (:\n",
    "assets/thumbnail.jpg": b"not a picture",
    "variation_assets/Thumbs.db": b"\xd0\xcf",
    "episodes/data/chunk-000/_SUCCESS": b"",
    "usd/readme.json": b"{",
    "seg/dataset/_SUCCESS": b"",
    "notes/meeting.yaml": b"a: [",
}
"""What is no stage's, whole or not."""
OPTIONAL = ("genie-sim-run", "genie-sim-import", "episodes", "upsell", "training", "arena", "dwm", "dream2flow")
AGES = (0, 1, 29, 30, 31, 45, 89, 91, 120, 179, 181, 300, 364, 365, 366, 380, 400)
"""Days; on both sides of every window of the retention."""


def make_varied_scene(store: ObjectStore, bucket: str, scene_id: str, seed: int, *, from_text: bool) -> SceneFolder:
    """A healthy scene; equal seeds give equal scenes up to the day they are made on.

    `from_text`: as the pipeline makes them by June 2026, else as in January.
    """
    dice = random.Random(seed)
    kind: Kind = dice.choice(("kitchen", "office", "warehouse"))
    age, now = dice.choice(AGES), datetime.now(UTC)
    make = make_text_scene if from_text else make_scene
    folder = make(
        store,
        bucket,
        scene_id,
        kind,
        objects=dice.randint(1, 6),
        upto=dice.choice(("regen3d", "usd", "isaac-lab", "genie-sim-export", *OPTIONAL)),
        without=[stage for stage in OPTIONAL if dice.random() < 0.3],
        at=now - timedelta(days=age),
        seed=seed,
    )
    folder.at = now - timedelta(days=age)
    for path, data in dice.sample(sorted(EXTRAS.items()), dice.randint(0, 4)):
        folder.write(path, data)
    if dice.random() < 0.3:
        folder.write_json("config.json", {"use_geniesim": False, "bundle_tier": dice.choice(("standard", "pro"))})
    folder.at = None
    clean_up(folder, now)
    return folder


def clean_up(folder: SceneFolder, now: datetime) -> list[str]:
    """What the pipeline's own retention job does to a scene: delete by age, silently. Returns the paths."""
    removed = []
    for found in list(folder.store.list(folder.bucket, folder.prefix)):
        path = found.name.removeprefix(folder.prefix)
        kept = kept_as(folder.catalogue.retention, path)
        if kept is not None and now - found.updated >= timedelta(days=kept[1].days):
            folder.delete(path)
            removed.append(path)
    return removed
