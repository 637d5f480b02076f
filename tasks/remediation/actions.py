"""What each kind of action does, and how to tell afterwards whether it was done.

Every kind is a pair: `do` acts with the precondition of the plan, `look` asks the world whether the action has taken
effect already. A run that was killed looks before it acts, so nothing is done twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.stored_object import StoredObject
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.plan import Action

QUARANTINE = "remediation/quarantine/"


@dataclass(frozen=True, slots=True)
class Doing:
    """An action being carried out: the context, the journal it is written to, and the action."""

    context: Context
    journal: Journal
    action: Action

    def text(self, name: str) -> str:
        """A text parameter of the action."""
        return str(self.action.params[name])

    def number(self, name: str) -> int:
        """A whole-number parameter of the action."""
        return int(str(self.action.params[name]))


def quarantine_name(subject: str, path: str, generation: int) -> str:
    """Where a deleted object's copy is kept in the ops bucket. The same object and generation give the same name."""
    return f"{QUARANTINE}{subject}/{path}#{generation}"


def delete_object(doing: Doing) -> str:
    """Remove one generation of one object, undoably: bucket history if there is any, else a copy made first."""
    storage, bucket = doing.context.environment.storage, doing.context.environment.data_bucket
    name, generation = doing.text("name"), doing.number("generation")
    try:
        if doing.action.params.get("copy_first"):
            live = storage.stat(bucket, name, generation)
            if live is None:
                return "already gone"
            copy_to = quarantine_name(doing.journal.subject, name, generation)
            keep(doing, live, copy_to)
        deleted = storage.delete(bucket, name, generation=generation)
    except PreconditionFailed:
        return "already replaced by a newer generation, which is left alone"
    except NotFound:
        if storage.stat(bucket, name, generation) is None:
            return "already gone"  # between looking at it and copying it
        raise
    return "deleted" if deleted else "already gone"


def keep(doing: Doing, live: StoredObject, copy_to: str) -> None:
    """Copy an object to the ops bucket; an equal copy that is already there is fine."""
    environment = doing.context.environment
    try:
        environment.storage.copy(live, environment.ops_bucket, copy_to)
    except PreconditionFailed:
        kept = environment.storage.stat(environment.ops_bucket, copy_to)
        if kept is None or (kept.size, kept.crc32c) != (live.size, live.crc32c):
            raise PermanentError(
                f"gs://{environment.ops_bucket}/{copy_to} holds something else than gs://{live.bucket}/{live.name}; "
                "nothing was deleted. Look at that copy, move it away, and run this again."
            ) from None


def look_deleted(doing: Doing) -> str | None:
    """Gone, or replaced by another generation: both mean that this generation is not there any more."""
    environment = doing.context.environment
    live = environment.storage.stat(environment.data_bucket, doing.text("name"))
    if live is None:
        return "found gone"
    return "found replaced" if live.generation != doing.number("generation") else None


def restore_object(doing: Doing) -> str:
    """Bring back a good copy (an older generation, a soft-deleted object or the backup's) where the bad one is."""
    environment, params = doing.context.environment, doing.action.params
    storage, bucket, name = environment.storage, environment.data_bucket, doing.text("name")
    wanted = doing.number("live_generation")
    source = find_source(doing)
    if params.get("copy_first") and (live := storage.stat(bucket, name, wanted)):
        keep(doing, live, quarantine_name(doing.journal.subject, name, wanted))
    if params["source"] == "soft_delete":
        if wanted:  # a soft-deleted object cannot be copied, only restored to where nothing is
            storage.delete(bucket, name, generation=wanted)
        storage.restore_soft_deleted(source)
        return "restored from soft delete"
    storage.copy(source, bucket, name, generation=wanted)
    return f"restored from {params['source']}"


def find_source(doing: Doing) -> StoredObject:
    """The copy to restore from. Raises `NotFound` when it went away since the plan was made."""
    params, storage = doing.action.params, doing.context.environment.storage
    source_name, bucket, generation = doing.text("source_name"), doing.text("source_bucket"), doing.number("generation")
    if params["source"] == "soft_delete":
        for found in storage.list(bucket, source_name, soft_deleted=True):
            if found.name == source_name and found.generation == generation:
                return found
        source = None
    else:
        source = storage.stat(bucket, source_name, generation)
    if source is None:
        raise NotFound(f"gs://{bucket}/{source_name} generation {generation} is gone; plan again.")
    return source


def look_restored(doing: Doing) -> str | None:
    """Whether the live object already has the good copy's content."""
    environment = doing.context.environment
    live = environment.storage.stat(environment.data_bucket, doing.text("name"))
    if live is None or live.generation == doing.number("live_generation"):
        return None
    return "found restored" if live.crc32c == doing.text("crc32c") else None


def write_object(doing: Doing) -> str:
    """Create one small JSON object (a marker) if nothing is there; what is there already is left alone.

    The plan's payload gets the run's id, and as its time that of the newest object in `dated_by`: the marker says when
    the work was completed, not when somebody noticed.
    """
    environment, payload = doing.context.environment, doing.action.params["payload"]
    stamp = {"timestamp": completed_at(doing).isoformat().replace("+00:00", "Z"), "remediation_run": doing.journal.run}
    try:
        environment.storage.create(
            environment.data_bucket,
            doing.text("name"),
            json.dumps({**(payload if isinstance(payload, dict) else {}), **stamp}).encode(),
            metadata={"remediation-run": doing.journal.run},
        )
    except PreconditionFailed:
        return "already there"
    return "written"


def completed_at(doing: Doing) -> datetime:
    """When the newest of the objects that prove the work was written; now when there are none."""
    environment, names = doing.context.environment, doing.action.params.get("dated_by") or []
    found = [environment.storage.stat(environment.data_bucket, str(name)) for name in names]  # type: ignore[union-attr]
    return max((stored.updated for stored in found if stored is not None), default=datetime.now(UTC))


def look_written(doing: Doing) -> str | None:
    """Whether there is such an object."""
    environment = doing.context.environment
    live = environment.storage.stat(environment.data_bucket, doing.text("name"))
    return None if live is None else "found there"
