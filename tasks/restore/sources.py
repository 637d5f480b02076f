"""Which version of an object was there at a time, and the cheapest place that still has it. Pure.

The sources, cheapest first: the live object already is it; a noncurrent version; a soft-deleted object; a night's copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from tasks.actions.object_lists import SourceKind
from tasks.snapshots.summary import ManifestEntry

SOURCE_WORDS: dict[str, str] = {
    "version": "object versions of the bucket",
    "soft_delete": "soft-deleted objects of the bucket",
    "backup": "the night's copy",
}


class Held(NamedTuple):
    """One generation of an object that the data bucket still holds."""

    source_kind: SourceKind
    generation: int
    size: int
    crc32c: str
    updated: str
    created: datetime
    ended: datetime | None
    """When it stopped being the live one; None: it is."""
    metageneration: int = 1
    storage_class: str = ""
    kept: str = ""
    """Why the service will not let it be replaced or deleted now; empty: it will."""

    def was_there(self, at: datetime) -> bool:
        """Whether it was the live one at that time."""
        return self.created <= at and (self.ended is None or at < self.ended)


class Version(NamedTuple):
    """The version to have, and where it is."""

    source_kind: SourceKind
    generation: int
    """As the data bucket numbered it."""
    size: int
    crc32c: str
    updated: str
    exact: bool = True
    """False: the night's, begun before the time that was asked for."""
    metadata_only: bool = False
    """The data bucket has these very bytes, but with other metadata since."""
    storage_class: str = ""
    """What it was; empty: unknown."""


def wanted_version(held: Sequence[Held], entry: ManifestEntry | None, at: datetime | None) -> Version | None:
    """The version that was there; None when nothing was.

    Args:
        held: Every generation the data bucket still holds, the live one included.
        entry: What the night recorded under the name.
        at: The time that was asked for; None: exactly as the night recorded it.
    """
    if at is not None:
        there = next((one for one in held if one.was_there(at)), None)
        if there is not None:
            if entry is None or not changed_since(there, entry) or datetime.fromisoformat(there.updated) <= at:
                return of_bucket(there)
            return of_night(entry, exact=False, metadata_only=True)
        if known_absent(held, entry, at):
            return None
    if entry is None:
        return None
    same = next((one for one in held if one.generation == entry.generation), None)
    if same is None:
        return of_night(entry, exact=at is None)
    if changed_since(same, entry):
        return of_night(entry, exact=at is None, metadata_only=True)
    return of_bucket(same)._replace(exact=at is None)


def changed_since(held: Held, entry: ManifestEntry) -> bool:
    """Whether it is the generation that the night recorded, and its metadata was changed since."""
    return held.generation == entry.generation and 0 < entry.metageneration != held.metageneration


def of_night(entry: ManifestEntry, *, exact: bool, metadata_only: bool = False) -> Version:
    """The night's copy."""
    content = (entry.generation, entry.size, entry.crc32c, entry.updated)
    return Version("backup", *content, exact, metadata_only, entry.storage_class)


def of_bucket(held: Held) -> Version:
    """A version that the data bucket itself holds."""
    content = (held.generation, held.size, held.crc32c, held.updated)
    return Version(held.source_kind, *content, storage_class=held.storage_class)


def known_absent(held: Sequence[Held], entry: ManifestEntry | None, at: datetime) -> bool:
    """Whether the bucket's history shows that the night's version was gone by then and nothing had taken its place.

    What is retained of a name is always its newest part, so a generation that followed would be there to see.
    """
    recorded = entry.generation if entry is not None else 0
    return any(one.generation >= recorded and one.ended is not None and one.ended <= at for one in held)


def live_of(held: Sequence[Held]) -> Held | None:
    """The live generation, None when there is none."""
    return next((one for one in held if one.source_kind == "live"), None)


Decision = Literal["absent", "same", "missing", "differs", "extra"]


def compare(version: Version | None, live: Held | None) -> Decision:
    """What the live object is to the wanted version. Size and checksum decide, of the same generation the metadata too."""
    if version is None:
        return "absent" if live is None else "extra"
    if live is None:
        return "missing"
    if version.metadata_only and live.generation == version.generation:
        return "differs"
    return "same" if (live.size, live.crc32c) == (version.size, version.crc32c) else "differs"
