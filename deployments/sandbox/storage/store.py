"""The sandbox's object store: buckets in memory, with the rules of Google Cloud Storage, safe to use from threads.

Code that stands for the outside world (the simulator, the damages, the tests) writes through `ObjectStore` directly;
everybody else speaks HTTP to `StorageApp`, which works on the same store.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypedDict, Unpack

from deployments.sandbox.storage.store_bucket import WEEK_SECONDS, Bucket, BucketSettings
from deployments.sandbox.storage.store_errors import (
    NO_CONDITIONS,
    Conflict,
    NoSuchThing,
    Preconditions,
    StoreError,
    bucket_not_found,
)
from deployments.sandbox.storage.store_index import Page, Query
from deployments.sandbox.storage.store_version import Content, NewObject, StoredVersion

__all__ = [
    "NO_CONDITIONS",
    "Bucket",
    "BucketSettings",
    "Content",
    "NewObject",
    "NoSuchThing",
    "ObjectStore",
    "Page",
    "Preconditions",
    "Query",
    "StoreError",
    "StoredVersion",
]

OnFinalize = Callable[[str, StoredVersion], None]


class Put(TypedDict, total=False):
    """How an object is written that a test or the simulated pipeline puts there."""

    content_type: str | None
    metadata: Mapping[str, str] | None
    if_generation_match: int | None
    at: datetime | None
    """When it seems to have been written; default now."""
    quiet: bool
    """Whether no `on_finalize` callback is told; default False."""


class ObjectStore:
    """Every bucket of the sandbox. Refusals are raised as StoreError, and then nothing was changed."""

    def __init__(self) -> None:
        """Start without buckets."""
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}
        self._callbacks: list[OnFinalize] = []
        self._generation = 0

    # Buckets

    def create_bucket(
        self,
        name: str,
        versioning: bool = False,
        soft_delete_seconds: int = WEEK_SECONDS,
        *,
        settings: BucketSettings | None = None,
    ) -> Bucket:
        """Create a bucket, from `settings` if given. Raises Conflict when there is one of that name."""
        if settings is None:
            settings = BucketSettings(versioning=versioning, soft_delete_seconds=soft_delete_seconds)
        bucket = Bucket(name, settings, self._next_generation)
        with self._lock:
            if name in self._buckets:
                raise Conflict("Your previous request to create the named bucket succeeded and you already own it.")
            self._buckets[name] = bucket
        return bucket

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name. Raises NoSuchThing."""
        bucket = self._buckets.get(name)
        if bucket is None:
            raise bucket_not_found()
        return bucket

    def has_bucket(self, name: str) -> bool:
        """Whether there is a bucket of that name."""
        return name in self._buckets

    def buckets(self) -> list[Bucket]:
        """Every bucket, by name."""
        with self._lock:
            return [self._buckets[name] for name in sorted(self._buckets)]

    def delete_bucket(self, name: str, conditions: Preconditions = NO_CONDITIONS) -> None:
        """Delete an empty bucket. Raises NoSuchThing, ConditionNotMet, or Conflict when it holds anything."""
        with self._lock:
            bucket = self._buckets.get(name)
            if bucket is None:
                raise bucket_not_found()
            with bucket.lock:
                conditions.check(bucket)
                if not bucket.empty:
                    raise Conflict("The bucket you tried to delete is not empty.")
                del self._buckets[name]

    def clear(self) -> None:
        """Forget every bucket and everything in it."""
        with self._lock:
            self._buckets.clear()

    # Objects

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes,
        **how: Unpack[Put],
    ) -> StoredVersion:
        """Write an object as its new live version.

        Raises NoSuchThing (bucket), ConditionNotMet, RetentionNotMet, UnderHold.
        """
        new = NewObject(Content.of(data), how.get("content_type"), how.get("metadata"))
        expected = how.get("if_generation_match")
        conditions = NO_CONDITIONS if expected is None else Preconditions(expected)
        version = self.bucket(bucket).finalize(name, new, conditions, how.get("at"))
        if not how.get("quiet"):
            self.announce(version)
        return version

    def get(self, bucket: str, name: str, generation: int | None = None) -> StoredVersion | None:
        """The live version, or the live or noncurrent one with `generation`; None when there is none."""
        return self.bucket(bucket).get(name, generation)

    def delete(
        self, bucket: str, name: str, *, generation: int | None = None, if_generation_match: int | None = None
    ) -> StoredVersion:
        """Delete an object as Google does: noncurrent in a versioned bucket, else soft-deleted. Raises NoSuchThing."""
        conditions = NO_CONDITIONS if if_generation_match is None else Preconditions(if_generation_match)
        return self.bucket(bucket).delete(name, generation, conditions)

    def list(
        self, bucket: str, prefix: str = "", *, versions: bool = False, soft_deleted: bool = False
    ) -> Iterator[StoredVersion]:
        """Every live object below `prefix` in the order of names (or every version, or every soft-deleted one)."""
        holder, query, cursor = self.bucket(bucket), Query(prefix=prefix), None
        while True:
            page = holder.page(query, cursor, 1000, versions=versions, soft_deleted=soft_deleted)
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return

    # What others hear of it

    def on_finalize(self, callback: OnFinalize) -> None:
        """Call `callback(bucket name, version)` after every write that is not quiet, in the writer's thread.

        No lock is held. A callback that takes long holds up the writer, so one that works hands it to a thread.
        """
        self._callbacks.append(callback)

    @property
    def has_listeners(self) -> bool:
        """Whether anybody asked to hear of writes."""
        return bool(self._callbacks)

    def announce(self, version: StoredVersion) -> None:
        """Tell every `on_finalize` callback of a version that was written."""
        for callback in self._callbacks:
            callback(version.bucket, version)

    def _next_generation(self) -> int:
        """Microseconds since 1970, and more than any number given before."""
        with self._lock:
            self._generation = max(self._generation + 1, time.time_ns() // 1000)
            return self._generation
