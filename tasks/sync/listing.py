"""The two streams that are walked: the objects of a source, and the copies of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from blocks.storage_bulk import BulkStorage, Entry
from tasks.sync.copy_names import in_copy_order, stem
from tasks.sync.key_ranges import KeyRange

Keyed = tuple[str, Entry]
R = TypeVar("R")


def sources(bulk: BulkStorage, bucket: str, prefix: str, key_range: KeyRange) -> Iterator[Keyed]:
    """The live objects under `prefix` in a range, each with its copy's key, in the order of the keys."""
    pages = bulk.pages(bucket, prefix, key_range.start, key_range.end)
    return in_copy_order(entry for page in pages for entry in page)


def copies(bulk: BulkStorage, bucket: str, root: str, prefix: str, key_range: KeyRange) -> Iterator[Keyed]:
    """The copies of such objects, `prefix` as their own names have it; the key is the name below `root`.

    With a very long prefix, copies of other objects that begin alike are among them.
    """
    start, end = (root + bound if bound else "" for bound in key_range)
    cut = len(root)
    for page in bulk.pages(bucket, root + stem(prefix).decode(errors="ignore"), start, end):
        for entry in page:
            yield entry.name[cut:], entry


def each_key_range(key_ranges: Sequence[KeyRange], do: Callable[[int, KeyRange], R], workers: int) -> list[R]:
    """What `do` gives for every range, many at a time. The first error is raised when all have ended."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(do, number, key_range) for number, key_range in enumerate(key_ranges)]
    return [future.result() for future in futures]
