"""Writing the night's record: manifest parts, then the lists, then the summary; each object once."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, cast

import google_crc32c
import orjson

from blocks.errors import PreconditionFailed
from blocks.storage_bulk import Entry
from tasks.backup import definitions, terraform
from tasks.backup.copies import Copying, CopyState, Place
from tasks.backup.night import Night
from tasks.snapshots.summary import (
    MAX_PROBLEMS,
    Captured,
    DefinitionRecord,
    Part,
    StateRecord,
    Summary,
    Tally,
    body_of,
    sign,
)
from tasks.sync.compare import Compared, CopyItem, Lines, manifest_line, read_items
from tasks.sync.key_ranges import KeyRange
from tasks.sync.listing import each_key_range

UPLOADS = 4
"""Parts sent at the same time: each is in memory while it is."""


@dataclass(slots=True)
class Written:
    """One part with what it holds by class."""

    part: Part | None
    classes: dict[str, Tally]


def write_manifest(night: Night) -> str:
    """Every part of the manifest, in the order of the names; what did not come as compared is corrected."""
    copying, compared = night.copies(), night.source.compared

    def one(number: int, _: KeyRange) -> Written:
        night.check()
        return write_part(night, copying, number)

    written = each_key_range([KeyRange()] * len(compared), one, UPLOADS)
    night.parts = [found.part for found in written if found.part is not None]
    night.by_class = total(found.classes for found in written)
    return f"{sum(part.objects for part in night.parts):,} objects in {len(night.parts):,} parts"


def write_part(night: Night, copying: Copying, number: int) -> Written:
    """The part of one range; none when it has no object."""
    found, became = night.source.compared[number], copying.became[number]
    if became.count(CopyState.CAPTURED) == len(became):
        objects, first, last, path = found.counts.seen, found.first, found.last, found.part
        classes = {
            name.removeprefix("class:"): Tally(objects=count, bytes=found.counts.bytes[name])
            for name, count in found.counts.objects.items()
            if name.startswith("class:")
        }
    else:
        objects, first, last, path, classes = corrected(copying, number)
    if not objects:
        return Written(None, {})
    part = send(night, night.layout.part_name(night.id, number), path.read_bytes(), objects)
    return Written(part.model_copy(update={"first": first, "last": last}), classes)


def corrected(copying: Copying, number: int) -> tuple[int, str, str, Path, dict[str, Tally]]:
    """The part's file again, with what was captured instead of what was listed."""
    found = copying.night.source.compared[number]
    path, objects, first, last = found.part.with_suffix(".corrected"), 0, "", ""
    numbers, sizes = Counter[str](), Counter[str]()
    with gzip.open(path, "wb", compresslevel=1) as stream:
        lines = Lines(cast(IO[bytes], stream))
        for entry, name_class in captured_entries(copying, found, number):
            lines.write(manifest_line(entry, name_class))
            objects, first, last = objects + 1, first or entry.name, entry.name
            numbers[name_class] += 1
            sizes[name_class] += entry.size
        lines.flush()
    classes = {name: Tally(objects=number, bytes=sizes[name]) for name, number in numbers.items()}
    return objects, first, last, path, classes


def captured_entries(copying: Copying, found: Compared, number: int) -> Iterator[tuple[Entry, str]]:
    """What was captured of a range: what was there already, and of what was to be copied what became of it."""
    asked = enumerate(read_items(found.item))
    line, item = next(asked, (0, None))
    with gzip.open(found.part) as lines:
        for text in lines:
            said = orjson.loads(text)
            entry = Entry(*(said[name] for name in Entry._fields))
            if item is None or (entry.name, entry.generation) != (item.name, item.generation):
                yield entry, said["class"]
                continue
            kept = instead(copying, Place(number, line), entry)
            if kept is not None:
                yield kept, said["class"]
            line, item = next(asked, (0, None))


def instead(copying: Copying, place: Place, entry: Entry) -> Entry | None:
    """What the manifest says of an object that was to be copied."""
    state = copying.became[place.key_range][place.line]
    if state == CopyState.CAPTURED:
        return entry
    newer: CopyItem | None = copying.newer.get(place)
    return Entry(*newer[:7]) if state == CopyState.NEWER and newer is not None else None


def total(tallies: Iterable[dict[str, Tally]]) -> dict[str, Tally]:
    """The sums by class."""
    sums: dict[str, Tally] = {}
    for tally in tallies:
        for name, one in tally.items():
            had = sums.get(name, Tally())
            sums[name] = Tally(objects=had.objects + one.objects, bytes=had.bytes + one.bytes)
    return sums


def capture_definitions(night: Night) -> str:
    """New definitions, and the list of all that is deployed."""
    new = definitions.capture(night.environment, night.layout, night.deployed)
    records = [one.record for one in night.deployed.found]
    night.lists["definitions"] = send_list(night, night.layout.definitions_name(night.id), records)
    return f"{len(records):,} listed, {new:,} new"


def capture_terraform(night: Night) -> str:
    """New generations of the state, and the list of all."""
    records = terraform.capture(night.environment, night.layout, night.states)
    night.lists["terraform"] = send_list(night, night.layout.terraform_name(night.id), records)
    return f"{len(records):,} generations, {len(night.states.new):,} new"


def send_list(night: Night, name: str, records: Sequence[DefinitionRecord | StateRecord]) -> Part:
    """A small list as JSON lines."""
    body = b"".join(orjson.dumps(record.model_dump(mode="json")) + b"\n" for record in records)
    return send(night, name, gzip.compress(body, mtime=0), len(records))


def send(night: Night, name: str, body: bytes, objects: int) -> Part:
    """Create one gzipped object of the record."""
    create_once(night, name, body, "application/gzip")
    return Part(object=name, sha256=hashlib.sha256(body).hexdigest(), bytes=len(body), objects=objects)


def create_once(night: Night, name: str, body: bytes, content_type: str) -> None:
    """Create an object of the record. An equal one that is there was written by an earlier try of this step."""
    storage, bucket = night.environment.storage, night.layout.bucket
    try:
        storage.create(bucket, name, body, content_type=content_type)
    except PreconditionFailed:
        there = storage.stat(bucket, name)
        if there is None or (there.size, there.crc32c) != (len(body), checksum(body)):
            raise


def checksum(body: bytes) -> str:
    """CRC32C as Cloud Storage writes it."""
    return base64.b64encode(google_crc32c.value(body).to_bytes(4, "big")).decode()


def write_summary(night: Night) -> str:
    """The last object: from now on the night exists."""
    night.check()
    if night.summary is None:  # an earlier try of this step may have written it
        night.summary = sign(summarise(night), night.rules.signing_key)
    name = night.layout.summary_name(night.id)
    create_once(night, name, body_of(night.summary), "application/json")
    return f"{night.summary.outcome}: gs://{night.layout.bucket}/{name}"


def summarise(night: Night) -> Summary:
    """What the night has captured."""
    problems = (*night.problems.first, *night.deployed.problems, *night.states.problems)
    missing = sum(states.count(CopyState.UNKNOWN) for states in night.copies().became)
    return Summary(
        night=night.id,
        begun_at=night.begun_at,
        ended_at=datetime.now(UTC),
        data_bucket=night.environment.data_bucket,
        prefix=night.rules.prefix,
        engine=night.engine,
        parts=tuple(night.parts),
        objects=sum(part.objects for part in night.parts),
        bytes=sum(tally.bytes for tally in night.by_class.values()),
        by_class=night.by_class,
        copied=Tally(objects=night.copies().made_objects, bytes=night.copies().made_bytes),
        outcome="partial" if missing or problems else captured(night),
        problems=problems[:MAX_PROBLEMS],
        missing_count=missing,
        missing=tuple(islice(not_captured(night.copies()), MAX_PROBLEMS)),
        previous=night.previous[0],
        previous_night=night.previous[1],
        definitions=night.lists.get("definitions"),
        terraform=night.lists.get("terraform"),
        notes=tuple(night.all_notes()),
    )


def not_captured(copying: Copying) -> Iterator[str]:
    """The names of the objects that are not in the manifest although they should be."""
    for states, found in zip(copying.became, copying.night.source.compared, strict=True):
        if CopyState.UNKNOWN in states:
            names = (item.name for item in read_items(found.item))
            yield from (name for name, state in zip(names, states, strict=True) if state == CopyState.UNKNOWN)


def captured(night: Night) -> Captured:
    """Of a night without problems: whether anything was new."""
    made = night.copies().made_objects
    return "clean" if made or night.deployed.new or night.states.new else "nothing to do"
