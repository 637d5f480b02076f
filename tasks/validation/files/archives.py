"""Archives: zip, gzip and tar, looked at within bounds and never unpacked onto a disk.

zip: PKWARE APPNOTE 6.3.10; gzip: RFC 1952, which allows several members and zeros after the last one.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from tasks.validation.documents.documents import Problem
from tasks.validation.documents.quoting import sentence
from tasks.validation.files.pieces import Pieces, Stream

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""Bytes that are unpacked of one archive to see whether they fit their checksums."""
MAX_PACKED_BYTES = 64 * 1024 * 1024
"""An archive that is larger is only looked at from outside."""
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
"""A zip whose directory is longer is not looked at: it has some 50,000 files."""
MAX_MEMBERS = 10_000
_STEP = 16 * 1024
_END = b"PK\x05\x06"
_LONG = 0xFFFFFFFF
"""A zip's directory has this length where the real one is in the record of 64 bits before it."""


def archive_problems(pieces: Pieces, name: str) -> Iterator[Problem]:
    """What is wrong with an archive called `name`; its ending says what it is."""
    lowered = name.lower()
    if lowered.endswith((".gz", ".tgz")):
        yield from gzip_problems(pieces)
    elif lowered.endswith(".tar"):
        yield from _tar(pieces)
    else:
        yield from _zip(pieces)


def gzip_problems(pieces: Pieces) -> Iterator[Problem]:
    """Whether every member can be unpacked to its end."""
    if pieces.at(0, 3)[:2] != b"\x1f\x8b":
        yield Problem("file-not-what-it-says", "it is no gzip file")
        return
    if pieces.size > MAX_PACKED_BYTES:
        return
    try:
        rest = _inflate(pieces)
    except zlib.error as error:
        yield Problem("archive-damaged", f"it cannot be unpacked: {sentence(error)}")
        return
    if rest is None:
        yield Problem("archive-damaged", "it is cut off: its data ends early")
    elif rest < 0:
        limit = MAX_UNPACKED_BYTES // 1024**2
        yield Problem(
            "not-all-read", f"it unpacks to more than {limit} MiB, or has too many members; the rest was not looked at"
        )


def open_zip(pieces: Pieces) -> zipfile.ZipFile | Problem:
    """The archive's directory, or why there is none. An archive with too long a directory is not looked at."""
    tail = pieces.at(max(pieces.size - 65_557, 0), 65_557)
    end = tail.rfind(_END)
    if end < 0:
        return Problem("archive-damaged", "it is cut off: it has no directory at its end")
    if MAX_DIRECTORY_BYTES < _directory_bytes(pieces, tail, end) <= pieces.size:
        return Problem("not-all-read", "its directory is too long to be looked at")
    try:
        return zipfile.ZipFile(io.BufferedReader(Stream(pieces)))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        return Problem("archive-damaged", f"it is no readable zip: {sentence(error)}")


def contents_problem(archive: zipfile.ZipFile, room: int = MAX_UNPACKED_BYTES) -> Problem | None:
    """Whether the files fit their checksums, as far as `room` bytes go. Encrypted files are left alone."""
    for entry in archive.infolist():
        if entry.flag_bits & 1 or entry.is_dir():
            continue
        try:
            with archive.open(entry) as file:
                while part := file.read(_STEP):
                    room -= len(part)
                    if room < 0:
                        return Problem("not-all-read", "it unpacks to more than is looked at")
        except NotImplementedError:
            continue  # a way of packing that this library does not know
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError) as error:
            return Problem("archive-damaged", f"a file in it cannot be unpacked: {sentence(error)}")
    return None


def _directory_bytes(pieces: Pieces, tail: bytes, end: int) -> int:
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    if length != _LONG or end < 20:
        return length
    record = pieces.at(int.from_bytes(tail[end - 12 : end - 4], "little"), 56)
    return int.from_bytes(record[40:48], "little")


def _zip(pieces: Pieces) -> Iterator[Problem]:
    opened = open_zip(pieces)
    if isinstance(opened, Problem):
        yield opened
        return
    with opened as archive:
        problem = contents_problem(archive) if pieces.size <= MAX_PACKED_BYTES else None
    if problem:
        yield problem


def _tar(pieces: Pieces) -> Iterator[Problem]:
    try:
        with tarfile.open(fileobj=io.BufferedReader(Stream(pieces)), mode="r:") as archive:
            for count, _ in enumerate(archive):
                if count >= MAX_MEMBERS:
                    yield Problem("not-all-read", f"it holds more than {MAX_MEMBERS:,} files")
                    return
    except (tarfile.TarError, ValueError, OSError, EOFError, RecursionError) as error:
        yield Problem("archive-damaged", f"it is no readable tar: {sentence(error)}")


def _inflate(pieces: Pieces) -> int | None:
    """Bytes of room that are left after unpacking, below 0 when there was not enough; None when the data ends early."""
    place, room, members = 0, MAX_UNPACKED_BYTES, 0
    while place < pieces.size and pieces.at(place, 2) == b"\x1f\x8b":
        members += 1
        if members > MAX_MEMBERS:
            return -1
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or pieces.at(place, _STEP)
            place += 0 if unpacker.unconsumed_tail else len(packed)
            if not packed:
                return None
            room -= len(unpacker.decompress(packed, _STEP))
            if room < 0:
                return room
        place -= len(unpacker.unused_data)
    return room
