"""Put the objects of a list back, or take them away.

Every object is written only over the generation that was seen (or where nothing is).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed, TemporaryError
from blocks.storage_bulk import Answer, Copy, Deletion
from blocks.stored_object import StoredObject
from tasks.actions.history import quarantine_name
from tasks.actions.object_lists import Done, Item
from tasks.remediation.kind import Doing
from tasks.remediation.report import counted
from tasks.restore.list_parts import Applying, ObjectList, each_part
from tasks.restore.request import SUBJECT
from tasks.sync.copying import Job, copy_all, delete_all, in_parallel


def apply_restore(doing: Doing, params: ObjectList) -> str:
    """Bring back every object of the action's list, each only over the generation that was seen.

    Raises:
        TemporaryError: some could not be restored now; done again, it goes on where it stopped.
        PermanentError: the list is not the plan's, or the service refuses.
    """
    return each_part(doing, params, restore_part, "restored")


def apply_remove(doing: Doing, params: ObjectList) -> str:
    """Delete every object of the action's list, each only as the generation that was seen. Raises as above."""
    return each_part(doing, params, remove_part, "removed")


def restore_part(applying: Applying, items: list[Item]) -> list[Done]:
    """Restore one part."""
    keep_live(applying, [item for item in items if item.live_generation])
    deleted = [item for item in items if item.source_kind == "soft_delete"]
    copied = [item for item in items if item.source_kind != "soft_delete"]
    answers = list(in_parallel(deleted, lambda item: [(item, undelete(applying, item))], 8))
    answers += copy_all(
        applying.bulk,
        (Job(copy_of(applying.environment, item), item.size, item) for item in copied),
        workers=applying.environment.backup.workers,
        check=applying.doing.check,
        rewrites=applying.rewrites,
    )
    return settled(applying, answers)


def copy_of(environment: PipelineEnvironment, item: Item) -> Copy:
    """The copy that restores an item."""
    source = (item.source_bucket, item.source, item.source_generation)
    return Copy(*source, environment.data_bucket, item.name, item.live_generation)


def keep_live(applying: Applying, items: Iterable[Item]) -> None:
    """Copy what would be lost for good to the ops bucket. Raises TemporaryError when that did not work."""
    if applying.undoable:
        return
    environment = applying.environment
    jobs = (
        Job(
            Copy(environment.data_bucket, item.name, item.live_generation, environment.ops_bucket, kept_name(item)),
            item.live_size,
            item,
        )
        for item in items
    )
    for item, answer in copy_all(applying.bulk, jobs, check=applying.doing.check, rewrites=applying.rewrites):
        if answer.result == "refused":
            refuse_other(environment, item)
        elif answer.result not in ("done", "missing"):  # missing: gone or replaced meanwhile, so it is not overwritten
            raise failure(answer)(
                f"{item.name} could not be kept before it was replaced ({answer.message.rstrip('.')}).", answer.cause
            )


def kept_name(item: Item) -> str:
    """Where the generation that an item replaces is kept."""
    return quarantine_name(SUBJECT, item.name, item.live_generation)


def refuse_other(environment: PipelineEnvironment, item: Item) -> None:
    """Raise PermanentError unless what is kept under that name already is the very same bytes."""
    kept = environment.storage.stat(environment.ops_bucket, kept_name(item))
    if kept is None or (kept.size, kept.crc32c) != (item.live_size, item.live_crc32c):
        raise PermanentError(
            f"gs://{environment.ops_bucket}/{kept_name(item)} holds something else than {item.name}; nothing was replaced. "
            "Look at that copy, move it away, and run this again."
        )


def failure(answer: Answer) -> type[PermanentError] | type[TemporaryError]:
    """Whether asking again may help."""
    return PermanentError if answer.final else TemporaryError


def undelete(applying: Applying, item: Item) -> Answer:
    """Bring back a soft-deleted object; what is live goes first, which soft delete keeps too."""
    storage, bucket = applying.environment.storage, applying.environment.data_bucket
    applying.doing.check()
    try:
        if item.live_generation and not is_kept(applying.environment, item):
            return Answer("missing", "it is past recovery")
        if item.live_generation:
            storage.delete(bucket, item.name, generation=item.live_generation)
        made = storage.restore_soft_deleted(soft_deleted(bucket, item))
    except PreconditionFailed as error:
        return Answer("refused", str(error))
    except NotFound as error:
        return Answer("missing", str(error))
    return Answer("done", generation=made.generation, size=made.size, crc32c=made.crc32c)


def is_kept(environment: PipelineEnvironment, item: Item) -> bool:
    """Whether the soft-deleted object is still there: asked before anything makes room for it."""
    listed = environment.storage.list(environment.data_bucket, item.name, soft_deleted=True)
    return any((one.name, one.generation) == (item.name, item.source_generation) for one in listed)


def soft_deleted(bucket: str, item: Item) -> StoredObject:
    """The soft-deleted object as it was listed."""
    when = datetime.fromisoformat(item.updated)
    return StoredObject(bucket, item.name, item.source_generation, item.size, when, when, item.crc32c)


def settled(applying: Applying, answers: Iterable[tuple[Item, Answer]]) -> list[Done]:
    """What became of each. Whatever was refused or never answered is looked at. Raises TemporaryError, PermanentError."""
    done: list[Done] = []
    left: list[Answer] = []
    for item, answer in answers:
        found = Done(item.name, answer.generation, "done") if answer.result == "done" else look(applying, item, answer)
        if found is None:
            left.append(answer)
            applying.progress.add(0, 0, failed=1)
        else:
            done.append(found)
            applying.progress.add(1, item.size)
    if refused := next((answer for answer in left if answer.final), None):
        applying.doing.note(restored=sum(bool(one.generation) for one in done))
        raise PermanentError(f"{counted(len(left), 'object')} could not be restored: {refused.message}", refused.cause)
    if left:
        raise TemporaryError(f"{counted(len(left), 'object')} could not be restored for now: {left[0].message}")
    return sorted(done)


def look(applying: Applying, item: Item, answer: Answer) -> Done | None:
    """What an item's name holds now; None when it must be tried again."""
    live = applying.environment.storage.stat(applying.environment.data_bucket, item.name)
    now = live.generation if live is not None else 0
    if live is not None and now != item.live_generation and (live.size, live.crc32c) == (item.size, item.crc32c):
        return Done(item.name, now, "done")
    if answer.result == "refused" or now != item.live_generation:
        return Done(item.name, 0, "changed")
    return Done(item.name, 0, "gone") if answer.result == "missing" else None


def remove_part(applying: Applying, items: list[Item]) -> list[Done]:
    """Remove one part."""
    keep_live(applying, items)
    bucket = applying.environment.data_bucket
    deletions = (Deletion(bucket, item.name, item.live_generation) for item in items)
    return sorted(removed(applying, delete_all(applying.bulk, deletions, check=applying.doing.check)))


def removed(applying: Applying, answers: Iterable[tuple[Deletion, Answer]]) -> Iterator[Done]:
    """What became of each deletion. Raises TemporaryError, PermanentError."""
    for deletion, answer in answers:
        if answer.result in ("done", "missing"):
            yield Done(deletion.name, 0, "done")
        elif answer.result == "refused":
            yield Done(deletion.name, 0, "changed")
        else:
            raise failure(answer)(f"{deletion.name} could not be removed: {answer.message}", answer.cause)
        applying.progress.add(1, 0)
