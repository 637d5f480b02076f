"""The order in which everything is walked: that of the copies' names.

A copy is called after its source and the generation that it holds, so that it is written once and never overwritten:

    scenes/kitchen_001/usd/scene.usda  generation 1763890000000000
    scenes/kitchen_001/usd/scene.usda+1763890000000000

A copy that holds a later state of the metadata says which: `...+1763890000000000.2` is metageneration 2.

A listing comes by name (in UTF-8 order, which is Python's order of strings). The copies' names come in the same order,
but for names that go on after another object's name with one of the few characters up to `+`: `a` comes before `a (2)`,
`a+17` after `a (2)+18`. So a listing of sources is put into the copies' order here, holding back no more objects than
there are such names within each other.

A name may have 1,024 bytes, and so may its copy's, which is longer. Of a name over 800 bytes the copy's has only the
beginning, and the SHA-256 of all of it. Such names are put in order together with all that begin like them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

MARK = "+"
"""Between name and generation. A `+` in a name is doubled, so that the last one is always ours."""
LONGEST_NAME = 800
"""Bytes of a name that a copy's name has whole. The rest of Cloud Storage's 1,024 ("Object names") is for the hash, the
version, and some 120 bytes for the folder of the copies."""
STEM = 796
"""Bytes with which every copy's name begins as its source does, wherever a character of up to four bytes was cut."""
SURELY_SHORT = STEM // 8
"""Characters of a name that cannot have more bytes than `STEM`, with every character doubled."""


class Named(Protocol):
    """What is put in order: an entry of a listing, or all that is known of one name (generation 0)."""

    @property
    def name(self) -> str: ...

    @property
    def generation(self) -> int: ...

    @property
    def metageneration(self) -> int: ...


N = TypeVar("N", bound=Named)


def copy_key(name: str, generation: int, metageneration: int = 1) -> str:
    """What the copy of this generation, with this state of its metadata, is called, below the folder of the copies.

    Metageneration 0 stands for one that nobody recorded, in a night from before copies of long names could be made.
    """
    version = f"{generation}.{metageneration}" if metageneration > 1 else str(generation)
    escaped = name.replace(MARK, MARK + MARK)
    if metageneration and len(name) > SURELY_SHORT and len(whole := escaped.encode()) > LONGEST_NAME:
        beginning = whole[:LONGEST_NAME].decode(errors="ignore")
        return f"{beginning}{MARK}sha256-{hashlib.sha256(name.encode()).hexdigest()}{MARK}{version}"
    return f"{escaped}{MARK}{version}"


def stem(name: str) -> bytes:
    """What the copies' names of all objects whose names begin with `name` begin with."""
    return name.replace(MARK, MARK + MARK).encode()[:STEM]


def split_key(key: str) -> tuple[str, int]:
    """Name and generation of the source.

    Raises ValueError for the name of anything that is no copy, and of a copy that does not have its whole name.
    """
    name, mark, version = key.rpartition(MARK)
    generation, dot, metageneration = version.partition(".")
    if not mark or not generation.isdigit() or (dot and not metageneration.isdigit()):
        raise ValueError(f"{key!r} is not the name of a copy")
    if len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"{key!r} does not have the whole name of its source")
    return name.replace(MARK + MARK, MARK), int(generation)


def in_copy_order(entries: Iterable[N]) -> Iterator[tuple[str, N]]:
    """Entries that come by name, each with its copy's key, in the order of the keys."""
    held: list[tuple[str, N]] = []
    alike: list[tuple[str, N]] = []  # long names with the same stem, of which only all together can be sorted
    beginning = b""
    for entry in entries:
        key = copy_key(entry.name, entry.generation, entry.metageneration)
        is_long = len(entry.name) > SURELY_SHORT and len(start := stem(entry.name)) == STEM
        if alike and not (is_long and start == beginning):
            yield from _past(held, alike)
            alike = []
        if is_long:
            beginning = start
            alike.append((key, entry))
            continue
        while held and held[-1][0] < key:
            yield held.pop()
        held.append((key, entry))
    yield from _past(held, alike)
    while held:
        yield held.pop()


def _past(held: list[tuple[str, N]], alike: list[tuple[str, N]]) -> Iterator[tuple[str, N]]:
    """Hold these too; whatever comes before one of them."""
    for keyed in sorted(alike, key=lambda one: one[0]):
        while held and held[-1][0] < keyed[0]:
            yield held.pop()
        held.append(keyed)


def is_boundary(name: str) -> bool:
    """Whether no object sorts to different sides of `name` as a source and as a copy: it has no character up to `+`."""
    return bool(name) and min(name) > MARK and len(name.encode()) <= STEM
