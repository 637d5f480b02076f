"""USDZ packages: a zip without compression, checked without unpacking anything onto a disk.

Source: OpenUSD, specification of the USDZ file format: stored files that begin at multiples of 64 bytes, a layer first,
and no reference out of the package.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.validation.documents.documents import MAX_DOCUMENT_BYTES, Problem
from tasks.validation.documents.paths import is_outside
from tasks.validation.documents.quoting import show
from tasks.validation.files.archives import contents_problem, open_zip
from tasks.validation.files.pieces import Pieces
from tasks.validation.files.strangers import HEAD_BYTES, stranger
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.source import Vanished
from tasks.validation.usd.paths import unresolvable
from tasks.validation.usd.text import CRATE_MAGIC, TEXT_MAGIC, ZIP_MAGIC, Layer, read_layer

MAX_ENTRIES = 10_000
ALIGNMENT = 64
_LAYERS = (".usda", ".usdc", ".usd")


@dataclass
class Package:
    """What is known of a package."""

    root: Layer | None = None
    """The layer that stands for it, if that is text."""
    binary: list[str] = field(default_factory=list)
    """Its binary layers, as OpenUSD names them."""


def check_package(view: SceneUnderTest, path: str) -> Package:
    """Report what is wrong with one package. Of large ones the files are not compared with their checksums."""
    package = Package()
    try:
        pieces = view.pieces(path)
        if pieces.at(0, 4) == ZIP_MAGIC:
            for problem in _problems(pieces, path, package):
                view.add(problem.code, path, f"{path}: {problem.message}.")
    except Vanished as gone:
        view.add("object-unreadable", path, f"{gone}.")
    return package


def inside_problem(names: frozenset[str], layer: str, raw: str, is_arc: bool) -> Problem | None:
    """What is wrong with an asset path of `layer` in a package that holds `names`."""
    plain = raw.partition(":SDF_FORMAT_ARGS:")[0]
    outside = is_outside(plain)
    if outside:
        return Problem(outside, f"{layer} in it names {show(raw)}, which is not in the package")
    inner = plain.partition("[")[0]
    place = posixpath.normpath(posixpath.join(posixpath.dirname(layer), inner))
    if place in names or ("<UDIM>" in place and _has_tile(names, place)):
        return None
    return Problem(
        "path-dangling" if is_arc else "texture-missing", f"{layer} in it names {show(raw)}, which it does not hold"
    )


def _has_tile(names: frozenset[str], place: str) -> bool:
    before, _, after = place.partition("<UDIM>")
    return any(f"{before}{number}{after}" in names for number in range(1001, 1101))


def _problems(pieces: Pieces, path: str, package: Package) -> Iterator[Problem]:
    opened = open_zip(pieces)
    if isinstance(opened, Problem):
        yield opened if opened.code == "not-all-read" else Problem("usdz-damaged", opened.message)
        return
    with opened as archive:
        problem = _entries_problem(archive, pieces.size)
        if problem:
            yield Problem("usdz-damaged", problem)
            return
        unaligned = next((entry for entry in archive.infolist() if _is_unaligned(pieces, entry)), None)
        if unaligned:
            message = f"{show(unaligned.filename)} in it does not begin at a multiple of {ALIGNMENT} bytes"
            yield Problem("usdz-unaligned", message)
        damaged = contents_problem(archive) if pieces.size <= MAX_DOCUMENT_BYTES else None
        if damaged:
            yield Problem("usdz-damaged", damaged.message) if damaged.code != "not-all-read" else damaged
            return
        yield from _layers(archive, path, package)


def _entries_problem(archive: zipfile.ZipFile, size: int) -> str | None:
    entries = archive.infolist()
    if not entries or len(entries) > MAX_ENTRIES:
        return f"it holds {len(entries)} files"
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            return "it holds compressed or encrypted files, which USDZ forbids"
        if entry.filename.startswith("/") or ".." in entry.filename.split("/"):
            return "a file in it would be unpacked outside"
        if entry.file_size > size or entry.header_offset < end:
            return "a file in it claims to be larger than its place"
        end = entry.header_offset + entry.file_size
    if not entries[0].filename.lower().endswith(_LAYERS):
        return "its first file is no USD layer"
    return None


def _is_unaligned(pieces: Pieces, entry: zipfile.ZipInfo) -> bool:
    """Text layers are parsed, so only what readers map into memory (binary layers, textures) must be aligned."""
    head = pieces.at(entry.header_offset, 30)
    start = entry.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    return start % ALIGNMENT != 0 and bool(entry.file_size) and pieces.at(start, 6) != TEXT_MAGIC


def _layers(archive: zipfile.ZipFile, path: str, package: Package) -> Iterator[Problem]:
    names = frozenset(archive.namelist())
    for number, entry in enumerate(archive.infolist()):
        if not entry.filename.lower().endswith(_LAYERS) or entry.file_size > MAX_DOCUMENT_BYTES:
            continue
        data = archive.read(entry)
        if data.startswith(CRATE_MAGIC):
            package.binary.append(f"{path}[{entry.filename}]")
        elif not data.startswith(TEXT_MAGIC):
            kind = stranger(data[:HEAD_BYTES]) or show(data[:16].decode("latin-1"))
            yield Problem("usdz-damaged", f"its layer {show(entry.filename)} does not begin like one but with {kind}")
        else:
            yield from _text_layer(data, entry.filename, names, package if number == 0 else None)


def _text_layer(data: bytes, name: str, names: frozenset[str], package: Package | None) -> Iterator[Problem]:
    try:
        layer, problems = read_layer(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        yield Problem("usdz-damaged", f"byte {error.start} of its layer {show(name)} is not UTF-8 text")
        return
    yield from (Problem(one.code, f"{name} in it, {one.message}") for one in problems)
    if package:
        package.root = layer
    for reference in layer.references:
        problem = None if unresolvable(reference.raw) else inside_problem(names, name, reference.raw, reference.is_arc)
        if problem:
            yield problem
