"""What a backup looks at before it does anything: the source beside its copies, earlier nights, what is deployed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from blocks.catalogue_query import class_of_object
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.storage_bulk import Entry
from tasks.backup.definitions import observe_deployed
from tasks.backup.night import ClassCount, Night, Source
from tasks.backup.terraform import observe_states
from tasks.snapshots.layout import is_night, layout_of, night_id, night_time
from tasks.snapshots.nights import NightDamaged, nights, read_states, read_summary
from tasks.snapshots.summary import Part, StateRecord, Summary
from tasks.sync.compare import Compared, compare_listings
from tasks.sync.copy_names import split_key
from tasks.sync.key_ranges import LEAST_OBJECTS, MOST, KeyRange, key_ranges_at, key_ranges_by_folder
from tasks.sync.listing import copies, each_key_range, sources
from tasks.sync.merge_join import merge_join
from tasks.sync.progress import ProgressCounter

UNEVEN = 4
"""When the largest part of the last night has so many times the average, ranges are cut anew."""

Pair = tuple[Entry | None, Entry | None]


def observe(night: Night, *, wait: bool) -> None:
    """Fill in what the night needs to know. Reads only.

    `wait`: whether a lock of Terraform is waited for. Raises `NotFound`, `PermanentError`, `TemporaryError` when source
    or backup cannot be listed: then nothing may be concluded.
    """
    night.reference, night.previous, damaged = earlier(night.environment)
    night.notes += damaged
    night.source = observe_source(night)
    night.deployed = observe_deployed(night.environment, night.layout)
    night.states = observe_states(night.environment, night.layout, known_states(night), wait=wait)


def known_states(night: Night) -> list[StateRecord]:
    """The states that the last good night has listed; none when that list is damaged: then they are read again."""
    try:
        return read_states(night.environment, night.reference) if night.reference else []
    except NightDamaged as error:
        night.notes.append(str(error))
        return []


def earlier(environment: PipelineEnvironment) -> tuple[Summary | None, tuple[str, str], list[str]]:
    """The last good night, the newest one's SHA-256 and name, and a sentence for each night that is damaged.

    A damaged night must not stop backups; verification makes it known.
    """
    layout, known, damaged = layout_of(environment), nights(environment), []
    newest = ("", "")
    if known:
        body = environment.storage.read(layout.bucket, layout.summary_name(known[-1]))
        newest = (hashlib.sha256(body).hexdigest(), known[-1])
    for name in reversed(known):
        try:
            summary = read_summary(environment, name, known)
        except NightDamaged as error:
            damaged.append(str(error))
            continue
        if summary.good:
            return summary, newest, damaged
    return None, newest, damaged


def new_night(night: Night) -> str:
    """The id of this night: its beginning, or a second after the newest one's if that is not later.

    Folders of nights that were killed count too, so no name is ever used again. Others do not. Raises `PermanentError`
    when no name is left.
    """
    storage, layout = night.environment.storage, night.layout
    folders = [name.rstrip("/").rpartition("/")[2] for name in storage.prefixes(layout.bucket, layout.nights_root)]
    wanted, newest = night_id(night.begun_at), max(filter(is_night, folders), default="")
    if wanted > newest:
        return wanted
    try:
        return night_id(night_time(newest) + timedelta(seconds=1))
    except (ValueError, OverflowError) as error:
        where = f"gs://{layout.bucket}/{layout.night_prefix(newest)}"
        raise PermanentError(f"{where} cannot be a night; find out who wrote it, and remove it.") from error


def observe_source(night: Night) -> Source:
    """Every object of the source beside its copy, range by range, spilled to the night's folder."""
    environment, bulk, layout, prefix = night.environment, night.bulk, night.layout, night.rules.prefix
    classify, found = classifier(environment), Source()
    progress = ProgressCounter("observing", night.reference.objects if night.reference else 0, 0, night.say)

    def one(number: int, key_range: KeyRange) -> tuple[Compared, dict[str, ClassCount]]:
        pairs = merge_join(
            sources(bulk, environment.data_bucket, prefix, key_range),
            copies(bulk, layout.bucket, layout.copies_root, prefix, key_range),
        )
        counting = Counting(classify, len(layout.copies_root))
        compared = compare_listings(counting.watch(pairs), counting.classify, night.folder, number)
        progress.add(compared.counts.seen, 0)
        return compared, counting.classes

    for compared, classes in each_key_range(ranges(night), one, night.rules.workers):
        found.compared.append(compared)
        found.counts += compared.counts
        for name, count in classes.items():
            found.classes.setdefault(name, ClassCount())
            found.classes[name] += count
    return found


def classifier(environment: PipelineEnvironment) -> Callable[[str], str | None]:
    """The class of an object's name; None for a class that is never copied."""
    catalogue, left_out = environment.catalogue, frozenset(environment.backup.left_out)

    def classify(name: str) -> str | None:
        found = class_of_object(catalogue, name)
        return None if found in left_out else found

    return classify


def ranges(night: Night) -> list[KeyRange]:
    """Where to cut the listing: as last night's parts, or by folder when there is none or it became uneven."""
    parts = [part for part in night.reference.parts if part.objects] if night.reference else []
    if parts and night.reference and night.reference.prefix == night.rules.prefix:
        average = sum(part.objects for part in parts) / len(parts)
        if max(part.objects for part in parts) <= UNEVEN * max(average, LEAST_OBJECTS):
            return key_ranges_at(cuts(parts))
    return key_ranges_by_folder(night.environment.storage, night.environment.data_bucket, night.rules.prefix)


def cuts(parts: Sequence[Part]) -> list[str]:
    """The first names of parts, small neighbours taken together."""
    least = max(LEAST_OBJECTS, sum(part.objects for part in parts) // MOST)
    found, held = [], 0
    for part in parts:
        if held and held + part.objects > least:  # a page more would be a request more
            found.append(part.first)
            held = 0
        held += part.objects
    return found


class Counting:
    """Counts by class, on the side, what a survey of one range sees."""

    def __init__(self, classify: Callable[[str], str | None], cut: int) -> None:
        """`cut`: length of the copies' root."""
        self._classify, self._cut = classify, cut
        self._last: str | None = None
        self.classes: dict[str, ClassCount] = {}

    def classify(self, name: str) -> str | None:
        """As the function it was made with; the answer is remembered for `watch`."""
        self._last = self._classify(name)
        return self._last

    def watch(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """The pairs as they are. A source without a copy, beside copies of its other generations, has changed."""
        other = ""
        for source, copy in pairs:
            yield source, copy
            if source is None:
                other = self._name(copy)
            elif self._last is not None:
                self._count(self._last, source, copy, known=other == source.name)

    def _name(self, copy: Entry | None) -> str:
        try:
            return split_key(copy.name[self._cut :])[0] if copy else ""
        except ValueError:
            return ""

    def _count(self, name_class: str, source: Entry, copy: Entry | None, *, known: bool) -> None:
        count = self.classes.setdefault(name_class, ClassCount())
        count.objects += 1
        count.bytes += source.size
        if copy is not None and (copy.size, copy.crc32c) == (source.size, source.crc32c):
            return
        count.copy_bytes += source.size
        if copy is not None:
            count.again += 1
        elif known:
            count.changed += 1
        else:
            count.new += 1
