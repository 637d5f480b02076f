"""Good copies of bad inputs: looked for in older generations, soft-deleted objects, and the backup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.stored_object import StoredObject
from tasks.remediation.plan import Stored
from tasks.snapshots.layout import layout_of


class Candidate(Stored):
    """A good copy of a bad object, found in older generations, soft-deleted objects or the backup."""

    object: str
    source: Literal["version", "soft_delete", "backup"]
    bucket: str
    name: str
    generation: int
    size: int
    crc32c: str


def find_offers(environment: PipelineEnvironment, scene_id: str, bad: Iterable[str]) -> list[Candidate]:
    """The best good copy of each bad object, cheapest source first.

    'Good' can only mean 'not empty and different from the bad one' here; the scene is validated again afterwards.

    Args:
        environment: The pipeline.
        scene_id: The scene.
        bad: Paths of bad objects, relative to the scene.
    """
    prefix = environment.catalogue.scene_prefix(scene_id)
    return [candidate for path in sorted(bad) if (candidate := best_copy(environment, prefix + path)) is not None]


def best_copy(environment: PipelineEnvironment, name: str) -> Candidate | None:
    """The newest older generation, else the newest soft-deleted one, else the backup's copy."""
    storage, bucket = environment.storage, environment.data_bucket
    live = storage.stat(bucket, name)

    def good(candidate: StoredObject) -> bool:
        same_content = live is not None and candidate.crc32c == live.crc32c
        return candidate.name == name and candidate.size > 0 and not candidate.is_live and not same_content

    def newest(candidates: Iterable[StoredObject]) -> StoredObject | None:
        return max((found for found in candidates if good(found)), key=lambda found: found.generation, default=None)

    if (version := newest(storage.list(bucket, name, versions=True))) is not None:
        return candidate("version", version, name)
    if storage.protection(bucket).soft_delete_seconds and (
        deleted := newest(storage.list(bucket, name, soft_deleted=True))
    ):
        return candidate("soft_delete", deleted, name)
    return backup_copy(environment, name, live)


def backup_copy(environment: PipelineEnvironment, name: str, live: StoredObject | None) -> Candidate | None:
    """The newest copy of the same object in the backup, if there is one that differs from the bad one."""
    if not environment.backup_bucket:
        return None
    layout = layout_of(environment)
    begin = layout.copy_name(name, 0).removesuffix("0")

    def good(copy: StoredObject) -> bool:
        return copy.size > 0 and (live is None or copy.crc32c != live.crc32c)

    try:
        found = [copy for copy in environment.storage.list(layout.bucket, begin) if generation_of(copy, begin)]
    except OutsideError:
        return None
    saved = max(filter(good, found), key=lambda copy: generation_of(copy, begin), default=None)
    return None if saved is None else candidate("backup", saved, name)


def generation_of(copy: StoredObject, begin: str) -> int:
    """Which generation a copy whose name begins so is of; 0 when it is the copy of another object."""
    digits, _, _ = copy.name.removeprefix(begin).partition(".")  # what follows says which state of its metadata
    return int(digits) if digits.isdecimal() else 0


def candidate(source: str, found: StoredObject, name: str) -> Candidate:
    return Candidate(
        object=name,
        source=source,
        bucket=found.bucket,
        name=found.name,
        generation=found.generation,
        size=found.size,
        crc32c=found.crc32c,
    )
