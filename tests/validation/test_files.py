"""Pictures, archives, recordings and arrays: whole ones are good however odd, cut and damaged ones are errors."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.validation.bundles.recordings import parquet_rows
from tasks.validation.files import archives
from tasks.validation.files.files import file_problems
from tasks.validation.files.pieces import Pieces, Stream
from tasks.validation.finding_codes import CODES
from tests.validation.file_makers import box, chunk, jpeg, mp4, parquet, png, zipped

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>404</title>"
ANSWER = b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code></Error>"
GOOGLE = b'{"error": {"code": 503, "message": "backend"}}'


def severities(name: str, data: bytes) -> set[str]:
    """How grave it is what is wrong with a file."""
    return {CODES[one.code].severity for one in file_problems(Pieces.of(data), name)}


def tar(**files: bytes) -> bytes:
    """A tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def npy(shape: str = "(2, 3)", kind: str = "<f4", size: int = 24) -> bytes:
    """A NumPy array."""
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + bytes(size)


ANIMATED = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", bytes(26))
EXIF = b"\xff\xe1\x00\x0aExif\0\0\xff\xd9"
WHOLE = {
    "16 bits.png": png(depth=16),
    "grey 1 bit.png": png(width=9, depth=1, colour=0),
    "palette.png": png(colour=3, notes=chunk(b"PLTE", bytes(6))),
    "interlaced.png": png(1, 1, interlaced=True, pixels=bytes(4)),
    "interlaced large.png": png(9, 9, interlaced=True, pixels=bytes(400)),
    "animated.png": png(notes=ANIMATED),
    "with text.png": png(notes=chunk(b"tEXt", b"Software\0x")),
    "bytes after its end.png": png() + b"<!-- cached -->",
    "zeros after its end.PNG": png() + bytes(100_000),
    "more pixels than needed.png": png(pixels=bytes(500)),
    "of 50,000 lines.png": png(50_000, 50_000, pixels=bytes(50_000)),
    "plain.jpg": jpeg(),
    "thumbnail inside.jpeg": jpeg(EXIF),
    "fill bytes.jpg": jpeg(b"\xff\xff\xff\xe0\x00\x02"),
    "progressive.jpg": jpeg().replace(b"\xff\xc0", b"\xff\xc2"),
    "bytes after its end.jpg": jpeg() + b"MPO and more",
    "plain.zip": zipped({"a": b"1" * 100}),
    "comment.zip": zipped({"a": b"1"}, comment=b"made by hand"),
    "something before it.zip": b"#!/usr/bin/env python3\n" + zipped({"a": b"1"}),
    "empty.zip": zipped({}),
    "lzma.zip": zipped({"a": b"1" * 100}, zipfile.ZIP_LZMA),
    "arrays.npz": zipped({"a.npy": npy()}),
    "plain.gz": gzip.compress(b"1" * 100_000),
    "two members.gz": gzip.compress(b"1") + gzip.compress(b"2"),
    "zeros after it.gz": gzip.compress(b"1") + bytes(512),
    "plain.tar": tar(a=b"1" * 1000, b=b""),
    "plain.parquet": parquet(),
    "encrypted.parquet": b"PARE" + bytes(40) + struct.pack("<I", 40) + b"PARE",
    "index last.mp4": mp4(),
    "index first.mp4": box(b"ftyp", b"isom") + box(b"moov") + box(b"mdat", bytes(99)),
    "of an odd version.mp4": box(b"ftyp", b"isom\xff\xff\xff\xffisom") + box(b"moov") + box(b"mdat", bytes(9)),
    "in pieces.mp4": box(b"ftyp") + box(b"moov") + box(b"moof") + box(b"mdat"),
    "64 bits.mp4": box(b"ftyp") + b"\0\0\0\1mdat" + struct.pack(">Q", 26) + bytes(10) + box(b"moov"),
    "up to its end.mp4": box(b"ftyp") + box(b"moov") + b"\0\0\0\0mdat" + bytes(99),
    "quicktime.mov": box(b"wide") + box(b"mdat") + box(b"moov"),
    "zeros after it.mp4": mp4() + bytes(20),
    "plain.npy": npy(),
    "of records.npy": npy(kind="[('a', '<f4')]"),
    "of texts.npy": npy("(2,)", "<U3", 24),
    "a page.html": PAGE,
    "a page.md": PAGE,
    "an unknown file.xyz": PAGE,
    "notes.txt": b"version 1",
    "robot.xml": b"<?xml version='1.0'?><robot/>",
}
BROKEN = {
    "no end.png": png()[:-12],
    "cut in its last bytes.png": png()[:-3],
    "cut in its pixels.png": png()[:50],
    "cut after its head.png": png()[:8],
    "no header.png": b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""),
    "text.png": b"not a picture",
    "cut.jpg": jpeg(end=b""),
    "zeros at its end.jpg": jpeg(end=bytes(1000)),
    "head only.jpg": jpeg()[:30],
    "cut with a thumbnail.jpg": jpeg(EXIF, end=b""),
    "text.jpg": b"not a picture",
    "no directory.zip": zipped({"a": b"1" * 100, "b": b"2"})[:-60],
    "flipped.zip": zipped({"a": b"1" * 100}, zipfile.ZIP_STORED).replace(b"1111", b"1011", 1),
    "text.zip": b"not an archive",
    "cut.gz": gzip.compress(b"1" * 100_000)[:-9],
    "flipped.gz": gzip.compress(b"1" * 100_000)[:-6] + b"\0" * 6,
    "text.gz": b"not an archive",
    "cut.tar": tar(a=b"1" * 3000)[:1500],
    "no tar.tar": b"x" * 600,
    "no footer.parquet": parquet()[:-8],
    "cut.parquet": b"PAR1" + bytes(300),
    "footer too long.parquet": b"PAR1" + bytes(8) + struct.pack("<I", 9999) + b"PAR1",
    "footer over its first magic.parquet": b"PAR1" + bytes(8) + struct.pack("<I", 10) + b"PAR1",
    "footer of nonsense.parquet": b"PAR1" + b"\xff" * 30 + struct.pack("<I", 30) + b"PAR1",
    "text.parquet": b"not a table",
    "no index.mp4": box(b"ftyp") + box(b"mdat", bytes(100)),
    "cut.mp4": mp4()[:-20],
    "cut in its frames.mp4": box(b"ftyp") + box(b"moov") + box(b"mdat", bytes(100))[:-1],
    "text.mp4": b"not a video at all",
    "cut.npy": npy()[:-1],
    "text.npy": b"not an array",
    "wrong.exr": b"not an image",
}


DAMAGED_PICTURES = {
    "flipped pixels.png": png()[:45] + bytes([png()[45] ^ 255]) + png()[46:],
    "flipped header.png": png()[:17] + b"\x01" + png()[18:],
    "fewer pixels than it says.png": png(10, 10, pixels=bytes(50)),
    "pixels that do not unpack.png": png().replace(
        chunk(b"IDAT", zlib.compress(bytes(20))), chunk(b"IDAT", b"nothing")
    ),
    "placeholder of the pipeline.png": png(1, 1, colour=6, pixels=b"\0"),
}


@pytest.mark.parametrize(("name", "data"), DAMAGED_PICTURES.items(), ids=DAMAGED_PICTURES)
def test_a_picture_that_some_readers_show_all_the_same_is_a_warning(name: str, data: bytes) -> None:
    assert severities(name, data) == {"warning"}


@pytest.mark.parametrize(("name", "data"), WHOLE.items(), ids=WHOLE)
def test_a_whole_file_is_no_finding_however_odd(name: str, data: bytes) -> None:
    assert severities(name, data) == set()


@pytest.mark.parametrize(("name", "data"), BROKEN.items(), ids=BROKEN)
def test_a_broken_file_is_an_error(name: str, data: bytes) -> None:
    assert severities(name, data) == {"error"}


@pytest.mark.parametrize("data", [LFS, ANSWER], ids=["pointer", "answer"])
@pytest.mark.parametrize("ending", ["png", "mp4", "parquet", "bin", "npz", "md", "xml", "csv", "exr", "unknown", "h5"])
def test_a_pointer_or_an_answer_in_a_files_place_is_an_error_under_any_ending(ending: str, data: bytes) -> None:
    assert severities(f"a.{ending}", data) == {"error"}


@pytest.mark.parametrize("data", [PAGE, GOOGLE], ids=["page", "google"])
@pytest.mark.parametrize("ending", ["png", "jpg", "mp4", "parquet", "bin", "npz", "zip", "gz", "exr", "webp"])
def test_a_page_in_the_place_of_a_binary_file_is_an_error(ending: str, data: bytes) -> None:
    assert severities(f"a.{ending}", data) == {"error"}


@pytest.mark.parametrize(("name", "data"), [
    ("a.png", jpeg()), ("a.mp4", mp4().replace(b"iso2", b"is\xce2")), ("a.jpg", png()), ("a.png", b"RIFF\0\0\0\0WEBPVP8 "),
    ("a.png", png(notes=chunk(b"tEXt", b"Software\0x").replace(b"x", b"y"))),
    ("webm.mp4", b"\x1a\x45\xdf\xa3" + bytes(60)), ("avi.mp4", b"RIFF" + bytes(60)),
])  # fmt: skip
def test_what_readers_open_in_spite_of_a_fault_is_a_warning(name: str, data: bytes) -> None:
    assert severities(name, data) == {"warning"}


@pytest.mark.parametrize("name", ["a.gz", "a.zip"])
def test_what_is_not_unpacked_to_its_end_is_not_called_damaged(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    monkeypatch.setattr(archives.contents_problem, "__defaults__", (1000,))
    whole = gzip.compress(bytes(100_000)) if name.endswith("gz") else zipped({"a": bytes(100_000)})
    assert severities(name, whole) == {"unread"}


def test_an_archive_whose_files_overlap_is_unpacked_no_further_than_the_bound() -> None:
    """A kilobyte of packed zeros that ten thousand entries of the directory share: 10 GB if it were believed."""
    packed = zlib.compress(bytes(1_000_000))[2:-4]
    crc = zlib.crc32(bytes(1_000_000))
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), 1_000_000, 1, 0) + b"a" + packed
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, len(packed), 1_000_000, 1, *[0] * 6) + b"a"
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 10_000, 10_000, len(entry) * 10_000, len(local), 0)
    assert severities("a.zip", local + entry * 10_000 + end) <= {"error", "unread"}


def test_a_parquet_file_says_how_many_rows_it_has() -> None:
    assert parquet_rows(Pieces.of(parquet(17))) == 17


@pytest.mark.parametrize("length", range(6, 12))
def test_an_array_that_is_cut_off_within_its_first_bytes_is_damaged(length: int) -> None:
    assert severities("a.npy", (b"\x93NUMPY\x01\x00v\x00{'")[:length]) == {"error"}


@given(st.data())
def test_no_damage_of_any_file_makes_its_reader_raise(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    whole = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    severities(name, bytes(whole[: data.draw(st.integers(0, len(whole)))]))


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 2, 4, 8, 16]), st.binary(max_size=50))
def test_every_grey_picture_is_whole(width: int, height: int, depth: int, after: bytes) -> None:
    assert severities("a.png", png(width, height, depth, 0) + after) == set()


@given(st.lists(st.integers(0, 3000)), st.binary(min_size=3000, max_size=3000))
def test_pieces_of_an_object_are_its_bytes_wherever_they_are_read(places: list[int], data: bytes) -> None:
    pieces, stream = Pieces.of(data), Stream(Pieces.of(data))
    for place in places:
        assert pieces.at(place, 70) == data[place : place + 70]
        stream.seek(place)
        assert stream.read(70) == data[place : place + 70]
