"""Carrying out many copies or deletions: a hundred small ones a request, large ones by themselves, many at a time.

However long the list is, only what is in flight is held in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from blocks.errors import OutsideError
from blocks.storage_bulk import BATCH, Answer, BulkStorage, Copy, Deletion, failed
from blocks.storage_client import Resume
from tasks.sync.rewrites import Rewrites

LARGE = 8 << 20
"""From this size on (bytes) an object is copied by itself, so that it has a time limit of its own."""
BATCH_BYTES = 256 << 20
"""Bytes in one batch at most."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """One copy to make, and what it stands for."""

    copy: Copy
    size: int
    item: T


def copy_all(
    bulk: BulkStorage,
    jobs: Iterable[Job[T]],
    *,
    workers: int = 16,
    check: Callable[[], None] = lambda: None,
    rewrites: Rewrites | None = None,
) -> Iterator[tuple[T, Answer]]:
    """Make every copy; what became of each, in the order in which they end.

    Args:
        bulk: The storage.
        jobs: Drawn from as copies end.
        workers: Requests at the same time.
        check: Called before each request; what it raises ends the work when the requests in flight have ended.
        rewrites: Where a large copy that was interrupted goes on; None: at its beginning.
    """

    def carry_out(batch: list[Job[T]]) -> list[tuple[T, Answer]]:
        check()
        if len(batch) == 1 and batch[0].size >= LARGE:
            return [(batch[0].item, copy_alone(bulk, batch[0].copy, check, rewrites))]
        answers = bulk.copy([job.copy for job in batch])
        return [
            (job.item, copy_alone(bulk, job.copy, check, rewrites) if answer.result == "unfinished" else answer)
            for job, answer in zip(batch, answers, strict=True)
        ]

    yield from in_parallel(batches(jobs), carry_out, workers)


def delete_all(
    bulk: BulkStorage, deletions: Iterable[Deletion], *, workers: int = 8, check: Callable[[], None] = lambda: None
) -> Iterator[tuple[Deletion, Answer]]:
    """Make every deletion; what became of each. The arguments are those of `copy_all`."""

    def carry_out(batch: list[Deletion]) -> list[tuple[Deletion, Answer]]:
        check()
        return list(zip(batch, bulk.delete(batch), strict=True))

    yield from in_parallel(groups(deletions), carry_out, workers)


def batches(jobs: Iterable[Job[T]]) -> Iterator[list[Job[T]]]:
    """Large jobs by themselves, the others in batches of limited number and bytes."""
    batch: list[Job[T]] = []
    size = 0
    for job in jobs:
        if job.size >= LARGE:
            yield [job]
            continue
        if len(batch) == BATCH or size + job.size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(job)
        size += job.size
    if batch:
        yield batch


def groups(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """The items, `size` at a time."""
    group: list[T] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def copy_alone(
    bulk: BulkStorage, copy: Copy, check: Callable[[], None] = lambda: None, rewrites: Rewrites | None = None
) -> Answer:
    """A copy by as many calls as it takes, each with its own time limit; it goes on where the last call ended.

    `check` is called between them, and what it raises passes through: the copy can be gone on with.
    """
    storage = bulk.storage

    def keep(token: str) -> None:
        if rewrites is not None:
            rewrites.keep(copy, token)
        check()

    try:
        source = storage.stat(copy.source_bucket, copy.source, copy.source_generation)
        if source is None:
            return Answer("missing", "that generation of the source is gone")
        token = rewrites.token(copy) if rewrites is not None else None
        made = storage.copy(
            source,
            copy.bucket,
            copy.name,
            generation=copy.generation,
            metageneration=copy.source_metageneration,
            resume=Resume(token or None, keep),
        )
        if rewrites is not None:
            rewrites.drop(copy)
    except OutsideError as error:
        return failed(error)
    return Answer("done", generation=made.generation, size=made.size, crc32c=made.crc32c)


R = TypeVar("R")


def in_parallel(items: Iterable[T], carry_out: Callable[[T], list[R]], workers: int) -> Iterator[R]:
    """The results of each item as they come, with no more than twice `workers` items drawn ahead.

    The first error is raised when what was under way has ended; nothing new is begun after it.
    """
    with ThreadPoolExecutor(workers) as pool:
        flying: set[Future[list[R]]] = set()
        for item in items:
            flying.add(pool.submit(carry_out, item))
            if len(flying) >= 2 * workers:
                ended, flying = wait(flying, return_when=FIRST_COMPLETED)
                yield from _results(ended, flying)
        while flying:
            ended, flying = wait(flying, return_when=FIRST_COMPLETED)
            yield from _results(ended, flying)


def _results(ended: set[Future[list[R]]], flying: set[Future[list[R]]]) -> Iterator[R]:
    for future in ended:
        error = future.exception()
        if error is not None:
            for other in flying:
                other.cancel()
            raise error
        yield from future.result()
