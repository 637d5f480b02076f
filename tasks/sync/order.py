"""The order in which everything is walked: that of the copies' names.

A copy is called after its source and the generation that it holds, so that it is written once and never overwritten:

    scenes/kitchen_001/usd/scene.usda  generation 1763890000000000
    scenes/kitchen_001/usd/scene.usda+1763890000000000

A listing comes by name (in UTF-8 order, which is Python's order of strings). The copies' names come in the same order,
but for names that go on after another object's name with one of the few characters up to `+`: `a` comes before `a (2)`,
`a+17` after `a (2)+18`. So a listing of sources is put into the copies' order here, holding back no more objects than
there are such names within each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

MARK = "+"
"""Between name and generation. A `+` in a name is doubled, so that the last one is always ours."""


class Named(Protocol):
    """What is put in order: an entry of a listing, or all that is known of one name (generation 0)."""

    @property
    def name(self) -> str: ...

    @property
    def generation(self) -> int: ...


N = TypeVar("N", bound=Named)


def copy_key(name: str, generation: int) -> str:
    """What the copy of this generation is called, below the folder of the copies."""
    return f"{name.replace(MARK, MARK + MARK)}{MARK}{generation}"


def split_key(key: str) -> tuple[str, int]:
    """Name and generation of the source. Raises ValueError for the name of anything that is no copy."""
    name, mark, generation = key.rpartition(MARK)
    if not mark or not generation.isdigit():
        raise ValueError(f"{key!r} is not the name of a copy")
    return name.replace(MARK + MARK, MARK), int(generation)


def in_copy_order(entries: Iterable[N]) -> Iterator[tuple[str, N]]:
    """Entries that come by name, each with its copy's key, in the order of the keys."""
    held: list[tuple[str, N]] = []
    for entry in entries:
        key = copy_key(entry.name, entry.generation)
        while held and held[-1][0] < key:
            yield held.pop()
        held.append((key, entry))
    while held:
        yield held.pop()


def is_boundary(name: str) -> bool:
    """Whether no object sorts to different sides of `name` as a source and as a copy: it has no character up to `+`."""
    return bool(name) and min(name) > MARK
