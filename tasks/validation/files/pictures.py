"""Pictures: PNG by its chunks, JPEG by its markers; nothing is ever unpacked beyond a bound.

PNG (W3C, PNG 3rd edition, section 5): chunks of length, type, data, CRC; IHDR first, IEND last. What follows IEND is no
part of the picture, and every reader ignores it. Readers differ in whether they mind a wrong checksum or lacking pixels
(the pipeline's own placeholder has both), so those are warnings; a cut picture is an error. JPEG (ITU T.81, annex B): segments from SOI to EOI.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from tasks.validation.documents.documents import Problem
from tasks.validation.documents.quoting import show
from tasks.validation.files.pieces import BLOCK_BYTES, Pieces

PNG, JPEG, PNG_END = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"IEND\xaeB`\x82"
OTHERS = {b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
MAX_READ_BYTES = 64 * 1024 * 1024
"""Bytes of one picture whose checksums are computed; of a larger one only the chunks' heads are read."""
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""A picture that unpacks to more is not unpacked."""
_CHUNK, _HEADER = struct.Struct(">I4s"), struct.Struct(">IIBBBBB")
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def picture_problems(pieces: Pieces, name: str) -> Iterator[Problem]:
    """What is wrong with a picture called `name` (PNG or JPEG by its ending)."""
    head = pieces.at(0, 16)
    wanted = "PNG" if name.lower().endswith(".png") else "JPEG"
    kind = picture_kind(head)
    if kind and kind != wanted:
        yield Problem(
            "picture-kind-differs", f"it is a {kind} picture; most readers look into the file, not at its name"
        )
    if head.startswith(PNG):
        yield from _png(pieces)
    elif head.startswith(JPEG):
        yield from _jpeg(pieces)
    elif not kind:
        shown = show(head.decode("latin-1"))
        yield Problem("file-not-what-it-says", f"it is no {wanted} picture; it begins with {shown}")


def picture_kind(head: bytes) -> str:
    """The kind of picture that begins so; empty for none that is known."""
    if head.startswith((PNG, JPEG)):
        return "PNG" if head.startswith(PNG) else "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return next((kind for magic, kind in OTHERS.items() if head.startswith(magic)), "")


class _Pixels:
    """Unpacks a PNG's pixels to see whether they are all there, and keeps none of them."""

    def __init__(self, wanted: int) -> None:
        self._unpacker, self._wanted, self.have = zlib.decompressobj(), wanted, 0

    def feed(self, data: bytes) -> None:
        """Raises `zlib.error` when the data is damaged."""
        while data and not self._unpacker.eof and self.have < self._wanted:
            self.have += len(self._unpacker.decompress(data, BLOCK_BYTES))
            data = self._unpacker.unconsumed_tail

    @property
    def lacking(self) -> bool:
        """Whether the picture ends before its last line."""
        while self.have < self._wanted and (part := self._unpacker.decompress(b"", BLOCK_BYTES)):
            self.have += len(part)
        return self.have < self._wanted


def _png(pieces: Pieces) -> Iterator[Problem]:
    place, pixels, first = len(PNG), None, True
    whole = pieces.size <= MAX_READ_BYTES
    if not whole and PNG_END in pieces.at(pieces.size - BLOCK_BYTES, BLOCK_BYTES):
        return
    while True:
        head = pieces.at(place, _CHUNK.size)
        if len(head) < _CHUNK.size:
            yield Problem("file-not-what-it-says", "it is cut off: it ends without its last chunk IEND")
            return
        length, kind = _CHUNK.unpack(head)
        if first and (kind != b"IHDR" or length != _HEADER.size):
            yield Problem("file-not-what-it-says", "it does not begin with its header chunk IHDR")
            return
        if place + 12 + length > pieces.size:
            yield Problem("file-not-what-it-says", f"it is cut off in its chunk {show(kind.decode('latin-1'))}")
            return
        if first:
            pixels = _pixels(pieces.at(place + 8, length)) if whole else None
        try:
            fits = not whole or _chunk(pieces, place, length, kind, pixels)
        except zlib.error:
            yield Problem("picture-damaged", "its pixels cannot be unpacked")
            return
        if not fits:
            yield Problem("picture-damaged", f"its chunk {show(kind.decode('latin-1'))} does not fit its checksum")
            return
        if kind == b"IEND":
            break
        place, first = place + 12 + length, False
    yield from _lacking(pixels)


def _lacking(pixels: _Pixels | None) -> Iterator[Problem]:
    try:
        if pixels and pixels.lacking:
            yield Problem("picture-damaged", "it holds fewer pixels than its header says")
    except zlib.error:
        yield Problem("picture-damaged", "its pixels cannot be unpacked")


def _chunk(pieces: Pieces, place: int, length: int, kind: bytes, pixels: _Pixels | None) -> bool:
    """Whether the chunk fits its CRC; its pixels are unpacked on the way."""
    crc = zlib.crc32(kind)
    for start in range(0, length, BLOCK_BYTES):
        data = pieces.at(place + 8 + start, min(BLOCK_BYTES, length - start))
        crc = zlib.crc32(data, crc)
        if kind == b"IDAT" and pixels:
            pixels.feed(data)
    return pieces.at(place + 8 + length, 4) == crc.to_bytes(4, "big")


def _pixels(header: bytes) -> _Pixels | None:
    """What to expect of the pixels; None when that is too much to unpack, or no sense can be made of the header."""
    width, height, depth, colour, _, _, interlaced = _HEADER.unpack(header)
    bits = depth * _CHANNELS.get(colour, 0)
    if not (width and height and bits):
        return None
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    wanted = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            wanted += rows * (1 + -(-columns * bits // 8))
    return _Pixels(wanted) if wanted <= MAX_UNPACKED_BYTES else None


def _jpeg(pieces: Pieces) -> Iterator[Problem]:
    place, sized = 2, False
    while True:
        head = pieces.at(place, 4)
        if len(head) < 4:
            yield Problem("file-not-what-it-says", "it is cut off before its picture begins")
            return
        if head[0] != 0xFF:
            yield Problem("file-not-what-it-says", f"byte {place:,} begins no JPEG segment")
            return
        kind = head[1]
        if kind == 0xFF:  # fill bytes
            place += 1
            continue
        if kind == 0xDA:
            break
        if kind == 0xD9:
            yield Problem("file-not-what-it-says", "it ends before its picture begins")
            return
        sized = sized or (0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC))
        place += 2 if 0xD0 <= kind <= 0xD7 or kind == 0x01 else 2 + int.from_bytes(head[2:4], "big")
    if not sized:
        yield Problem("file-not-what-it-says", "its picture has no size")
    elif not _ends(pieces, place):
        yield Problem("file-not-what-it-says", "it is cut off: it ends without the marker of its end")


def _ends(pieces: Pieces, place: int) -> bool:
    """Whether the marker EOI comes after `place`: between the scans' bytes no other FF D9 can stand."""
    tail = max(place, pieces.size - BLOCK_BYTES)
    if b"\xff\xd9" in pieces.at(tail, BLOCK_BYTES):
        return True
    for start in range(place, min(pieces.size, place + MAX_READ_BYTES), BLOCK_BYTES - 1):
        if b"\xff\xd9" in pieces.at(start, BLOCK_BYTES):
            return True
    return pieces.size - place > MAX_READ_BYTES
