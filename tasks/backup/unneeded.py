"""What no kept night needs: found by walking all copies beside the merged manifests of the kept nights.

All of it is found before any of it is deleted: a manifest that cannot be read ends the search, and nothing is deleted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from blocks.environment import PipelineEnvironment
from blocks.storage_bulk import BulkStorage, Deletion, Entry
from tasks.backup.keeping import Choice
from tasks.backup.observe import cuts
from tasks.snapshots.layout import Layout, is_night, layout_of, night_time
from tasks.snapshots.nights import read_definitions, read_entries, read_states
from tasks.snapshots.summary import Summary
from tasks.sync.listing import copies, each_shard
from tasks.sync.shards import Shard, shards_at
from tasks.sync.walk import walk

LONGEST_RUN = timedelta(hours=48)
"""What is younger may belong to a backup that still runs or was killed, and whose successor will adopt it."""
AT_A_TIME = 4
"""Ranges that are searched at the same time: each reads a part of every kept night."""


@dataclass(slots=True)
class Unneeded:
    """What may be deleted, spilled to files, and what may not be yet."""

    files: list[Path] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0
    young: int = 0
    held: int = 0
    """Needed by nobody, but the bucket's retention holds them."""

    def __iadd__(self, other: Unneeded) -> Unneeded:
        self.files += other.files
        self.objects, self.bytes = self.objects + other.objects, self.bytes + other.bytes
        self.young, self.held = self.young + other.young, self.held + other.held
        return self

    def deletions(self, bucket: str) -> Iterator[Deletion]:
        """Each by the generation that was listed."""
        for path in self.files:
            with path.open("rb") as lines:
                for line in lines:
                    name, generation = orjson.loads(line)
                    yield Deletion(bucket, name, generation)


class Sieve:
    """Writes down what may be deleted of a stream of unneeded objects."""

    def __init__(self, path: Path, now: datetime, retention: timedelta) -> None:
        self.found = Unneeded([path])
        self._path, self._now, self._retention = path, now, retention

    def __call__(self, entries: Iterator[Entry]) -> Unneeded:
        with self._path.open("wb") as out:
            for entry in entries:
                age = self._now - datetime.fromisoformat(entry.updated)
                if age < LONGEST_RUN:
                    self.found.young += 1
                elif age < self._retention:
                    self.found.held += 1
                else:
                    self.found.objects += 1
                    self.found.bytes += entry.size
                    out.write(orjson.dumps((entry.name, entry.generation)) + b"\n")
        return self.found


def find_unneeded(
    environment: PipelineEnvironment, choice: Choice, folder: Path, now: datetime, retention: timedelta
) -> Unneeded:
    """Everything in the backup that belongs to no kept night and not to the records of the expired ones either.

    Nothing, when no good night is kept: an empty list of what is needed never means that nothing is. Raises
    `NightDamaged` when the manifest of a kept night cannot be read.
    """
    if not any(summary.good for summary in choice.kept):
        return Unneeded()
    layout, bulk = layout_of(environment), BulkStorage(environment.storage)

    def one(number: int, shard: Shard) -> Unneeded:
        there = copies(bulk, layout.bucket, layout.copies_root, "", shard)
        keyed = ((key, key) for key in needed_keys(environment, choice.kept, shard))
        unneeded = (copy for key, copy in walk(keyed, there) if key is None and copy is not None)
        return Sieve(folder / f"copies-{number:05d}", now, retention)(unneeded)

    newest = choice.kept[-1].parts if choice.kept else ()
    found = Unneeded()
    for part in each_shard(shards_at(cuts(newest)), one, AT_A_TIME):
        found += part
    found += Sieve(folder / "others", now, retention)(others(environment, layout, bulk, choice, now))
    return found


def needed_keys(environment: PipelineEnvironment, kept: tuple[Summary, ...], shard: Shard) -> Iterator[str]:
    """The copies that the kept nights name in a range, each once, by key."""
    last = ""
    for key in heapq.merge(*(keys_of(environment, summary, shard) for summary in kept)):
        if key != last:
            yield key
            last = key


def keys_of(environment: PipelineEnvironment, summary: Summary, shard: Shard) -> Iterator[str]:
    """The copies of one night."""
    for entry in read_entries(environment, summary, shard=shard):
        yield entry.key


def others(
    environment: PipelineEnvironment, layout: Layout, bulk: BulkStorage, choice: Choice, now: datetime
) -> Iterator[Entry]:
    """Definitions and states in no kept list, and what nights that were killed have left."""
    needed = {record.object for summary in choice.kept for record in read_definitions(environment, summary)}
    needed |= {record.object for summary in choice.kept for record in read_states(environment, summary)}
    for root in (layout.definitions_root, layout.terraform_root):
        for page in bulk.pages(layout.bucket, root):
            yield from (entry for entry in page if entry.name not in needed)
    recorded = {summary.night for summary in (*choice.kept, *choice.expired)}
    for root in (layout.nights_root, layout.transfers_root):
        for page in bulk.pages(layout.bucket, root):
            for entry in page:
                night = entry.name[len(root) :].partition("/")[0]
                if night not in recorded and is_night(night) and night_time(night) < now - LONGEST_RUN:
                    yield entry
