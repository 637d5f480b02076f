"""Which version of an object was there at a time, and the cheapest place that still has it. Pure.

The rungs, cheapest first: the live object already is it; a noncurrent version; a soft-deleted object; a night's copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from tasks.backup.summary import ManifestEntry

Rung = Literal["live", "version", "soft_delete", "backup"]
RUNG_WORDS: dict[str, str] = {
    "version": "object versions of the bucket",
    "soft_delete": "soft-deleted objects of the bucket",
    "backup": "the night's copy",
}


class Held(NamedTuple):
    """One generation of an object that the data bucket still holds."""

    rung: Rung
    generation: int
    size: int
    crc32c: str
    updated: str
    created: datetime
    ended: datetime | None
    """When it stopped being the live one; None: it is."""

    def was_there(self, at: datetime) -> bool:
        """Whether it was the live one at that time."""
        return self.created <= at and (self.ended is None or at < self.ended)


class Version(NamedTuple):
    """The version to have, and where it is."""

    rung: Rung
    generation: int
    """As the data bucket numbered it."""
    size: int
    crc32c: str
    updated: str
    exact: bool = True
    """False: the night's, begun before the time that was asked for."""


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
            return of_bucket(there)
        if known_absent(held, entry, at):
            return None
    if entry is None:
        return None
    same = next((one for one in held if one.generation == entry.generation), None)
    if same is not None:
        return of_bucket(same)._replace(exact=at is None)
    return Version("backup", entry.generation, entry.size, entry.crc32c, entry.updated, at is None)


def of_bucket(held: Held) -> Version:
    """A version that the data bucket itself holds."""
    return Version(held.rung, held.generation, held.size, held.crc32c, held.updated)


def known_absent(held: Sequence[Held], entry: ManifestEntry | None, at: datetime) -> bool:
    """Whether the bucket's history shows that the night's version was gone by then and nothing had taken its place.

    What is retained of a name is always its newest part, so a generation that followed would be there to see.
    """
    recorded = entry.generation if entry is not None else 0
    return any(one.generation >= recorded and one.ended is not None and one.ended <= at for one in held)


def live_of(held: Sequence[Held]) -> Held | None:
    """The live generation, None when there is none."""
    return next((one for one in held if one.rung == "live"), None)


Decision = Literal["absent", "same", "missing", "differs", "extra"]


def compare(version: Version | None, live: Held | None) -> Decision:
    """What the live object is to the wanted version. Size and checksum decide."""
    if version is None:
        return "absent" if live is None else "extra"
    if live is None:
        return "missing"
    return "same" if (live.size, live.crc32c) == (version.size, version.crc32c) else "differs"
