"""The one walker: two sorted streams, stepped through together.

Backup, verification, restore and expiry all look at the world through it, so they cannot disagree about what exists.
Each is a visitor: a function that consumes the pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

L = TypeVar("L")
R = TypeVar("R")


class OutOfOrder(Exception):
    """A stream is not sorted. Nothing that was concluded from it can be trusted."""


def merge_join(left: Iterable[tuple[str, L]], right: Iterable[tuple[str, R]]) -> Iterator[tuple[L | None, R | None]]:
    """What is in both streams, only in the left one (right is None), or only in the right one, by key.

    Args:
        left: Keys and what they stand for, by key, each key once.
        right: The same.

    Raises:
        OutOfOrder: a stream is not sorted, or has a key twice.
    """
    lefts, rights = iter(left), iter(right)
    mine, theirs = next(lefts, None), next(rights, None)
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine[0] < theirs[0]):
            assert mine is not None
            yield mine[1], None
            mine = _next(lefts, mine[0])
        elif mine is None or theirs[0] < mine[0]:
            yield None, theirs[1]
            theirs = _next(rights, theirs[0])
        else:
            yield mine[1], theirs[1]
            mine, theirs = _next(lefts, mine[0]), _next(rights, theirs[0])


T = TypeVar("T")


def _next(stream: Iterator[tuple[str, T]], last: str) -> tuple[str, T] | None:
    found = next(stream, None)
    if found is not None and found[0] <= last:
        raise OutOfOrder(
            f"{found[0]!r} came after {last!r}: the listing is not sorted, so nothing is concluded from it."
        )
    return found
