"""Cutting a listing into ranges of names, so that many are listed at the same time.

A listing is a chain of pages, each asked for with the token of the one before. Ranges (`startOffset`, `endOffset`) make
many short chains of a long one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from blocks.storage import PipelineStorage
from tasks.sync.order import is_boundary

MOST = 256
"""Shards at most."""
LEAST_OBJECTS = 1000
"""Objects in a shard at least, where their number is known: a page."""
LEAST_FOLDERS = 10
"""Folders in a shard at least: a scene has about a hundred objects."""


class Shard(NamedTuple):
    """The names in [start, end). An empty end is the end of everything."""

    start: str = ""
    end: str = ""


def shards_at(boundaries: Iterable[str]) -> list[Shard]:
    """The ranges between these names: all names there can be, each in exactly one range."""
    cuts = sorted({name for name in boundaries if is_boundary(name)})
    return [Shard(start, end) for start, end in pairwise(["", *cuts, ""])]


def shards_by_folder(storage: PipelineStorage, bucket: str, folder: str, most: int = 64) -> list[Shard]:
    """Ranges of about equally many subfolders of `folder`, at least ten: for a bucket of which nothing is known yet."""
    folders = list(storage.prefixes(bucket, folder))
    return shards_at(evenly(folders, max(1, min(most, len(folders) // LEAST_FOLDERS))))


def evenly(names: Sequence[str], most: int) -> list[str]:
    """At most `most` of the names, about equally far from each other, the first one always."""
    step = max(1, -(-len(names) // most))
    return list(names[::step])
