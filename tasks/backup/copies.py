"""Making the night's copies, and finding out exactly what became of each.

A source lives on while it is copied. What a copy answered is therefore settled by looking: an equal copy that is there
is adopted, a source that has a newer generation is captured in that one instead, one that is gone is left out. A single
byte for each object to copy says which; the manifest is made from them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from enum import IntEnum
from threading import Lock
from typing import NamedTuple

from blocks.errors import OutsideError
from blocks.storage_bulk import Answer, Copy
from tasks.backup.night import Night
from tasks.sync.compare import CopyItem, read_items
from tasks.sync.copying import Job, copy_all, copy_alone, groups, in_parallel
from tasks.sync.progress import ProgressCounter

CHASES = 3
"""How often a source that changes while it is copied is followed to its newer generation."""


class CopyState(IntEnum):
    """What became of one object to copy."""

    UNKNOWN = 0
    """Not tried, or nobody knows: not in the manifest."""
    CAPTURED = 1
    NEWER = 2
    """A newer generation than the one listed was captured."""
    GONE = 3
    """The source was deleted before it could be copied."""


class Place(NamedTuple):
    """Which object to copy: the number of its range, and its line there."""

    key_range: int
    line: int


class PendingCopy(NamedTuple):
    """An object to copy with its place."""

    place: Place
    item: CopyItem


class TooManyFailures(Exception):
    """So many copies failed that the rest is not tried."""


class Copying:
    """The copies of one night. Bytes in memory: one for each object to copy, and the newer generations captured."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self.became = [bytearray(found.counts.to_copy[0]) for found in night.source.compared]
        self.newer: dict[Place, CopyItem] = {}
        self.made_objects = self.made_bytes = 0
        objects, size = night.source.counts.to_copy
        self._progress = ProgressCounter("copying", objects, size, night.say)
        self._done: str | None = None
        self._lock = Lock()

    def once(self) -> str:
        """Make all copies, whoever asks first; what became of them in one phrase.

        Raises `PermanentError`, and whatever the night's check raises (`LeaseLost`); then nothing is known of the rest.
        """
        with self._lock:
            if self._done is None:
                self._done = self._carry_out()
            return self._done

    def asked(self) -> Iterator[PendingCopy]:
        """All that is to be copied and was not settled yet, from the files of the survey."""
        for key_range, found in enumerate(self.night.source.compared):
            for line, item in enumerate(read_items(found.item)):
                if self.became[key_range][line] == CopyState.UNKNOWN:
                    yield PendingCopy(Place(key_range, line), item)

    def captured(self, asked: PendingCopy, item: CopyItem) -> None:
        """An object is captured, in this generation. Called by one thread."""
        same = (item.generation, item.metageneration) == (asked.item.generation, asked.item.metageneration)
        self.became[asked.place.key_range][asked.place.line] = CopyState.CAPTURED if same else CopyState.NEWER
        if not same:
            self.newer[asked.place] = item
        self.made_objects += 1
        self.made_bytes += item.size
        self._progress.add(1, asked.item.size)

    def copy(self, jobs: Iterator[Job[PendingCopy]]) -> None:
        """Make these copies; settle what did not simply succeed."""
        rules = self.night.rules
        answers = copy_all(
            self.night.bulk, jobs, workers=rules.workers, check=self.night.check, rewrites=self.night.rewrites
        )
        with closing(self._unsettled(answers)) as unsettled:
            for group in groups(unsettled, 4 * rules.workers):
                self.settle(group)

    def settle(self, group: list[PendingCopy]) -> None:
        """Look what became of copies that were not answered with success. Raises `TooManyFailures`."""
        settled = in_parallel(group, lambda asked: [(asked, self._look(asked.item))], self.night.rules.workers)
        for asked, found in settled:
            if isinstance(found, CopyItem):
                self.captured(asked, found)
            elif found is None:
                self.became[asked.place.key_range][asked.place.line] = CopyState.GONE
                self._progress.add(1, 0)
            else:
                self.night.problems.add(found)
                self._progress.add(0, 0, failed=1)
        if self.night.problems.count >= self.night.rules.max_failures:
            raise TooManyFailures

    def _carry_out(self) -> str:
        try:
            if self.night.engine == "transfer":
                from tasks.backup.transfer import copy_by_transfer

                copy_by_transfer(self)
            else:
                self.copy(self._jobs())
        except TooManyFailures:
            self.night.notes.append(
                f"Copying stopped after {self.night.problems.count:,} failures (max_failures); the rest was not tried."
            )
        self._progress.finish()
        return self._tell()

    def _jobs(self) -> Iterator[Job[PendingCopy]]:
        for asked in self.asked():
            yield Job(self._copy_of(asked.item), asked.item.size, asked)

    def _copy_of(self, item: CopyItem) -> Copy:
        layout, data = self.night.layout, self.night.environment.data_bucket
        target = layout.copy_name(item.name, item.generation, item.metageneration)
        return Copy(data, item.name, item.generation, layout.bucket, target, item.replaces, item.metageneration)

    def _unsettled(self, answers: Iterator[tuple[PendingCopy, Answer]]) -> Generator[PendingCopy, None, None]:
        for asked, answer in answers:
            if answer.result == "done" and (answer.size, answer.crc32c) == (asked.item.size, asked.item.crc32c):
                self.captured(asked, asked.item)
            else:
                yield asked

    def _look(self, item: CopyItem) -> CopyItem | str | None:
        """What was captured of an object; None when it is gone, a sentence when it could not be captured."""
        wanted, why = item, ""
        try:
            for _ in range(1 + CHASES):
                self.night.check()
                current = self._current(wanted)
                if current is None:
                    return None
                if isinstance(current, Answer):
                    return wanted
                wanted = current
                answer = copy_alone(self.night.bulk, self._copy_of(wanted), self.night.check, self.night.rewrites)
                if answer.result == "done" and (answer.size, answer.crc32c) == (wanted.size, wanted.crc32c):
                    return wanted
                why = answer.message or "its copy has other bytes"
        except OutsideError as error:
            why = str(error)
        if wanted.replaces:
            why = f"its copy holds other bytes and could not be replaced, perhaps because of a retention policy. {why}"
        uri = f"gs://{self.night.environment.data_bucket}/{item.name}"
        return f"{uri} generation {wanted.generation} could not be captured: {why}"

    def _current(self, item: CopyItem) -> CopyItem | Answer | None:
        """What to copy now: the source as it lives with the generation in its copy's place. An `Answer`: all is there.

        None: the source is gone.
        """
        storage, layout = self.night.environment.storage, self.night.layout
        there = storage.stat(layout.bucket, layout.copy_name(item.name, item.generation, item.metageneration))
        if there is not None and (there.size, there.crc32c) == (item.size, item.crc32c):
            return Answer("done")
        live = storage.stat(self.night.environment.data_bucket, item.name)
        if live is None:
            return None
        if (live.generation, live.metageneration) == (item.generation, item.metageneration):
            return item._replace(replaces=there.generation if there else 0)
        newer = layout.copy_name(item.name, live.generation, live.metageneration)
        there = storage.stat(layout.bucket, newer)
        return CopyItem(
            item.name,
            live.generation,
            live.size,
            live.crc32c,
            live.updated.isoformat(),
            live.metageneration,
            live.storage_class,
            there.generation if there else 0,
        )

    def _tell(self) -> str:
        objects = self.night.source.counts.to_copy[0]
        counts = {kind: sum(states.count(kind) for states in self.became) for kind in CopyState}
        if counts[CopyState.NEWER]:
            self.night.notes.append(
                f"{counts[CopyState.NEWER]:,} objects changed while they were copied; their newer generation was captured."
            )
        if counts[CopyState.GONE]:
            self.night.notes.append(
                f"{counts[CopyState.GONE]:,} objects were deleted at the source before being copied."
            )
        captured = counts[CopyState.CAPTURED] + counts[CopyState.NEWER]
        return (
            f"{captured:,} of {objects:,} captured, {counts[CopyState.GONE]:,} gone, {counts[CopyState.UNKNOWN]:,} not"
        )
