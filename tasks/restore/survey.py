"""Observe: what a scope is, what it was, and so what must be restored. Nothing is changed; lists go to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from blocks.catalogue_query import class_of_object
from blocks.catalogue_rules import ObjectClass
from blocks.environment import PipelineEnvironment
from blocks.stored_object import Protection
from tasks.actions.object_lists import Item, ListName, line_of
from tasks.delivery.listeners import Listener
from tasks.restore.broken_objects import Damaged
from tasks.restore.request import RestoreRequest, Scope
from tasks.restore.sources import Held, Version, compare, live_of, wanted_version
from tasks.restore.versions import Name, Recorded, names, recorded
from tasks.snapshots.layout import Layout
from tasks.snapshots.summary import Summary
from tasks.sync.compare import Lines
from tasks.sync.key_ranges import KeyRange, key_ranges_at, key_ranges_by_folder
from tasks.sync.listing import each_key_range
from tasks.sync.merge_join import merge_join

NEVER: tuple[ObjectClass, ...] = ("lock", "idempotency_record", "failure_marker")
"""Put back, they block the scene or lie about it."""
MARKERS: tuple[ObjectClass, ...] = ("completion_marker", "trigger_object")
"""Put back, they start workflows: last, and only if asked."""
KEPT: tuple[ObjectClass, ...] = (*NEVER, "input")
"""Never removed as extra: what no stage of the pipeline can make again, and what is not ours to judge."""
SHOWN = 100
"""Names of one kind that are kept for the report; all are counted."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What a survey needs."""

    environment: PipelineEnvironment
    scope: Scope
    wanted: RestoreRequest
    protection: Protection
    layout: Layout | None
    night: Summary | None
    firing: tuple[Listener, ...]
    folder: Path
    """Where the lists go."""


@dataclass(slots=True)
class Found:
    """What a range, or all of them together, was found to be."""

    objects: Counter[str] = field(default_factory=Counter)
    """By what was found (`live`, `same`, `missing`, `differs`, `left_alone`, `lost`, `withheld`, `never`, `extra`,
    `kept` by the service), by list (`list:data`), of these over live objects (`over:data`), by source (`source_kind:backup`), and
    by storage class that is lost (`class:NEARLINE`)."""
    bytes: Counter[str] = field(default_factory=Counter)
    fires: Counter[str] = field(default_factory=Counter)
    """Executions by trigger, were nothing held."""
    shown: dict[str, list[str]] = field(default_factory=dict)
    """The first names that are `left_alone`, `lost`, `damaged`, `withheld`, `kept` or `extra`."""
    lists: dict[ListName, list[Path]] = field(default_factory=dict)
    from_night: int = 0
    """Objects whose version is the night's and not that of the very time."""

    def add(self, kind: str, size: int, name: str = "") -> None:
        """One more object; its name is kept if there is room."""
        self.objects[kind] += 1
        self.bytes[kind] += size
        if name and len(names := self.shown.setdefault(kind, [])) < SHOWN:
            names.append(name)

    def __iadd__(self, other: Found) -> Found:
        self.objects.update(other.objects)
        self.bytes.update(other.bytes)
        self.fires.update(other.fires)
        self.from_night += other.from_night
        for kind, found in other.shown.items():
            self.shown[kind] = [*self.shown.get(kind, []), *found][:SHOWN]
        for which, files in other.lists.items():
            self.lists.setdefault(which, []).extend(files)
        return self

    def in_list(self, which: ListName) -> int:
        """How many objects a list holds."""
        return self.objects[f"list:{which}"]


class Write(Protocol):
    """Adds an item to a list."""

    def __call__(self, which: ListName, item: Item) -> None: ...


def look(looking: Looking) -> Found:
    """Survey all of the scope, many ranges at a time."""
    found = Found()
    ranges = key_ranges(looking)
    workers = looking.environment.backup.workers
    for one in each_key_range(ranges, lambda number, key_range: observe_range(looking, number, key_range), workers):
        found += one
    return found


def key_ranges(looking: Looking) -> list[KeyRange]:
    """Ranges that make many short listings of a long one. One scene or less is one range."""
    if looking.scope.kind not in ("bucket", "prefix"):
        return [KeyRange()]
    if looking.night is not None and looking.night.parts:
        return key_ranges_at(part.first for part in looking.night.parts)
    environment = looking.environment
    return key_ranges_by_folder(environment.storage, environment.data_bucket, looking.scope.prefix)


def observe_range(looking: Looking, number: int, key_range: KeyRange) -> Found:
    """Walk one range: what the bucket holds, against what the night recorded."""
    environment, scope = looking.environment, looking.scope
    here = names(environment, looking.protection, scope.prefix, key_range)
    then: Iterable[tuple[str, Recorded]] = ()
    if looking.night is not None and looking.layout is not None:
        then = recorded(environment, looking.layout, looking.night, scope.prefix, key_range)
    found, damaged = Found(), Damaged(environment)
    with ExitStack() as stack:
        streams: dict[ListName, Lines] = {}

        def write(which: ListName, item: Item) -> None:
            if which not in streams:
                path = looking.folder / f"{which}-{number:05d}.jsonl"
                found.lists[which] = [path]
                streams[which] = Lines(stack.enter_context(path.open("wb")))
            found.add(f"list:{which}", item.size)
            streams[which].write(line_of(item))

        for name, record in merge_join(here, then):
            judge(looking, name, record, found, write, damaged)
        for lines in streams.values():
            lines.flush()
    return found


def judge(
    looking: Looking, name: Name | None, record: Recorded | None, found: Found, write: Write, damaged: Damaged
) -> None:
    """Decide about one object and note it."""
    known = name.name if name is not None else record.entry.name if record is not None else ""
    if not looking.scope.wants(known):
        return
    held = name.held if name is not None else ()
    live = live_of(held)
    if live is not None:
        found.add("live", live.size)
    kind = class_of_object(looking.environment.catalogue, known)
    entry = record.entry if record is not None else None
    version = wanted_version(held, entry, looking.wanted.at)
    if (
        version is not None
        and version.metadata_only
        and entry is not None
        and source_of(looking, known, version, record) is None
    ):
        version = wanted_version(held, entry._replace(metageneration=0), looking.wanted.at)  # better than nothing
    decision = compare(version, live)
    if decision in ("absent", "same"):
        found.add(decision, live.size if live else 0)
    elif decision == "extra":
        assert live is not None
        extra(looking, known, kind, live, found, write)
    elif kind in NEVER:
        found.add("never", 0, known)
    elif kind in MARKERS and not looking.wanted.markers:
        found.add("withheld", 0, known)
    elif decision == "differs" and not overwrites(looking, known, damaged):
        found.add("left_alone", live.size if live else 0, known)
    else:
        assert version is not None
        restore(looking, known, kind, version, record, (live, found, write))


def overwrites(looking: Looking, name: str, damaged: Damaged) -> bool:
    """Whether a live object that differs, and so is newer, may be replaced."""
    overwrite = looking.wanted.overwrite
    return overwrite == "always" or (overwrite == "damaged" and name in damaged)


def extra(looking: Looking, name: str, kind: ObjectClass, live: Held, found: Found, write: Write) -> None:
    """An object that was not there then."""
    if kind in KEPT or kind in looking.environment.backup.left_out:  # no night can tell whether that was there
        return
    found.add("extra", live.size, name)
    if looking.wanted.remove_extra:
        note_kept(found, name, live)
        bucket, content = looking.environment.data_bucket, (live.size, live.crc32c, live.updated)
        place = (live.generation, live.size, live.crc32c)
        write("extra", Item(name, "live", bucket, name, live.generation, *content, *place))


def restore(
    looking: Looking,
    name: str,
    kind: ObjectClass,
    version: Version,
    record: Recorded | None,
    rest: tuple[Held | None, Found, Write],
) -> None:
    """Write the item that brings a version back, from its source."""
    live, found, write = rest
    source = source_of(looking, name, version, record)
    if source is None:
        found.add("lost", version.size, name)
        return
    bucket, source_name, generation = source
    found.add("missing" if live is None else "overwritten", live.size if live else 0, name)
    note_kept(found, name, live)
    if version.storage_class not in ("", looking.protection.storage_class):
        found.add(f"class:{version.storage_class}", version.size)
    found.add(f"source:{version.source_kind}", version.size)
    found.from_night += not version.exact
    found.fires.update(one.trigger for one in looking.firing if one.fires(name))
    content = (version.size, version.crc32c, version.updated)
    place = (live.generation, live.size, live.crc32c) if live is not None else (0, 0, "")
    which: ListName = "markers" if kind in MARKERS else "data"
    if live is not None:
        found.add(f"over:{which}", live.size)
    write(which, Item(name, version.source_kind, bucket, source_name, generation, *content, *place))


def note_kept(found: Found, name: str, live: Held | None) -> None:
    """Count a live object that can be neither replaced nor removed, with the reason."""
    if live is not None and live.kept:
        found.add("kept", live.size, f"{name} is {live.kept}")


def source_of(looking: Looking, name: str, version: Version, record: Recorded | None) -> tuple[str, str, int] | None:
    """Bucket, name and generation to copy from; None when the copy is gone or is not what the night recorded."""
    if version.source_kind != "backup":
        return looking.environment.data_bucket, name, version.generation
    copy = record.copy if record is not None else None
    if copy is None or looking.layout is None or (copy.size, copy.crc32c) != (version.size, version.crc32c):
        return None
    return looking.layout.bucket, copy.name, copy.generation
