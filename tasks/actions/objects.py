"""Kinds of action on single objects of the data bucket: delete and restore, each the other's way back.

Every one is checked against its subject and against the object's class at the moment it is made, whatever the plan
says: a journal that somebody has edited must not reach another scene or an input.
"""

from __future__ import annotations

from dataclasses import replace

from blocks.catalogue_query import class_of, fan_out
from blocks.catalogue_rules import ObjectClass
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.object_protection import kept_objects
from blocks.stored_object import StoredObject
from tasks.actions.history import History, Source, find_lost, keep, quarantine_name
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action, Plan

NEVER_DELETED: tuple[ObjectClass, ...] = ("input", "guard")
NEVER_RESTORED: tuple[ObjectClass, ...] = ("lock",)
"""Put back, a lock blocks the scene. A work record that a run moved to quarantine goes back with the job it is of."""
MARKERS: tuple[ObjectClass, ...] = ("completion_marker", "trigger_object", "failure_marker")
"""Classes of which writing an object may start workflows."""


class DeleteObject(Params):
    """One generation of one object."""

    name: str
    generation: int
    crc32c: str = ""
    copy_first: bool = False
    """The bucket keeps no history: a copy is made in the ops bucket before."""


class RestoreObject(Params):
    """A good copy, and where it belongs."""

    name: str
    live_generation: int
    """What it replaces; 0: nothing is there."""
    source: Source
    source_bucket: str
    source_name: str
    generation: int
    crc32c: str
    copy_first: bool = False


def kept(context: Context, plan: Plan) -> list[str]:
    """Objects that a plan deletes or replaces and that a hold or a retention keeps, one sentence each."""
    environment = context.environment
    touched: dict[str, int] = {}
    for action in plan.actions:
        if action.kind == delete_object.name:
            touched[str(action.params["name"])] = int(str(action.params["generation"]))
        elif action.kind == restore_object.name and action.params.get("live_generation"):
            touched[str(action.params["name"])] = int(str(action.params["live_generation"]))
    return list(kept_objects(environment.storage, environment.data_bucket, touched)) if touched else []


def live_object(doing: Doing, name: str) -> StoredObject | None:
    """What is there now."""
    environment = doing.context.environment
    return environment.storage.stat(environment.data_bucket, name)


def within(doing: Doing, name: str, never: tuple[ObjectClass, ...] = ()) -> str:
    """The path of an object of the subject's scene. Raises PermanentError for one that this run may not touch."""
    catalogue, subject = doing.context.environment.catalogue, doing.journal.subject
    prefix = catalogue.scene_prefix(subject)
    path = name.removeprefix(prefix)
    if not name.startswith(prefix) or not path:
        raise PermanentError(
            f"Run {doing.journal.run} is about {subject}, but its plan names {name}, which lies elsewhere. Nothing was "
            "done to it; look who wrote that journal."
        )
    if (kind := class_of(catalogue, path)) in never:
        raise PermanentError(
            f"The plan of run {doing.journal.run} would change {name}, which is of the class {kind} and never touched "
            "so. Nothing was done to it; look who wrote that journal."
        )
    return path


def class_at(doing: Doing, name: str) -> ObjectClass:
    """The class of an object of the subject's scene. Raises PermanentError for one that lies elsewhere."""
    return class_of(doing.context.environment.catalogue, within(doing, name))


def apply_delete(doing: Doing, params: DeleteObject) -> str:
    """Remove one generation of one object, undoably: bucket history if there is any now, else a copy made first."""
    environment = doing.context.environment
    storage, bucket = environment.storage, environment.data_bucket
    within(doing, params.name, NEVER_DELETED)
    try:
        if params.copy_first or not History.of(doing.context).undoable(bucket):
            live = storage.stat(bucket, params.name, params.generation)
            if live is None:
                return "already gone"
            keep(environment, live, quarantine_name(doing.journal.subject, params.name, params.generation))
        deleted = storage.delete(bucket, params.name, generation=params.generation)
    except PreconditionFailed:
        return "already replaced by a newer generation, which is left alone"
    except NotFound:
        if storage.stat(bucket, params.name, params.generation) is None:
            return "already gone"  # between looking at it and copying it
        raise
    return "deleted" if deleted else "already gone"


def look_deleted(doing: Doing, params: DeleteObject) -> str | None:
    """Gone, or replaced by another generation: both mean that this generation is not there any more."""
    live = live_object(doing, params.name)
    if live is None:
        return "found gone"
    return "found replaced" if live.generation != params.generation else None


def inverse_of_delete(doing: Doing, params: DeleteObject, _result: str) -> Action | None:
    """Bring the deleted generation back where nothing is now. Locks stay away."""
    if class_at(doing, params.name) in NEVER_RESTORED or live_object(doing, params.name) is not None:
        return None
    found = find_lost(doing.context.environment, doing.journal.subject, params.name, params.generation)
    if found is None:
        raise NoWayBack(f"{params.name} cannot be brought back: no copy of generation {params.generation} is left.")
    return back(doing, params.name, found, over=0)


def back(doing: Doing, name: str, found: tuple[Source, StoredObject], over: int) -> Action:
    """The action that restores `name` from what was found, over a generation or (0) where nothing is."""
    catalogue, path, (source, copy) = doing.context.environment.catalogue, within(doing, name), found
    marker = class_of(catalogue, path) in MARKERS
    fires = ", ".join(fan_out(catalogue, path))
    params = RestoreObject(
        name=name,
        live_generation=over,
        source=source,
        source_bucket=copy.bucket,
        source_name=copy.name,
        generation=copy.generation,
        crc32c=copy.crc32c,
    )
    return (restore_marker if marker else restore_object).action(
        params,
        step="restore markers" if marker else "restore data",
        target=name,
        precondition=f"generation {over}" if over else "absent",
        undo="undo this run" if over else "delete it",
        why=f"run {doing.journal.run} took it away: {doing.action.why}"
        + (f"; writing it fires {fires}" if fires else ""),
        bytes=copy.size,
        replaced=1 if over else 0,
        replaced_bytes=copy.size if over else 0,
    )


def apply_restore(doing: Doing, params: RestoreObject) -> str:
    """Bring back a good copy (an older generation, a soft-deleted object, the backup's, ours) where the bad one is."""
    environment = doing.context.environment
    storage, bucket, wanted = environment.storage, environment.data_bucket, params.live_generation
    within(doing, params.name, NEVER_RESTORED)
    source = find_source(doing, params)
    unkept = params.copy_first or not History.of(doing.context).undoable(bucket)
    if wanted and unkept and (live := storage.stat(bucket, params.name, wanted)):
        keep(environment, live, quarantine_name(doing.journal.subject, params.name, wanted))
    if params.source == "soft_delete":
        if wanted:  # a soft-deleted object cannot be copied, only restored to where nothing is
            storage.delete(bucket, params.name, generation=wanted)
        storage.restore_soft_deleted(source)
        return "restored from soft delete"
    storage.copy(source, bucket, params.name, generation=wanted)
    return f"restored from {params.source}"


def find_source(doing: Doing, params: RestoreObject) -> StoredObject:
    """The copy to restore from. Raises `NotFound` when it went away since the plan was made."""
    storage, bucket, name = doing.context.environment.storage, params.source_bucket, params.source_name
    source: StoredObject | None = None
    if params.source == "soft_delete":
        listed = storage.list(bucket, name, soft_deleted=True)
        source = next((one for one in listed if (one.name, one.generation) == (name, params.generation)), None)
    else:
        source = storage.stat(bucket, name, params.generation)
    if source is None:
        raise NotFound(f"gs://{bucket}/{name} generation {params.generation} is gone; plan again.")
    return source


def look_restored(doing: Doing, params: RestoreObject) -> str | None:
    """Whether the live object already has the good copy's content."""
    live = live_object(doing, params.name)
    if live is None or live.generation == params.live_generation:
        return None
    return "found restored" if live.crc32c == params.crc32c else None


def inverse_of_restore(doing: Doing, params: RestoreObject, _result: str) -> Action | None:
    """Put back what was replaced, or remove what was put where nothing was; only while the restored copy still lives."""
    live = live_object(doing, params.name)
    if live is None or live.crc32c != params.crc32c:
        return None
    if not params.live_generation:
        if class_at(doing, params.name) in NEVER_DELETED:
            raise NoWayBack(f"{params.name} is an input: nothing here deletes it. Remove it by hand if it is wrong.")
        return removal(doing, live)
    found = find_lost(doing.context.environment, doing.journal.subject, params.name, params.live_generation)
    if found is None:
        raise NoWayBack(f"{params.name} cannot be put back: no copy of generation {params.live_generation} is left.")
    return back(doing, params.name, found, over=live.generation)


def removal(doing: Doing, live: StoredObject) -> Action:
    """Delete what a run has written, of the generation that lives now."""
    return delete_object.action(
        DeleteObject(name=live.name, generation=live.generation, crc32c=live.crc32c),
        step="remove what was written",
        target=live.name,
        precondition=f"generation {live.generation}",
        undo="the bucket's own history, else the ops bucket's quarantine",
        why=f"run {doing.journal.run} wrote it",
        bytes=live.size,
    )


delete_object = Kind(
    name="delete_object",
    params=DeleteObject,
    effect="delete",
    apply=apply_delete,
    look=look_deleted,
    inverse=inverse_of_delete,
    task="clear_completion_markers",
)
restore_object = Kind(
    name="restore_object",
    params=RestoreObject,
    effect="write",
    apply=apply_restore,
    look=look_restored,
    inverse=inverse_of_restore,
    task="restore_inputs",
)
restore_marker = replace(restore_object, name="restore_marker", effect="start", task="restore_markers")
"""As `restore_object`, of what starts workflows when it is written."""
OBJECT_KINDS = (delete_object, restore_object, restore_marker)
"""What a deletion or a restore leaves behind, another one of them takes back."""
