"""All that is known of each name of a range: its live object, its older versions, its soft-deleted ones. Streamed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from blocks.environment import PipelineEnvironment
from blocks.object_protection import kept_by
from blocks.storage_bulk import BulkStorage, Entry
from blocks.stored_object import Protection, StoredObject
from tasks.actions.object_lists import SourceKind
from tasks.restore.sources import Held
from tasks.snapshots.layout import Layout
from tasks.snapshots.nights import read_entries
from tasks.snapshots.summary import ManifestEntry, Summary
from tasks.sync.copy_names import copy_key, in_copy_order
from tasks.sync.key_ranges import KeyRange
from tasks.sync.listing import copies
from tasks.sync.merge_join import merge_join


class Name(NamedTuple):
    """One name with every generation that the bucket holds of it."""

    name: str
    generation: int
    """Always 0: a name has none; it is put in the order of the copies by this."""
    held: tuple[Held, ...]
    metageneration: int = 1


class Recorded(NamedTuple):
    """What a night recorded under a name, and the copy of it (None: it is gone)."""

    entry: ManifestEntry
    copy: Entry | None


def names(
    environment: PipelineEnvironment, protection: Protection, prefix: str, key_range: KeyRange
) -> Iterator[tuple[str, Name]]:
    """Every name under `prefix` in a range, each with its key, in the order of the copies: at most three listings."""
    storage, bucket = environment.storage, environment.data_bucket
    start, end = key_range.start or None, key_range.end or None
    listings = [storage.list(bucket, prefix, versions=protection.versioning, start=start, end=end)]
    if protection.soft_delete_seconds:
        listings.append(storage.list(bucket, prefix, soft_deleted=True, start=start, end=end))
    merged = heapq.merge(*listings, key=attrgetter("name"))
    return in_copy_order(
        Name(name, 0, tuple(held_of(one, protection) for one in found))
        for name, found in groupby(merged, key=attrgetter("name"))
    )


def held_of(found: StoredObject, protection: Protection) -> Held:
    """What a listed generation says of its life."""
    source_kind: SourceKind = "live" if found.is_live else "soft_delete" if found.soft_deleted_at else "version"
    ended = found.noncurrent_at or found.soft_deleted_at
    return Held(
        source_kind,
        found.generation,
        found.size,
        found.crc32c,
        found.updated.isoformat(),
        found.created,
        ended,
        found.metageneration,
        found.storage_class,
        kept_by(found, protection, datetime.now(UTC)) if found.is_live else "",
    )


def recorded(
    environment: PipelineEnvironment, layout: Layout, summary: Summary, prefix: str, key_range: KeyRange
) -> Iterator[tuple[str, Recorded]]:
    """What the night recorded under `prefix` in a range, each with its copy, by the same keys as `names`."""
    entries = ((one.key, one) for one in read_entries(environment, summary, prefix, key_range))
    bulk = BulkStorage(environment.storage)
    there = copies(bulk, layout.bucket, layout.copies_root, prefix, key_range)
    for entry, copy in merge_join(entries, there):
        if entry is not None:
            yield copy_key(entry.name, 0), Recorded(entry, copy)
