"""The package of an import (tar.gz), unpacked within bounds and never onto a disk."""

from __future__ import annotations

import io
import tarfile
import zlib

from tasks.validation.bundle import Bundle
from tasks.validation.documents import MAX_DOCUMENT_BYTES, parse_json
from tasks.validation.text import show
from tasks.validation.values import at, mapping, sequence, text
from tasks.validation.view import Record

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_MEMBERS = 10_000
OWN = "import_manifest.json"
WRITTEN_LATER = ("package", "file_inventory", "asset_provenance_path", "output_dir", "gcs_output_path", "provenance")
"""Parts that are added after packing, or that name the folder the import ran in."""


class _Bounded(io.RawIOBase):
    """What a stream unpacks to, up to a limit."""

    def __init__(self, data: bytes) -> None:
        self._packed, self._unpacker = memoryview(data), zlib.decompressobj(wbits=31)
        self._room, self._ready = MAX_UNPACKED_BYTES, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._unpacker.eof and (self._packed or self._unpacker.unconsumed_tail):
            source = self._unpacker.unconsumed_tail or bytes(self._packed[:65536])
            if not self._unpacker.unconsumed_tail:
                self._packed = self._packed[65536:]
            self._ready = self._unpacker.decompress(source, 65536)
        if not self._ready and not self._unpacker.eof:
            raise EOFError("the compressed data ends early")
        part = self._ready[: len(buffer)]
        self._ready = self._ready[len(part) :]
        self._room -= len(part)
        if self._room < 0:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED_BYTES // 1024**2} MiB")
        buffer[: len(part)] = part
        return len(part)


def packaged_manifest(bundle: Bundle, path: str) -> Record | None:
    """The import manifest inside the package; reports a damaged package and a copy that tells something else."""
    data = bundle.view.data(path) if bundle.view.files[path].size <= MAX_DOCUMENT_BYTES else None
    if data is None:
        return None
    try:
        names, copy = _unpack(data)
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        bundle.view.add("package-damaged", path, f"{path} cannot be unpacked: {error}.")
        return None
    for name in sequence(at(bundle.record, "package", "includes")):
        included = text(name) or ""
        if included not in names and not any(known.startswith(f"{included}/") for known in names):
            message = f"{path} does not hold {show(name)}, as {bundle.path} says it does."
            bundle.view.add("package-damaged", path, message)
    document = parse_json(copy) if copy is not None else None
    if document is None or not isinstance(document.value, dict):
        return None
    _compare(bundle, document.value)
    return document.value


def _unpack(data: bytes) -> tuple[set[str], bytes | None]:
    names, copy = set[str](), None
    with tarfile.open(fileobj=io.BufferedReader(_Bounded(data)), mode="r|") as archive:
        for count, member in enumerate(archive):
            if count > MAX_MEMBERS:
                raise ValueError(f"it holds more than {MAX_MEMBERS} files")
            names.add(member.name.removeprefix("./"))
            file = archive.extractfile(member) if member.isfile() and member.name.endswith(OWN) else None
            if file is not None and member.size <= MAX_DOCUMENT_BYTES:
                copy = file.read()
    return names, copy


def _compare(bundle: Bundle, copy: Record) -> None:
    """Every part that was final when the package was made must still say the same."""
    for key, value in copy.items():
        if key in WRITTEN_LATER:
            continue
        here = bundle.record.get(key)
        if key == "checksums":
            value, here = _without_own(value), _without_own(here)
        if here != value:
            part = _first_difference(value, here)
            message = f"{bundle.path} says something else here than the copy in the package made from it."
            bundle.add("manifest-differs-from-package", message, (key, *part))


def _without_own(value: object) -> dict[str, object]:
    table = dict(mapping(value))
    table["metadata"] = {name: entry for name, entry in mapping(table.get("metadata")).items() if name != OWN}
    return table


def _first_difference(one: object, other: object) -> tuple[str | int, ...]:
    place: tuple[str | int, ...] = ()
    while isinstance(one, dict) and isinstance(other, dict):
        key = next((key for key in one if one[key] != other.get(key)), None)
        if key is None:
            break
        place, one, other = (*place, key), one[key], other.get(key)
    return place
