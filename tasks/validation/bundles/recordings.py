"""Recordings of episodes: Parquet by its footer, videos by their boxes, arrays by their header.

Parquet: apache/parquet-format; the footer is Thrift in its compact protocol. MP4 and MOV: ISO/IEC 14496-12. NumPy: NEP 1.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from tasks.validation.bundles.thrift import ThriftError, number_in
from tasks.validation.documents.documents import Problem
from tasks.validation.documents.quoting import show
from tasks.validation.files.pieces import Pieces

MAX_FOOTER_BYTES = 16 * 1024 * 1024
MAX_BOXES = 100_000
MAX_BRAND_BYTES = 512
_PARQUET = (b"PAR1", b"PARE")
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid", b"sidx", b"moof")
_NUM_ROWS = 3
"""The field of a Parquet footer that says how many rows the file has."""


def parquet_problems(pieces: Pieces) -> Iterator[Problem]:
    """Whether a Parquet file is whole: its magic at both ends, and a footer that fits in between."""
    if pieces.at(0, 4) not in _PARQUET:
        shown = show(pieces.at(0, 16).decode("latin-1"))
        yield Problem("file-not-what-it-says", f"it is no Parquet file; it begins with {shown}")
        return
    tail = pieces.at(max(pieces.size - 8, 0), 8)
    if pieces.size < 12 or tail[4:] not in _PARQUET:
        yield Problem("file-not-what-it-says", "it is cut off: it ends without its footer")
        return
    length = int.from_bytes(tail[:4], "little")
    if length + 12 > pieces.size:
        yield Problem("file-not-what-it-says", f"its footer of {length:,} bytes does not fit into it")
    elif not length:
        yield Problem("recording-odd", "its footer is empty")
    elif tail[4:] == b"PAR1":
        try:
            parquet_rows(pieces)
        except ThriftError as error:
            yield Problem("file-not-what-it-says", f"its footer cannot be read: {error}")


def parquet_rows(pieces: Pieces) -> int | None:
    """How many rows a Parquet file has by its footer; None when that is encrypted, empty or too long to be read.

    Raises `ThriftError` when the footer is damaged.
    """
    tail = pieces.at(max(pieces.size - 8, 0), 8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or not 0 < length <= min(pieces.size - 12, MAX_FOOTER_BYTES):
        return None
    return number_in(pieces.at(pieces.size - 8 - length, length), _NUM_ROWS)


_OTHER_CONTAINERS = (b"\x1a\x45\xdf\xa3", b"RIFF")
"""How Matroska and WebM, and AVI begin."""


def video_problems(pieces: Pieces) -> Iterator[Problem]:
    """Whether a video's boxes are whole and one of them says what is in the others (`moov`, anywhere)."""
    if pieces.at(0, 4) in _OTHER_CONTAINERS:
        yield Problem("recording-odd", "it is a video of another container than its name says; readers go by the bytes")
        return
    place, seen = 0, set[bytes]()
    for _ in range(MAX_BOXES):
        head = pieces.at(place, 16)
        if len(head) < 8:
            break
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if not place and kind not in _FIRST_BOXES:
            yield Problem("file-not-what-it-says", f"it is no video; it begins with {show(head.decode('latin-1'))}")
            return
        if kind == b"ftyp" and not _brands(pieces.at(place + 8, min(length, MAX_BRAND_BYTES) - 8)).isascii():
            yield Problem("recording-odd", "the names of the formats it follows are no text")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0 or not kind.strip(b"\0"):
            seen.add(kind)
            break  # up to the end, or padding after the last box
        if length < 8 or place + length > pieces.size:
            if b"moov" in seen and kind not in (b"mdat", b"moof"):
                break  # what follows a whole video is no part of it
            yield Problem("file-not-what-it-says", f"it is cut off in its box {show(kind.decode('latin-1'))}")
            return
        seen.add(kind)
        place += length
    if not seen & {b"moov", b"moof"}:
        yield Problem("file-not-what-it-says", "it holds no index (moov): the recording was not ended properly")


def _brands(body: bytes) -> bytes:
    """What a video says it follows: names of four letters, after the first of which its version stands."""
    return body[:4] + body[8:]


def array_problems(pieces: Pieces) -> Iterator[Problem]:
    """Whether a NumPy array is as long as its header says."""
    head = pieces.at(0, 12)
    if not head.startswith(b"\x93NUMPY"):
        yield Problem("file-not-what-it-says", f"it is no NumPy array; it begins with {show(head.decode('latin-1'))}")
        return
    if len(head) < 12:
        yield Problem("file-not-what-it-says", "it is cut off within its first bytes")
        return
    wide = head[6] > 1
    start = 12 if wide else 10
    length = int.from_bytes(head[8:start], "little")
    try:
        header = ast.literal_eval(pieces.at(start, min(length, 64 * 1024)).decode("latin-1").strip())
        item, shape = str(header["descr"]), [int(side) for side in header["shape"]]
        size = int("".join(c for c in item.lstrip("<>|=") if c.isdigit())) * (4 if "U" in item else 1)
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError):
        return  # an array of records or of objects
    if (
        "O" not in item
        and "M" not in item
        and "m" not in item
        and start + length + math.prod(shape) * size > pieces.size
    ):
        yield Problem("file-not-what-it-says", f"it is cut off: it has fewer numbers than its shape {show(shape)} says")
