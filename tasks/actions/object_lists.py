"""Lists of objects that a run is about: a line an object, in files while planning, in the ops bucket once it has begun.

    remediation/restore/<run>/<list>/00000.jsonl.gz         what is to be done, 5,000 objects
    remediation/restore/<run>/<list>/00000.done.jsonl.gz    what became of them, written when all of them have ended

Each is created once. A run that was killed goes on with the first part that has no `done`.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.storage_bulk import BulkStorage, Entry

ROOT = "remediation/restore/"
PART = 5000
"""Objects in one part of a list: what is held in memory, and what is looked at again after a kill."""

ListName = Literal["data", "markers", "extra"]

SourceKind = Literal["live", "version", "soft_delete", "backup", "quarantine"]
"""Where the wanted bytes are; `live`: it is the live object, to be removed."""


class Item(NamedTuple):
    """One object to restore, or (source `live`) to remove."""

    name: str
    source_kind: SourceKind
    source_bucket: str
    source: str
    source_generation: int
    size: int
    crc32c: str
    updated: str
    """When the wanted version was written, RFC 3339."""
    live_generation: int
    """What it is put in the place of; 0: nothing is there."""
    live_size: int = 0
    live_crc32c: str = ""


class Done(NamedTuple):
    """What became of one item."""

    name: str
    generation: int
    """The generation this run wrote; 0: none."""
    result: Literal["done", "changed", "gone"]
    """`changed`: somebody else wrote it meanwhile; it was left alone. `gone`: its source is not there any more."""


def line_of(item: NamedTuple) -> bytes:
    """One line, without its end."""
    return orjson.dumps(tuple(item))


def lines_of(files: Iterable[Path]) -> Iterator[bytes]:
    """The lines of these files, without their ends."""
    for path in files:
        with path.open("rb") as lines:
            for line in lines:
                yield line.rstrip(b"\n")


def cut(files: Iterable[Path]) -> Iterator[list[bytes]]:
    """The parts of a list: the lines of these files, so many at a time."""
    lines = lines_of(files)
    while part := list(islice(lines, PART)):
        yield part


def digests_of(files: Iterable[Path]) -> tuple[str, ...]:
    """SHA-256 of each part of a list: what a plan names it by."""
    return tuple(map(digest_of, cut(files)))


def digest_of(lines: Iterable[bytes]) -> str:
    """SHA-256 of a part's lines."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line + b"\n")
    return digest.hexdigest()


def send(environment: PipelineEnvironment, run: str, which: ListName, files: Sequence[Path]) -> None:
    """Put a list into the ops bucket, in parts."""
    for number, part in enumerate(cut(files)):
        create(environment, part_name(run, which, number), part)


def part_name(run: str, which: ListName, number: int, done: bool = False) -> str:
    """The object that holds one part."""
    return f"{ROOT}{run}/{which}/{number:05d}{'.done' if done else ''}.jsonl.gz"


def create(environment: PipelineEnvironment, name: str, lines: Sequence[bytes]) -> None:
    """Write one part; an equal one that is there already is fine (a run that was killed wrote it)."""
    body = gzip.compress(b"".join(line + b"\n" for line in lines), compresslevel=1, mtime=0)
    try:
        environment.storage.create(environment.ops_bucket, name, body, content_type="application/gzip")
    except PreconditionFailed:
        if environment.storage.read(environment.ops_bucket, name) != body:
            raise


def read_lines(environment: PipelineEnvironment, name: str) -> list[bytes] | None:
    """The lines of one part; None when it is not there. Raises PermanentError when they cannot be read."""
    try:
        body = environment.storage.read(environment.ops_bucket, name)
    except NotFound:
        return None
    try:
        return gzip.decompress(body).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise PermanentError(
            f"gs://{environment.ops_bucket}/{name} is not what a run wrote; find out who changed it."
        ) from error


def parts(environment: PipelineEnvironment, run: str, which: ListName) -> Iterator[tuple[int, list[Item]]]:
    """The parts of a list as they are there, in order; none for a run that has no such list."""
    number = 0
    while (items := read_items(environment, part_name(run, which, number))) is not None:
        yield number, items
        number += 1


def planned_parts(
    environment: PipelineEnvironment, run: str, which: ListName, sha256: Sequence[str]
) -> Iterator[tuple[int, list[Item]]]:
    """The parts of a list in order, each read once and compared with the plan before anything is done with it.

    Raises:
        PermanentError: a part is not the one that the plan was approved with.
    """
    for number, expected in enumerate(sha256):
        lines = read_lines(environment, part_name(run, which, number))
        if lines is None or digest_of(lines) != expected:
            raise PermanentError(
                f"The list gs://{environment.ops_bucket}/{part_name(run, which, number)} is not the one of the plan; "
                "nothing of it was done. Find out who changed it, and plan again."
            )
        yield number, items_in(lines)


def read_items(environment: PipelineEnvironment, name: str) -> list[Item] | None:
    """The items of one part; None when it is not there."""
    lines = read_lines(environment, name)
    return None if lines is None else items_in(lines)


def items_in(lines: Iterable[bytes]) -> list[Item]:
    """The items of a part. Raises PermanentError when they are none."""
    try:
        return [Item(*orjson.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise PermanentError(f"A list holds a line that is no item ({error}); plan again.") from error


def read_done(environment: PipelineEnvironment, run: str, which: ListName, number: int) -> list[Done] | None:
    """What became of a part; None when it has not ended."""
    lines = read_lines(environment, part_name(run, which, number, done=True))
    return None if lines is None else [Done(*orjson.loads(line)) for line in lines]


def write_done(environment: PipelineEnvironment, run: str, which: ListName, number: int, done: Sequence[Done]) -> None:
    """Record that a part has ended."""
    create(environment, part_name(run, which, number, done=True), [line_of(one) for one in done])


def live_now(environment: PipelineEnvironment, items: Sequence[Item]) -> Iterator[tuple[Item, Entry | None]]:
    """Each item with the live object of its name, by one listing from the first name to the last."""
    if not items:
        return
    ahead = {item.name: item for item in items}
    first, last = min(ahead), max(ahead)
    for page in BulkStorage(environment.storage).pages(environment.data_bucket, start=first, end=last + "\0"):
        for entry in page:
            if (item := ahead.pop(entry.name, None)) is not None:
                yield item, entry
    for item in ahead.values():
        yield item, None


def holds(item: Item, entry: Entry | None) -> bool:
    """Whether the live object has the wanted bytes."""
    return entry is not None and (entry.size, entry.crc32c) == (item.size, item.crc32c)
