"""Comparing a night's record with what is in the backup: every copy, every definition, every state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import orjson

from blocks.errors import NotFound
from blocks.storage_bulk import BulkStorage, Entry
from tasks.backup.content import slot_of
from tasks.backup.findings import Findings
from tasks.backup.terraform import copied_already
from tasks.remediation.context import Context
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import read_definitions, read_entries, read_states
from tasks.snapshots.summary import ManifestEntry, Summary
from tasks.sync.key_ranges import KeyRange
from tasks.sync.listing import copies
from tasks.sync.merge_join import merge_join
from tasks.sync.progress import Progress, ProgressCounter

Report = Callable[[Progress], None]


class Verifying:
    """One verification on its way."""

    def __init__(self, context: Context, folder: Path, report: Report, now: datetime) -> None:
        self.context, self.folder, self.report, self.now = context, folder, report, now
        self.environment, self.layout = context.environment, layout_of(context.environment)
        self.bulk = BulkStorage(context.environment.storage)
        self.record, self.compared, self.content = Findings(), Findings(), Findings()
        """What each of the three looks finds."""
        self.trusted: list[Summary] = []
        self.newest = True
        """Whether it is of the newest night. Another one's is not a turn of the cycle: it would skip a slot of that."""
        self.slot = 0
        self.samples: list[Path] = []
        self.objects = self.read_objects = self.read_bytes = 0

    @property
    def findings(self) -> Findings:
        """All of them."""
        return self.record + self.compared + self.content

    def say(self, progress: Progress) -> None:
        """How far it is, to whoever watches."""
        self.context.say(progress.sentence())
        self.report(progress)


def compare_range(
    work: Verifying, summary: Summary, number: int, key_range: KeyRange, progress: ProgressCounter
) -> int:
    """One range; the copies whose content is to be read go to a file."""
    cycle, path, seen = work.environment.backup.content_cycle_nights, work.folder / f"sample-{number:05d}", 0
    named = ((e.key, e) for e in read_entries(work.environment, summary, key_range=key_range))
    there = copies(work.bulk, work.layout.bucket, work.layout.copies_root, summary.prefix, key_range)
    with path.open("wb") as samples:
        for entry, copy in merge_join(named, there):
            if entry is None:
                continue
            seen += 1
            progress.add(1, 0)
            alike = same(work, entry, copy)
            if copy and alike and slot_of(entry.key, cycle) == work.slot:
                samples.write(orjson.dumps(tuple(copy)) + b"\n")
    work.samples.append(path)
    return seen


def same(work: Verifying, entry: ManifestEntry, copy: Entry | None) -> bool:
    """Whether a copy is there and like the manifest says; a finding if not."""
    where = f"gs://{work.layout.bucket}/{work.layout.copies_root}{entry.key}"
    if copy is None:
        work.compared.add(
            "missing", where, "The manifest names it and it is not there; this object cannot be restored."
        )
        return False
    if (copy.size, copy.crc32c) != (entry.size, entry.crc32c):
        said = (
            f"It has {copy.size:,} bytes and CRC32C {copy.crc32c}; the manifest says {entry.size:,} and {entry.crc32c}."
        )
        work.compared.add("differs", where, said)
        return False
    return True


def check_lists(work: Verifying, summary: Summary) -> None:
    """The captured definitions by their SHA-256, the Terraform states by size and checksum."""
    storage, bucket = work.environment.storage, work.layout.bucket
    for definition in read_definitions(work.environment, summary):
        where = f"gs://{bucket}/{definition.object}"
        try:
            body = storage.read(bucket, definition.object)
        except NotFound:
            work.compared.add("missing", where, f"The definition of {definition.kind} {definition.name} is not there.")
            continue
        if hashlib.sha256(body).hexdigest() != definition.sha256:
            work.compared.add("content", where, f"It is not the definition of {definition.name} that was captured.")
    there = copied_already(work.environment, work.layout)
    for state in read_states(work.environment, summary):
        found = there.get(state.object)
        if found != (state.size, state.crc32c):
            said = "Terraform's state is not as it was captured." if found else "Terraform's state is not there."
            work.compared.add("differs" if found else "missing", f"gs://{bucket}/{state.object}", said)


def sampled(work: Verifying) -> Iterator[Entry]:
    """The copies of this slot, from the files of the comparison."""
    for path in work.samples:
        with path.open("rb") as lines:
            for line in lines:
                yield Entry(*orjson.loads(line))
