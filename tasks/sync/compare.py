"""Comparing a source with its copies, one range of names at a time: what is there, what must be copied.

Nothing is changed. What is found is spilled to files of a folder, never held: a manifest of everything that is there,
ready to be sent, and a list of what must be copied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from gzip import GzipFile
from pathlib import Path
from typing import IO, NamedTuple, cast

import orjson

from blocks.storage_bulk import Entry

FLUSH = 1 << 16
"""Bytes of lines that are gathered before they are written."""


class CopyItem(NamedTuple):
    """One object to copy, and the generation of what is in its place now (0: nothing)."""

    name: str
    generation: int
    size: int
    crc32c: str
    updated: str
    metageneration: int = 1
    storage_class: str = ""
    replaces: int = 0


@dataclass(slots=True)
class Counts:
    """Objects and bytes by what was found: of a range, or of all ranges together."""

    objects: Counter[str] = field(default_factory=Counter)
    """`same`, `new`, `differs` (the copy has other bytes), `left_out`, `older` (copies of generations gone by), and
    by class as `class:<name>`."""
    bytes: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, size: int) -> None:
        """One more object."""
        self.objects[kind] += 1
        self.bytes[kind] += size

    def __iadd__(self, other: Counts) -> Counts:
        self.objects.update(other.objects)
        self.bytes.update(other.bytes)
        return self

    @property
    def seen(self) -> int:
        """Objects of the source that belong into the manifest."""
        return self.objects["same"] + self.objects["new"] + self.objects["differs"]

    @property
    def to_copy(self) -> tuple[int, int]:
        """Objects and bytes to copy."""
        kinds = ("new", "differs")
        return sum(self.objects[kind] for kind in kinds), sum(self.bytes[kind] for kind in kinds)


@dataclass(slots=True)
class Compared:
    """What one range holds, with the files of it."""

    number: int
    part: Path
    """The manifest's lines of this range, gzipped."""
    item: Path
    """What must be copied, a line each."""
    counts: Counts = field(default_factory=Counts)
    first: str = ""
    last: str = ""
    """First and last name in the manifest's part; empty when it has none."""


def compare_listings(
    pairs: Iterable[tuple[Entry | None, Entry | None]],
    classify: Callable[[str], str | None],
    folder: Path,
    number: int,
) -> Compared:
    """Look at every pair of a range and spill what was found. Equal ranges give equal bytes, whatever the time is.

    Args:
        pairs: Source and copy, as `walk` gives them.
        classify: The class of an object's name; None for one that is never copied.
        folder: Where the two files go.
        number: Of the range; part of the files' names.
    """
    found = Compared(number, folder / f"part-{number:05d}.jsonl.gz", folder / f"item-{number:05d}.jsonl")
    with found.part.open("wb") as raw, found.item.open("wb") as item, GzipFile("", "wb", 1, raw, 0) as part:
        parts, items = Lines(cast(IO[bytes], part)), Lines(item)
        for source, copy in pairs:
            if source is None:
                found.counts.add("older", copy.size if copy else 0)
                continue
            name_class = classify(source.name)
            if name_class is None:
                found.counts.add("left_out", source.size)
                continue
            note(found, source, name_class, parts)
            kind = compare(source, copy)
            found.counts.add(kind, source.size)
            if kind != "same":
                items.write(orjson.dumps((*source, copy.generation if copy else 0)))
        parts.flush()
        items.flush()
    return found


def compare(source: Entry, copy: Entry | None) -> str:
    """`new`, `same` or `differs`. Size and checksum decide; a time never does."""
    if copy is None:
        return "new"
    return "same" if (source.size, source.crc32c) == (copy.size, copy.crc32c) else "differs"


def note(found: Compared, source: Entry, name_class: str, parts: Lines) -> None:
    """Write the manifest's line of an object, and count its class."""
    found.first = found.first or source.name
    found.last = source.name
    found.counts.add(f"class:{name_class}", source.size)
    parts.write(manifest_line(source, name_class))


def manifest_line(entry: Entry, name_class: str) -> bytes:
    """An object's line in a manifest: JSON, without its line end."""
    return orjson.dumps({**entry._asdict(), "class": name_class})


class Lines:
    """Writes lines, many at a time."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._buffer = stream, bytearray()

    def write(self, line: bytes) -> None:
        """Add a line."""
        self._buffer += line
        self._buffer += b"\n"
        if len(self._buffer) >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        self._stream.write(self._buffer)
        self._buffer.clear()


def read_items(path: Path) -> Iterator[CopyItem]:
    """What must be copied, from its file."""
    with path.open("rb") as lines:
        for line in lines:
            yield CopyItem(*orjson.loads(line))
