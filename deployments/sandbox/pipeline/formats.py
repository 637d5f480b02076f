"""Bytes of the file formats that the simulated stages write: JSON, glTF 2.0 binary, USD text, USDZ, PNG, tar.gz.

Everything here is a pure function of its arguments: the same input always gives the same bytes. What many scenes share
(meshes, packages, pictures) is cached, so that a benchmark with thousands of scenes pays for it once.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from blocks.trial_mesh import CORNERS, GLB_JSON, GLB_MAGIC, QUADS, Size

USDZ_ALIGNMENT = 64
"""USDZ specification: the data of every file in the package starts at a multiple of 64 bytes."""
USDZ_PADDING_ID = 0x1986
"""Header id that OpenUSD itself gives the zip extra field that it pads with."""


def canonical_sha256(value: object) -> str:
    """SHA-256 of the JSON with sorted keys and no blanks: the rule for a manifest's checksum of itself."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def glb_size(data: bytes) -> Size:
    """Size (x, y, z) of the bounding box of a glTF binary file, in its own units.

    Raises ValueError when the file is not one: wrong magic or version, a length that differs from the header's,
    no JSON chunk, or no mesh with positions in it.
    """
    if len(data) < 20:
        raise ValueError(f"not a glTF binary file: {len(data)} bytes")
    magic, version, length = struct.unpack_from("<3I", data)
    if magic != GLB_MAGIC or version != 2:
        raise ValueError("not a glTF 2.0 binary file: wrong magic or version")
    if length != len(data):
        raise ValueError(f"truncated glTF file: the header says {length} bytes, there are {len(data)}")
    json_length, kind = struct.unpack_from("<2I", data, 12)
    if kind != GLB_JSON or 20 + json_length > length:
        raise ValueError("damaged glTF file: no JSON chunk after the header")
    return _bounds(data[20 : 20 + json_length])


@lru_cache(maxsize=1024)
def _bounds(text: bytes) -> Size:
    try:
        gltf = json.loads(text)
        ids = [p["attributes"]["POSITION"] for mesh in gltf["meshes"] for p in mesh["primitives"]]
        accessors = [gltf["accessors"][i] for i in ids]
        low = [min(a["min"][axis] for a in accessors) for axis in range(3)]
        high = [max(a["max"][axis] for a in accessors) for axis in range(3)]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"damaged glTF file: no mesh with positions ({error!r})") from error
    return (high[0] - low[0], high[1] - low[1], high[2] - low[2])


@lru_cache(maxsize=1024)
def box_usdz(size: Size) -> bytes:
    """A USDZ package with one box of `size` (metres), whose default prim is `Root`."""
    points = ", ".join(f"({x * size[0]:g}, {y * size[1]:g}, {z * size[2]:g})" for x, y, z in CORNERS)
    indices = ", ".join(str(i) for quad in QUADS for i in quad)
    model = f"""#usda 1.0
(
    defaultPrim = "Root"
    metersPerUnit = 1
    upAxis = "Y"
)

def Xform "Root"
{{
    def Mesh "Box"
    {{
        int[] faceVertexCounts = [4, 4, 4, 4, 4, 4]
        int[] faceVertexIndices = [{indices}]
        point3f[] points = [{points}]
        uniform token subdivisionScheme = "none"
    }}
}}
"""
    return usdz({"model.usda": model.encode()})


def usdz(files: Mapping[str, bytes]) -> bytes:
    """A USDZ package: a zip without compression whose files start at multiples of 64 bytes, the root layer first."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            start = out.tell() + 30 + len(name.encode()) + 4
            padding = -start % USDZ_ALIGNMENT
            entry.extra = struct.pack("<2H", USDZ_PADDING_ID, padding) + bytes(padding)
            package.writestr(entry, data)
    return out.getvalue()


@lru_cache(maxsize=64)
def png(red: int, green: int, blue: int, side: int = 16) -> bytes:
    """A square picture of one colour, `side` pixels wide."""
    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    chunks = (
        (b"IHDR", struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def parquet(rows: int) -> bytes:
    """The footer of a Parquet file of so many rows (fewer than 64), without any column: a table of nothing."""
    schema = b"\x19\x1c\x48\x06schema\x15\x00\x00"
    footer = b"\x15\x02" + schema + bytes((0x16, rows * 2)) + b"\x19\x0c\x00"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def tar_gz(files: Mapping[str, bytes], now: datetime) -> bytes:
    """A gzipped tar of `files` (path to bytes), all modified at `now`."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=int(now.timestamp())) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(data), int(now.timestamp())
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
