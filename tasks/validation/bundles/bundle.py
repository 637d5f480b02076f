"""What an export or import says of its own files: inventory, checksums, and a checksum of the manifest itself.

Both manifests keep the SHA-256 of their canonical JSON (sorted keys, no blanks) without that one entry
(genie-sim-export-job, genie-sim-import-job).
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.validation.documents.json_values import at, entries, mapping, number, text
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import Record, SceneUnderTest
from tasks.validation.source import Vanished

CHUNK_BYTES = 8 * 1024 * 1024
MAX_HASHED_BYTES = 8 * 1024**3
"""Bytes of one bundle that are hashed; what is beyond is compared by size only."""
DOCUMENTATION = (".md", ".txt")
Place = tuple[str | int, ...]


@dataclass
class Bundle:
    """A manifest with the folder its paths are relative to."""

    view: SceneUnderTest
    path: str
    record: Record
    hashes: dict[str, str] = field(default_factory=dict)
    hashed_bytes: int = 0
    told: set[str] = field(default_factory=set)
    """Files that are known to be missing or different: one finding each is enough."""

    @property
    def folder(self) -> str:
        """Where the bundle lies."""
        return posixpath.dirname(self.path)

    def hash_of(self, path: str) -> str | None:
        """SHA-256 of an object of the scene, read in pieces; None past the bound or when it cannot be read."""
        if path not in self.hashes:
            digest = _digest(self, path)
            if digest is None:
                return None
            self.hashes[path] = digest
        return self.hashes[path]

    def add(self, code: str, message: str, place: Place, file: str | None = None) -> None:
        """Report something at a place of the manifest, or once of a file that it names.

        A file is its maker's: importing a changed recording again would only make the change official.
        """
        if file is None:
            self.view.add(code, self.path, message, at=place)
        elif file not in self.told:
            self.told.add(file)
            owner = self.view.stage_of(file) or self.view.stage_of(self.path)
            self.view.add(code, file, message, stage=owner)


def check_files(bundle: Bundle) -> None:
    """Compare the inventory with what is there; large and small files by size alone."""
    listed: set[str] = set()
    for place, entry in entries(bundle.record, "file_inventory"):
        name = text(entry.get("path"))
        if not name:
            continue
        if name in listed:
            message = f"{bundle.path} lists {show(name)} more than once."
            bundle.add("inventory-duplicate", message, ("file_inventory", place, "path"))
        listed.add(name)
        check_size(bundle, name, number(entry.get("size_bytes")), ("file_inventory", place, "size_bytes"))


def check_size(bundle: Bundle, name: str, size: float | None, place: Place) -> str | None:
    """Whether a file of the bundle is there with that size; its path in the scene, None when it is not there."""
    path = posixpath.normpath(f"{bundle.folder}/{name}")
    if not path.startswith(f"{bundle.folder}/"):
        bundle.add("path-leaves-scene", f"{bundle.path}: {show(name)} leads out of the bundle.", place)
        return None
    file = bundle.view.files.get(path)
    if file is None:
        if path in bundle.told or not bundle.view.absent(path) or bundle.view.expired(path):
            return None
        bundle.told.add(path)
        if name.lower().endswith(DOCUMENTATION):
            message = f"{bundle.path} lists {show(name)}, a page of documentation that is not there."
            bundle.add("dialect-documentation-missing", message, place)
        else:
            bundle.add("inventory-file-missing", f"{bundle.path} lists {show(name)}, which is not there.", place)
        return None
    if size is not None and file.size != size:
        code = "inventory-script-differs" if name.endswith(".py") else "inventory-size-mismatch"
        message = f"{path} has {file.size:,} bytes; {bundle.path} says {size:,.0f}."
        bundle.add(code, message, place, None if code == "inventory-script-differs" else path)
    return path


def check_hash(bundle: Bundle, name: str, entry: object, place: Place) -> None:
    """Compare one file's SHA-256 (and size) with what the manifest says."""
    expected = text(entry) or text(mapping(entry).get("sha256"))
    path = check_size(bundle, name, number(mapping(entry).get("size_bytes")), place)
    if path is None or not expected or not bundle.view.deep or name.endswith(".py"):
        return
    actual = bundle.hash_of(path)
    if actual is not None and actual != expected.lower():
        message = f"{path} does not have the SHA-256 that {bundle.path} says; its content has changed."
        bundle.add("checksum-mismatch", message, place, path)


def check_table(bundle: Bundle, table: object, place: Place, own: str) -> None:
    """Compare every file of a table `{name: {sha256, size_bytes}}`, except the manifest itself."""
    for name, entry in mapping(table).items():
        if name != own:
            check_hash(bundle, name, entry, (*place, name))


def own_checksum(record: Record, keys: tuple[str, ...], own: str) -> tuple[str | None, str]:
    """(what the manifest says of itself, its text in the canonical form that is hashed)."""
    copy = json.loads(json.dumps(record))
    holder = mapping(at(copy, *keys))
    stated = text(mapping(holder.pop(own, None)).get("sha256"))
    return stated, json.dumps(copy, sort_keys=True, separators=(",", ":"))


def sha256(text_: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text_.encode()).hexdigest()


def unlisted(bundle: Bundle, ignore: set[str]) -> Iterator[str]:
    """Files in the bundle's folder that its inventory does not name."""
    listed = {text(entry.get("path")) for _, entry in entries(bundle.record, "file_inventory")}
    for path in bundle.view.files:
        name = path.removeprefix(f"{bundle.folder}/")
        if name != path and name not in listed and name not in ignore:
            yield name


def _digest(bundle: Bundle, path: str) -> str | None:
    size = bundle.view.files[path].size
    bundle.hashed_bytes += size
    if bundle.hashed_bytes > MAX_HASHED_BYTES:
        return None
    digest = hashlib.sha256()
    try:
        for start in range(0, size, CHUNK_BYTES):
            digest.update(bundle.view.source.read(path, start, start + CHUNK_BYTES))
    except Vanished as problem:
        bundle.view.add("object-unreadable", path, f"{problem}.")
        return None
    return digest.hexdigest()
