"""Files of just under 1 MiB that were made to cost their reader much: (where in the scene, how to make it)."""

from __future__ import annotations

import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable

from tests.validation.file_makers import box, chunk, glb, png

SIZE = 1024**2 - 1
JSON, WRAPPER = "replicator/configs/pick.json", "assets/obj_mug_0/simready.usda"
PICTURE, ARCHIVE, MESH = "variation_assets/mug/a.png", "replicator/a.zip", "assets/obj_mug_0/asset.glb"
USD = b"#usda 1.0\n"


def _fill(part: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[], bytes]:
    return lambda: before + part * ((SIZE - len(before) - len(after)) // len(part)) + after


def _numbered(part: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[], bytes]:
    """Parts that differ in a number."""
    return lambda: before + b"".join(part % n for n in range((SIZE - len(before)) // (len(part) + 5))) + after


def _merges() -> bytes:
    lines = (b"a%d: &a%d {<<: [%s]}\n" % (n + 1, n + 1, b", ".join([b"*a%d" % n] * 10)) for n in range(30))
    return b"a0: &a0 {x: 1}\n" + b"".join(lines)


def _overlapping() -> bytes:
    """One packed file of zeros that many entries of the directory share."""
    packed, crc = zlib.compress(bytes(50_000_000), 9)[2:-4], zlib.crc32(bytes(50_000_000))
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), 50_000_000, 1, 0) + b"a" + packed
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, len(packed), 50_000_000, 1, *[0] * 6) + b"a"
    count = (SIZE - len(local)) // len(entry)
    return (
        local
        + entry * count
        + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entry) * count, len(local), 0)
    )


def _accessors() -> bytes:
    view, accessor = (
        {"buffer": 0, "byteLength": 4},
        {"bufferView": 0, "componentType": 5126, "count": 1, "type": "SCALAR"},
    )
    parts = [{"attributes": {"POSITION": index}} for index in range(6000)]
    value = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": 4}], "bufferViews": [view] * 6000,
             "accessors": [accessor] * 6000, "meshes": [{"primitives": parts}]}  # fmt: skip
    return glb(json.dumps(value).encode(), bytes(4))


def _doubling() -> bytes:
    """References of which each doubles what the one before holds."""
    prims = (b'def "a%d"\n{\n def "x" (references = </a%d>) {}\n def "y" (references = </a%d>) {}\n}\n' % (n, n + 1, n + 1)
             for n in range(40))  # fmt: skip
    return USD + b"".join(prims) + b'def "a40"\n{\n}\n'


def _body(part: bytes) -> Callable[[], bytes]:
    return _fill(part, USD + b'def Xform "a"\n{\n', b"}\n")


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "json of escaped quotes": (JSON, _fill(b'\\"', b'["')),
    "json of brackets": (JSON, _fill(b"[")),
    "json of brackets in texts": (JSON, _fill(b'["', b'["')),
    "json of one key": (JSON, _fill(b'"a":1,', b"{", b'"a":1}')),
    "json of digits": (JSON, _fill(b"9" * 299 + b",", b"[", b"1]")),
    "json of long numbers": (JSON, _fill(b"9" * 4299 + b",", b"[", b"1]")),
    "json of NaN": (JSON, _fill(b"NaN,", b"[", b"1]")),
    "json of half letters": (JSON, _fill(b"\\ud800", b'["', b'"]')),
    "json lines": ("replicator/a.jsonl", _fill(b'{"a":NaN}\n')),
    "manifest of nothing": ("assets/scene_manifest.json", _fill(b"{},", b'{"objects":[', b"{}]}")),
    "yaml of flows": ("isaac_lab/a.yaml", lambda: b"[" * 500_000),
    "yaml of documents": ("isaac_lab/a.yaml", lambda: b"---\n" * 125_000),
    "yaml of merges": ("isaac_lab/a.yaml", _merges),
    "python of lines": ("isaac_lab/a.py", lambda: b"x=1\n" * 130_000),
    "python of equals": ("isaac_lab/a.py", lambda: b"x=" * 260_000 + b"1"),
    "robot of elements": ("assets/interactive/obj_mug_0/a.urdf", lambda: b"<a>" * 170_000),
    "zip of one file many times": (ARCHIVE, _overlapping),
    "package of one file many times": ("assets/obj_mug_0/asset.usdz", _overlapping),
    "gzip of zeros": ("replicator/a.gz", lambda: gzip.compress(bytes(900_000_000))),
    "gzip of members": ("replicator/a.gz", _fill(gzip.compress(b""))),
    "picture of chunks": (PICTURE, lambda: png(notes=chunk(b"tEXt", b"") * 80_000)),
    "picture of zeros": (PICTURE, lambda: png(50_000, 50_000, pixels=bytes(300_000_000))),
    "picture of more zeros": (PICTURE, lambda: png(4_000, 4_000, pixels=bytes(300_000_000))),
    "jpeg of fill bytes": ("variation_assets/mug/a.jpg", _fill(b"\xff", b"\xff\xd8")),
    "jpeg of segments": ("variation_assets/mug/a.jpg", _fill(b"\xff\xe0\0\2", b"\xff\xd8")),
    "mesh of accessors": (MESH, _accessors),
    "obj of faces": ("regen3d/objects/mug_0/mesh.obj", _fill(b"f 1 1 1\n", b"v 0 0 0\n")),
    "obj of material files": ("regen3d/objects/mug_0/mesh.obj", _numbered(b"mtllib a%d\n")),
    "video of boxes": ("dwm/a.mp4", _fill(box(b"free"), box(b"ftyp"))),
    "usd of asset marks": (WRAPPER, _fill(b"@a@", USD)),
    "usd of asset paths": (WRAPPER, _numbered(b"asset a%%d = @./a%d.png@\n".replace(b"%%d", b""), USD)),
    "usd of quotes": (WRAPPER, _fill(b'"', USD)),
    "usd of long quotes": (WRAPPER, _fill(b'\\"""', USD + b'"""')),
    "usd of braces": (WRAPPER, _fill(b"{", USD)),
    "usd of infinities": (WRAPPER, _body(b"float points = inf\n")),
    "usd of masses": (WRAPPER, _body(b"float physics:mass = -1\n")),
    "usd of prims": (WRAPPER, _numbered(b'def Xform "a%d" {}\n', USD)),
    "usd of levels": (WRAPPER, lambda: USD + b'def "a"{' * 110_000 + b"}" * 110_000),
    "usd of tiles": (WRAPPER, _numbered(b"asset a = @./t%d.<UDIM>.png@\n", USD)),
    "usd of packaged files": (WRAPPER, _numbered(b"asset a = @./asset.usdz[t%d]@\n", USD)),
    "usd that doubles": ("usd/extra.usda", _doubling),
    "usd in binary nonsense": ("usd/extra.usdc", lambda: b"PXR-USDC\0\10\0\0" + random.Random(1).randbytes(900_000)),
}
