"""A box as a glTF 2.0 binary file, and JSON as the pipeline's jobs write it: the same input always gives the same bytes."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from functools import lru_cache

Size = tuple[float, float, float]

GLB_MAGIC, GLB_JSON, GLB_BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
GLB_OVERHEAD = 28
"""Bytes of the glTF header (12) and of the two chunk headers (8 each)."""
GLB_JSON_BYTES = 1024
"""The JSON chunk is padded to this with spaces, so that the file's length can be chosen exactly."""

CORNERS = tuple((x, y, z) for z in (-0.5, 0.5) for y in (-0.5, 0.5) for x in (-0.5, 0.5))
QUADS = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))


def json_bytes(value: object) -> bytes:
    """`value` as compact UTF-8 JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def timestamp(now: datetime) -> str:
    """UTC as the pipeline's jobs write it, e.g. `2026-01-18T09:30:00.000000Z`."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=128)
def glb_box(size: Size, total_bytes: int | None = None) -> bytes:
    """A box of `size` (metres, centred on the origin) as a glTF 2.0 binary file.

    `total_bytes`: length of the whole file, rounded up to a multiple of 4; the BIN chunk is padded with zeros, as big
    meshes are. Default: as small as it gets. Raises ValueError when a box does not fit into `total_bytes`.
    """
    points = b"".join(struct.pack("<3f", *(c * s for c, s in zip(corner, size, strict=True))) for corner in CORNERS)
    corners = [i for a, b, c, d in QUADS for i in (a, b, c, a, c, d)]
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
        "asset": {"version": "2.0", "generator": "blueprint-remediation"},
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
