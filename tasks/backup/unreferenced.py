"""What no kept night needs: found by walking all copies beside the merged manifests of the kept nights.

All of it is found before any of it is deleted: a manifest that cannot be read ends the search, and nothing is deleted.

What it costs: a listing of the whole backup (a request for each 1,000 objects), and each distinct part of a kept manifest
about twice, once for each range it reaches into. A range in which nothing changed gives the same part every night, and
that is read once. In memory are at most `FAN_IN` open parts for each of `AT_A_TIME` ranges, a MiB each, however many
nights are kept; beyond that, sorted keys go through a file.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from blocks.environment import PipelineEnvironment
from blocks.storage_bulk import BulkStorage, Deletion, Entry
from tasks.backup.observe import cuts
from tasks.backup.retention import Choice
from tasks.snapshots.layout import Layout, is_night, layout_of, night_time
from tasks.snapshots.nights import read_definitions, read_entries, read_states
from tasks.snapshots.summary import Summary
from tasks.sync.key_ranges import KeyRange, key_ranges_at
from tasks.sync.listing import copies, each_key_range
from tasks.sync.merge_join import merge_join

LONGEST_RUN = timedelta(hours=48)
"""What is younger may belong to a backup that still runs or was killed, and whose successor will adopt it."""
AT_A_TIME = 4
"""Ranges that are searched at the same time."""
FAN_IN = 32
"""Manifests that are read at the same time in a range."""


@dataclass(slots=True)
class Unneeded:
    """What may be deleted, spilled to files, and what may not be yet."""

    files: list[Path] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0
    young: int = 0
    held: int = 0
    """Needed by nobody, but the bucket's retention holds them."""
    seen: int = 0
    """All objects that were looked at, needed or not."""

    def __iadd__(self, other: Unneeded) -> Unneeded:
        self.files += other.files
        self.objects, self.bytes = self.objects + other.objects, self.bytes + other.bytes
        self.young, self.held = self.young + other.young, self.held + other.held
        self.seen += other.seen
        return self

    def deletions(self, bucket: str) -> Iterator[Deletion]:
        """Each by the generation that was listed."""
        for line in lines_of(self.files):
            name, generation = orjson.loads(line)
            yield Deletion(bucket, name, generation)

    def sha256(self) -> str:
        """What stands for the list in a plan: names and generations."""
        digest = hashlib.sha256()
        for line in lines_of(self.files):
            digest.update(line)
        return digest.hexdigest()


def lines_of(files: Iterable[Path]) -> Iterator[bytes]:
    """Name and generation, one object a line."""
    for path in files:
        with path.open("rb") as lines:
            yield from lines


def note(path: Path, entries: Iterable[Entry]) -> Unneeded:
    """Write down all of these."""
    found = Unneeded([path])
    with path.open("wb") as out:
        for entry in entries:
            found.objects += 1
            found.bytes += entry.size
            out.write(orjson.dumps((entry.name, entry.generation)) + b"\n")
    return found


class Sieve:
    """Writes down what may be deleted of a stream of unneeded objects."""

    def __init__(self, path: Path, now: datetime, retention: timedelta) -> None:
        self.found = Unneeded([path])
        self._path, self._now, self._retention = path, now, retention

    def __call__(self, entries: Iterable[Entry]) -> Unneeded:
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
    reading = distinct_parts(choice.kept)

    def one(number: int, key_range: KeyRange) -> Unneeded:
        sieve = Sieve(folder / f"copies-{number:05d}", now, retention)
        there = copies(bulk, layout.bucket, layout.copies_root, "", key_range)
        keyed = ((key, key) for key in needed_keys(environment, reading, key_range, folder / f"keys-{number:05d}"))

        def unneeded() -> Iterator[Entry]:
            for key, copy in merge_join(keyed, there):
                if copy is not None:
                    sieve.found.seen += 1
                    if key is None:
                        yield copy

        return sieve(unneeded())

    found = Unneeded()
    for part in each_key_range(key_ranges_at(cuts(choice.kept[-1].parts)), one, AT_A_TIME):
        found += part
    found += Sieve(folder / "others", now, retention)(others(environment, layout, bulk, choice, now))
    return found


def distinct_parts(kept: Sequence[Summary]) -> list[Summary]:
    """The kept nights, each with those parts of its manifest that no newer one has word for word."""
    read, found = set[str](), []
    for summary in reversed(kept):
        parts = tuple(part for part in summary.parts if part.sha256 not in read)
        read |= {part.sha256 for part in parts}
        found.append(summary.model_copy(update={"parts": parts}))
    return found


def needed_keys(
    environment: PipelineEnvironment, kept: Sequence[Summary], key_range: KeyRange, spill: Path
) -> Iterator[str]:
    """The copies that the kept nights name in a range, each once, by key.

    `spill`: what the names of temporary files begin with.
    """
    streams = [keys_of(environment, summary, key_range) for summary in kept]
    rounds = 0
    while len(streams) > FAN_IN:
        path, rounds = spill.with_suffix(f".{rounds}"), rounds + 1
        with gzip.open(path, "wb", compresslevel=1) as out:
            out.writelines(key.encode() + b"\n" for key in once(heapq.merge(*streams[:FAN_IN])))
        streams = [spilled(path), *streams[FAN_IN:]]
    yield from once(heapq.merge(*streams))


def spilled(path: Path) -> Iterator[str]:
    """The keys in a file, which is then removed."""
    with gzip.open(path, "rb") as lines:
        for line in lines:
            yield line.removesuffix(b"\n").decode()
    path.unlink()


def once(keys: Iterable[str]) -> Iterator[str]:
    """Sorted keys without those that come again."""
    last: str | None = None
    for key in keys:
        if key != last:
            yield key
            last = key


def keys_of(environment: PipelineEnvironment, summary: Summary, key_range: KeyRange) -> Iterator[str]:
    """The copies of one night."""
    for entry in read_entries(environment, summary, key_range=key_range):
        yield entry.key


def needed_records(environment: PipelineEnvironment, kept: Iterable[Summary]) -> set[str]:
    """The definitions and states that the kept nights name. Equal lists are read once."""
    read, needed = set[str](), set[str]()
    for summary in kept:
        if summary.definitions is not None and summary.definitions.sha256 not in read:
            read.add(summary.definitions.sha256)
            needed |= {record.object for record in read_definitions(environment, summary)}
        if summary.terraform is not None and summary.terraform.sha256 not in read:
            read.add(summary.terraform.sha256)
            needed |= {record.object for record in read_states(environment, summary)}
    return needed


def others(
    environment: PipelineEnvironment, layout: Layout, bulk: BulkStorage, choice: Choice, now: datetime
) -> Iterator[Entry]:
    """Definitions and states in no kept list, and what nights that were killed have left."""
    needed = needed_records(environment, choice.kept)
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
