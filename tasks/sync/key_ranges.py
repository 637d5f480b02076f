"""Cutting a listing into ranges of names, so that many are listed at the same time.

A listing is a chain of pages, each asked for with the token of the one before. Ranges (`startOffset`, `endOffset`) make
many short chains of a long one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from blocks.storage import PipelineStorage
from tasks.sync.copy_names import is_boundary

MOST = 256
"""KeyRanges at most."""
LEAST_OBJECTS = 1000
"""Objects in a key range at least, where their number is known: a page."""
LEAST_FOLDERS = 10
"""Folders in a key range at least: a scene has about a hundred objects."""


class KeyRange(NamedTuple):
    """The names in [start, end). An empty end is the end of everything."""

    start: str = ""
    end: str = ""


def key_ranges_at(boundaries: Iterable[str]) -> list[KeyRange]:
    """The ranges between these names: all names there can be, each in exactly one range."""
    cuts = sorted({name for name in boundaries if is_boundary(name)})
    return [KeyRange(start, end) for start, end in pairwise(["", *cuts, ""])]


def key_ranges_by_folder(storage: PipelineStorage, bucket: str, folder: str, most: int = 64) -> list[KeyRange]:
    """Ranges of about equally many subfolders of `folder`, at least ten: for a bucket of which nothing is known yet."""
    folders = list(storage.prefixes(bucket, folder))
    return key_ranges_at(evenly(folders, max(1, min(most, len(folders) // LEAST_FOLDERS))))


def evenly(names: Sequence[str], most: int) -> list[str]:
    """At most `most` of the names, about equally far from each other, the first one always."""
    step = max(1, -(-len(names) // most))
    return list(names[::step])
