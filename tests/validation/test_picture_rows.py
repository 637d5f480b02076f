"""Pictures byte by byte: what each part of a PNG or a JPEG may be, and what is told of what it may not."""

from __future__ import annotations

import struct
import zlib

import pytest

from tasks.validation.files.pictures import picture_kind, picture_problems
from tasks.validation.files.pieces import Pieces
from tests.validation.file_makers import chunk, jpeg, png

CUT, DAMAGED, OTHER = "file-not-what-it-says", "picture-damaged", "picture-kind-differs"
HEADER = struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
SIGN = b"\x89PNG\r\n\x1a\n"
PIXELS = zlib.compress(bytes(20))


def codes(name: str, data: bytes) -> list[str]:
    """What is told of a picture."""
    return [found.code for found in picture_problems(Pieces.of(data), name)]


def made(*chunks: bytes) -> bytes:
    """A PNG of these chunks between header and end."""
    return SIGN + chunk(b"IHDR", HEADER) + b"".join(chunks) + chunk(b"IEND", b"")


IDAT = chunk(b"IDAT", PIXELS)
PNGS: list[tuple[str, bytes, list[str]]] = [
    ("whole", made(IDAT), []),
    ("pixels in two chunks", made(chunk(b"IDAT", PIXELS[:5]), chunk(b"IDAT", PIXELS[5:])), []),
    ("an empty chunk of pixels first", made(chunk(b"IDAT", b""), IDAT), []),
    ("own chunks", made(chunk(b"tEXt", b"a\0b"), IDAT, chunk(b"zzZz", b"1")), []),
    ("bytes after its end", made(IDAT) + b"\0" * 9, []),
    ("no pixels", made(), [DAMAGED]),
    ("a pixel too few", made(chunk(b"IDAT", zlib.compress(bytes(19)))), [DAMAGED]),
    ("more pixels than needed", made(chunk(b"IDAT", zlib.compress(bytes(21)))), []),
    ("pixels that are cut off", made(chunk(b"IDAT", PIXELS[:-6])), [DAMAGED]),
    ("pixels of nonsense", made(chunk(b"IDAT", b"nonsense")), [DAMAGED]),
    ("a checksum of a note", made(chunk(b"tEXt", b"a\0b")[:-1] + b"\0", IDAT), [DAMAGED]),
    ("a checksum of the pixels", made(IDAT[:-1] + bytes([IDAT[-1] ^ 1])), [DAMAGED]),
    ("a letter of a chunk's name", made(b"\0\0\0\3tExt" + chunk(b"tEXt", b"a\0b")[8:], IDAT), [DAMAGED]),
    ("no header", SIGN + IDAT + chunk(b"IEND", b""), [CUT]),
    ("a header of 12 bytes", SIGN + chunk(b"IHDR", HEADER[:12]) + IDAT + chunk(b"IEND", b""), [CUT]),
    ("no end", made(IDAT)[:-12], [CUT]),
    ("a byte of its end", made(IDAT)[:-1], [CUT]),
    ("a chunk longer than the file", made(struct.pack(">I4s", 9999, b"tEXt")), [CUT]),
    ("nothing but its sign", SIGN, [CUT]),
    ("half its sign", SIGN[:4], [CUT]),
    ("another sign", b"\x89PNG\n\n\n\n" + made(IDAT)[8:], [CUT]),
    (
        "a width of 0",
        SIGN + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 2, 8, 2, 0, 0, 0)) + IDAT + chunk(b"IEND", b""),
        [],
    ),
    (
        "an unknown colour",
        SIGN + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 9, 0, 0, 0)) + IDAT + chunk(b"IEND", b""),
        [],
    ),
]


@pytest.mark.parametrize(("data", "wanted"), [row[1:] for row in PNGS], ids=[row[0] for row in PNGS])
def test_every_part_of_a_png(data: bytes, wanted: list[str]) -> None:
    assert codes("a.png", data) == wanted


@pytest.mark.parametrize(("width", "height", "depth", "colour", "row"), [
    (1, 1, 1, 0, 1), (8, 1, 1, 0, 1), (9, 1, 1, 0, 2), (3, 1, 2, 3, 1), (3, 2, 4, 0, 2), (5, 1, 16, 0, 10), (5, 1, 8, 4, 10),
    (5, 1, 8, 6, 20), (5, 1, 16, 6, 40),
])  # fmt: skip
def test_a_line_of_pixels_is_as_long_as_depth_and_colour_make_it(
    width: int, height: int, depth: int, colour: int, row: int
) -> None:
    assert codes("a.png", png(width, height, depth, colour, pixels=bytes((row + 1) * height))) == []
    assert codes("a.png", png(width, height, depth, colour, pixels=bytes((row + 1) * height - 1))) == [DAMAGED]


@pytest.mark.parametrize(("side", "size"), [(1, 2), (2, 4 + 4 + 7 - 1), (8, 15 * 2 + 64 + 8 * 8 - 2 * 8 + 48 - 30)])
def test_an_interlaced_picture_has_seven_passes(side: int, size: int) -> None:
    assert codes("a.png", png(side, side, 8, 0, interlaced=True, pixels=bytes(400))) == []
    assert codes("a.png", png(side, side, 8, 0, interlaced=True, pixels=bytes(1))) == [DAMAGED]


SOF = jpeg()[2:21]
JPEGS: list[tuple[str, bytes, list[str]]] = [
    ("whole", jpeg(), []),
    ("a note", jpeg(b"\xff\xfe\x00\x06note"), []),
    ("a note that holds an end", jpeg(b"\xff\xfe\x00\x06a\xff\xd9b"), []),
    ("fill bytes", jpeg(b"\xff" * 9 + b"\xff\xe0\x00\x02"), []),
    ("a restart marker between segments", jpeg(b"\xff\xd0"), []),
    ("bytes after its end", jpeg() + b"more", []),
    ("a second picture after its end", jpeg() + jpeg(), []),
    ("several scans", jpeg(scan=b"\x12\xff\xda\x00\x02\x34"), []),
    ("no end", jpeg(end=b""), [CUT]),
    ("half its end", jpeg(end=b"\xff"), [CUT]),
    ("an end before its picture", b"\xff\xd8\xff\xd9", [CUT]),
    ("no size", b"\xff\xd8\xff\xda\x00\x02\x12\xff\xd9", [CUT]),
    ("a table of codes is no size", b"\xff\xd8\xff\xc4\x00\x02\xff\xda\x00\x02\x12\xff\xd9", [CUT]),
    ("arithmetic conditioning is no size", b"\xff\xd8\xff\xcc\x00\x02\xff\xda\x00\x02\x12\xff\xd9", [CUT]),
    ("a reserved marker is no size", b"\xff\xd8\xff\xc8\x00\x02\xff\xda\x00\x02\x12\xff\xd9", [CUT]),
    ("a segment that leads beyond the file", b"\xff\xd8\xff\xe0\xff\xff" + bytes(9), [CUT]),
    ("bytes between segments", b"\xff\xd8\xff\xe0\x00\x02abcd" + jpeg()[2:], [CUT]),
    ("nothing but its start", b"\xff\xd8\xff", [CUT]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "wanted"), [row[1:] for row in JPEGS], ids=[row[0] for row in JPEGS])
def test_every_part_of_a_jpeg(data: bytes, wanted: list[str]) -> None:
    assert codes("a.jpg", data) == wanted


@pytest.mark.parametrize(("head", "kind"), [
    (SIGN, "PNG"), (b"\xff\xd8\xff\xe0", "JPEG"), (b"RIFF\0\0\0\0WEBP", "WebP"), (b"RIFF\0\0\0\0WAVE", ""), (b"GIF89a", "GIF"),
    (b"BM", "BMP"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"II+\0", ""), (b"\xff\xd8", ""), (b"", ""), (b"<svg", ""),
])  # fmt: skip
def test_a_picture_is_known_by_its_first_bytes(head: bytes, kind: str) -> None:
    assert picture_kind(head) == kind
    assert codes("a.gif.png", head)[:1] == ([OTHER] if kind not in ("PNG", "") else [CUT])
