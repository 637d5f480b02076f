"""The package of an import (tar.gz), unpacked within bounds and never onto a disk."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib

from tasks.validation.bundles.bundle import Bundle
from tasks.validation.documents.documents import MAX_DOCUMENT_BYTES, parse_json
from tasks.validation.documents.json_values import at, mapping, sequence, text
from tasks.validation.documents.quoting import sentence, show
from tasks.validation.files.pieces import Pieces, Stream
from tasks.validation.scene_under_test import Record
from tasks.validation.source import Vanished

MAX_UNPACKED_BYTES = 1024**3
"""Bytes that a package is unpacked to, piece by piece; of a larger one the rest is not looked at."""
MAX_MEMBERS = 100_000
_STEP = 65536
OWN = "import_manifest.json"
WRITTEN_LATER = ("package", "file_inventory", "asset_provenance_path", "output_dir", "gcs_output_path", "provenance")
"""Parts that are added after packing, or that name the folder the import ran in."""


class _TooMuch(ValueError):
    """There is more in it than is looked at."""


class _Bounded(io.RawIOBase):
    """What a gzip file of one or several members unpacks to, up to a limit."""

    def __init__(self, pieces: Pieces) -> None:
        self._unpacked = gzip.GzipFile(fileobj=io.BufferedReader(Stream(pieces), _STEP))
        self._room = MAX_UNPACKED_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._unpacked.readinto(buffer)
        self._room -= count
        if self._room < 0:
            raise _TooMuch(f"it unpacks to more than {MAX_UNPACKED_BYTES // 1024**2} MiB")
        return count


def packaged_manifest(bundle: Bundle, path: str) -> Record | None:
    """The import manifest inside the package; reports a damaged package and a copy that tells something else."""
    if not bundle.view.has(path):
        return None
    try:
        names, copy = _unpack(bundle.view.pieces(path))
    except _TooMuch as reason:
        bundle.view.add("not-all-read", path, f"{path}: {reason}; the rest was not looked at.")
        return None
    except Vanished as gone:
        bundle.view.add("object-unreadable", path, f"{gone}.")
        return None
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, RecursionError) as error:
        bundle.view.add("package-damaged", path, f"{path} cannot be unpacked: {sentence(error)}.")
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


def _unpack(pieces: Pieces) -> tuple[set[str], bytes | None]:
    names, copy = set[str](), None
    with tarfile.open(fileobj=io.BufferedReader(_Bounded(pieces)), mode="r|") as archive:
        for count, member in enumerate(archive):
            if count > MAX_MEMBERS:
                raise _TooMuch(f"it holds more than {MAX_MEMBERS:,} files")
            archive.members = []  # type: ignore[attr-defined]  # else the library keeps every one
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
