"""The two streams that are walked: the objects of a source, and the copies of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from blocks.storage_bulk import BulkStorage, Entry
from tasks.sync.order import in_copy_order, stem
from tasks.sync.shards import Shard

Keyed = tuple[str, Entry]
R = TypeVar("R")


def sources(bulk: BulkStorage, bucket: str, prefix: str, shard: Shard) -> Iterator[Keyed]:
    """The live objects under `prefix` in a range, each with its copy's key, in the order of the keys."""
    pages = bulk.pages(bucket, prefix, shard.start, shard.end)
    return in_copy_order(entry for page in pages for entry in page)


def copies(bulk: BulkStorage, bucket: str, root: str, prefix: str, shard: Shard) -> Iterator[Keyed]:
    """The copies of such objects, `prefix` as their own names have it; the key is the name below `root`.

    With a very long prefix, copies of other objects that begin alike are among them.
    """
    start, end = (root + bound if bound else "" for bound in shard)
    cut = len(root)
    for page in bulk.pages(bucket, root + stem(prefix).decode(errors="ignore"), start, end):
        for entry in page:
            yield entry.name[cut:], entry


def each_shard(shards: Sequence[Shard], do: Callable[[int, Shard], R], workers: int) -> list[R]:
    """What `do` gives for every range, many at a time. The first error is raised when all have ended."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(do, number, shard) for number, shard in enumerate(shards)]
    return [future.result() for future in futures]
