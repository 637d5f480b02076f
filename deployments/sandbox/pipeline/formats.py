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
from datetime import UTC, datetime
from functools import lru_cache

Size = tuple[float, float, float]

GLB_MAGIC, GLB_JSON, GLB_BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
GLB_OVERHEAD = 28
"""Bytes of the glTF header (12) and of the two chunk headers (8 each)."""
GLB_JSON_BYTES = 1024
"""The JSON chunk is padded to this with spaces, so that the file's length can be chosen exactly."""
USDZ_ALIGNMENT = 64
"""USDZ specification: the data of every file in the package starts at a multiple of 64 bytes."""
USDZ_PADDING_ID = 0x1986
"""Header id that OpenUSD itself gives the zip extra field that it pads with."""

_CORNERS = tuple((x, y, z) for z in (-0.5, 0.5) for y in (-0.5, 0.5) for x in (-0.5, 0.5))
_QUADS = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))


def json_bytes(value: object) -> bytes:
    """`value` as compact UTF-8 JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def canonical_sha256(value: object) -> str:
    """SHA-256 of the JSON with sorted keys and no blanks: the rule for a manifest's checksum of itself."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def timestamp(now: datetime) -> str:
    """UTC as the pipeline's jobs write it, e.g. `2026-01-18T09:30:00.000000Z`."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=128)
def glb_box(size: Size, total_bytes: int | None = None) -> bytes:
    """A box of `size` (metres, centred on the origin) as a glTF 2.0 binary file.

    `total_bytes`: length of the whole file, rounded up to a multiple of 4; the BIN chunk is padded with zeros, as big
    meshes are. Default: as small as it gets. Raises ValueError when a box does not fit into `total_bytes`.
    """
    points = b"".join(struct.pack("<3f", *(c * s for c, s in zip(corner, size, strict=True))) for corner in _CORNERS)
    corners = [i for a, b, c, d in _QUADS for i in (a, b, c, a, c, d)]
    indices = struct.pack(f"<{len(corners)}H", *corners)
    smallest = GLB_OVERHEAD + GLB_JSON_BYTES + len(points) + len(indices)
    total = smallest if total_bytes is None else -(-total_bytes // 4) * 4
    if total < smallest:
        raise ValueError(f"A box needs a glTF file of at least {smallest} bytes, {total_bytes} were asked for.")
    binary = (points + indices).ljust(total - GLB_OVERHEAD - GLB_JSON_BYTES, b"\0")
    text = json_bytes(_gltf(size, len(points), len(indices), len(binary))).ljust(GLB_JSON_BYTES)
    header = struct.pack("<3I", GLB_MAGIC, 2, total)
    return b"".join((header, struct.pack("<2I", len(text), GLB_JSON), text,
                     struct.pack("<2I", len(binary), GLB_BIN), binary))  # fmt: skip


def _gltf(size: Size, points: int, indices: int, buffer: int) -> dict[str, object]:
    half = [s / 2 for s in size]
    return {
        "asset": {"version": "2.0", "generator": "pipeline-sandbox"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Box"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": [0.7, 0.7, 0.7, 1], "metallicFactor": 0}}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 8,
                "type": "VEC3",
                "min": [-h for h in half],
                "max": half,
            },
            {"bufferView": 1, "componentType": 5123, "count": indices // 2, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": points, "target": 34962},
            {"buffer": 0, "byteOffset": points, "byteLength": indices, "target": 34963},
        ],
        "buffers": [{"byteLength": buffer}],
    }


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
    points = ", ".join(f"({x * size[0]:g}, {y * size[1]:g}, {z * size[2]:g})" for x, y, z in _CORNERS)
    indices = ", ".join(str(i) for quad in _QUADS for i in quad)
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
