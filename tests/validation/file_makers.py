"""Small valid files of every format the readers know, made as the tools of users make them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

POINTS = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
INDICES = struct.pack("<3H", 0, 1, 2)


def triangle() -> dict[str, Any]:
    """The JSON of a glTF mesh of one triangle, whose buffer is `POINTS + INDICES` with two bytes of padding."""
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]},
            {"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteLength": 36}, {"buffer": 0, "byteOffset": 36, "byteLength": 6}],
        "buffers": [{"byteLength": 42}],
    }


def glb(value: object, binary: bytes | None = POINTS + INDICES) -> bytes:
    """A glTF binary file; its chunks are padded to multiples of 4, as the format demands."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary is not None:
        binary += b"\0" * (-len(binary) % 4)
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 3, height: int = 2, depth: int = 8, colour: int = 2, *, interlaced: bool = False,
        pixels: bytes | None = None, notes: bytes = b"") -> bytes:  # fmt: skip
    """A PNG; `notes`: chunks between header and pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = 1 + -(-width * channels * depth // 8)
    plain = bytes(row * height if pixels is None and not interlaced else 0)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    body = chunk(b"IHDR", header) + notes
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(pixels or plain)) + chunk(b"IEND", b"")


def jpeg(*segments: bytes, scan: bytes = b"\x12\xff\x00\x34\xff\xd0\x56", end: bytes = b"\xff\xd9") -> bytes:
    """A JPEG by its markers; what is between them is no real picture."""
    frame = b"\xff\xc0\x00\x11\x08\x00\x02\x00\x02\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    return b"\xff\xd8" + b"".join(segments) + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + scan + end


def parquet(rows: int = 3) -> bytes:
    """A Parquet file without columns: magic, a footer with its number of rows, magic."""
    footer = b"\x15\x02\x19\x1c\x48\x06schema\x15\x00\x00\x16" + bytes((rows * 2,)) + b"\x19\x0c\x00"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def box(kind: bytes, data: bytes = b"") -> bytes:
    """A box of an MP4."""
    return struct.pack(">I", 8 + len(data)) + kind + data


def mp4() -> bytes:
    """An MP4 whose index comes last, as encoders write it."""
    return box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"mdat", b"frames") + box(b"moov", box(b"mvhd", bytes(100)))


def zipped(files: Mapping[str, bytes], kind: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.comment = comment
    return out.getvalue()


def packaged(files: Mapping[str, bytes], shift: int = 0) -> bytes:
    """A USDZ package; with a `shift` its files do not begin at multiples of 64 bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            room = -(out.tell() + 30 + len(name.encode()) + 4) % 64 + shift
            entry.extra = struct.pack("<HH", 0x1986, room) + bytes(room)
            package.writestr(entry, data)
    return out.getvalue()
