"""What is kept of an object that is deleted or replaced: the bucket's own history, else a copy in the ops bucket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Literal

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.object_names import fitting
from blocks.stored_object import Protection, StoredObject
from tasks.remediation.context import Context

Source = Literal["version", "soft_delete", "backup", "quarantine"]
"""Where a copy of an object is."""
QUARANTINE = "remediation/quarantine/"
ASKED_SECONDS = 5.0
"""How old the answer may be by which an object is deleted without a copy: somebody may switch history off meanwhile."""


class History:
    """Whether a bucket keeps what is deleted, asked again every few seconds while a run goes on."""

    def __init__(self, environment: PipelineEnvironment) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Protection]] = {}

    @staticmethod
    def of(context: Context) -> History:
        """The run's own."""
        return context.remember(History, lambda: History(context.environment))

    def undoable(self, bucket: str) -> bool:
        """Whether a deletion there can be undone now."""
        with self._lock:
            asked, protection = self._known.get(bucket, (float("-inf"), Protection(exists=False)))
            if time.monotonic() - asked > ASKED_SECONDS:
                protection = self._environment.storage.protection(bucket)
                self._known[bucket] = (time.monotonic(), protection)
            return protection.undoable


def quarantine_name(subject: str, path: str, generation: int) -> str:
    """Where a deleted object's copy is kept in the ops bucket. The same object and generation give the same name."""
    return fitting(f"{QUARANTINE}{subject}/", path, f"#{generation}")


def keep(environment: PipelineEnvironment, live: StoredObject, copy_to: str) -> None:
    """Copy an object to the ops bucket; an equal copy that is already there is fine."""
    try:
        environment.storage.copy(live, environment.ops_bucket, copy_to)
    except PreconditionFailed:
        kept = environment.storage.stat(environment.ops_bucket, copy_to)
        if kept is None or (kept.size, kept.crc32c) != (live.size, live.crc32c):
            raise PermanentError(
                f"gs://{environment.ops_bucket}/{copy_to} holds something else than gs://{live.bucket}/{live.name}; "
                "nothing was deleted. Look at that copy, move it away, and run this again."
            ) from None


def find_lost(
    environment: PipelineEnvironment, subject: str, name: str, generation: int
) -> tuple[Source, StoredObject] | None:
    """Where a generation that is not live still is: a version, a soft-deleted object, or the quarantine."""
    for source, found in candidates(environment, name):
        if found.name == name and found.generation == generation:
            return source, found
    kept = environment.storage.stat(environment.ops_bucket, quarantine_name(subject, name, generation))
    return ("quarantine", kept) if kept is not None else None


def candidates(environment: PipelineEnvironment, name: str) -> Iterator[tuple[Source, StoredObject]]:
    """Older generations and soft-deleted objects of that name. Raises `NotFound` when there is no such bucket."""
    storage, bucket = environment.storage, environment.data_bucket
    protection = storage.protection(bucket)
    if not protection.exists:
        raise NotFound(f"There is no bucket {bucket}; check the environment's data_bucket.")
    if protection.versioning:
        yield from (("version", found) for found in storage.list(bucket, name, versions=True))
    if protection.soft_delete_seconds:
        yield from (("soft_delete", found) for found in storage.list(bucket, name, soft_deleted=True))
