"""Apply: put the objects of a list back, or take them away, part by part, so that it can be killed anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed, TemporaryError
from blocks.storage_bulk import Answer, BulkStorage, Copy, Deletion
from blocks.stored_object import StoredObject
from tasks.recovery.present import counted
from tasks.remediation.actions import Doing, quarantine_name
from tasks.actions.object_lists import Done, Item, check_list, parts, read_done, write_done
from tasks.restore.plan import SUBJECT
from tasks.restore.proof import as_list
from tasks.delivery.tickets import Ticket, read_ticket
from tasks.sync.copying import Job, copy_all, delete_all, in_parallel
from tasks.sync.meter import Meter, Progress

Report = Callable[[Progress], None]
"""Told now and then how far it is."""
Carry = Callable[["Putting", list[Item]], list[Done]]


@dataclass(slots=True)
class Putting:
    """What carrying out a list needs."""

    environment: PipelineEnvironment
    check: Callable[[], None]
    """Raises when the lease was lost."""
    undoable: bool
    """Whether the data bucket keeps what is replaced or deleted."""
    meter: Meter

    @property
    def bulk(self) -> BulkStorage:
        """The data in bulk."""
        return BulkStorage(self.environment.storage)


def restore_objects(doing: Doing, check: Callable[[], None], report: Report) -> str:
    """Bring back every object of the action's list, each only over the generation that was seen.

    Raises:
        TemporaryError: some could not be restored now; done again, it goes on where it stopped.
        PermanentError: the list is not the plan's.
    """
    return each_part(doing, check, report, put)


def remove_objects(doing: Doing, check: Callable[[], None], report: Report) -> str:
    """Delete every object of the action's list, each only as the generation that was seen. Raises as above."""
    return each_part(doing, check, report, take)


def each_part(doing: Doing, check: Callable[[], None], report: Report, carry: Carry) -> str:
    """Carry out the parts that have not ended yet."""
    environment, run, which = doing.context.environment, doing.journal.run, as_list(doing.text("list"))
    check_list(environment, run, which, doing.text("sha256"))
    undoable = environment.storage.protection(environment.data_bucket).undoable
    meter = Meter(doing.action.step, doing.number("count"), doing.action.bytes, report)
    putting = Putting(environment, check, undoable, meter)
    ticket = read_ticket(environment, run)
    counts = dict.fromkeys(("done", "changed", "gone"), 0)
    for number, items in parts(environment, run, which):
        done = read_done(environment, run, which, number)
        if done is None:
            check()
            refuse_if_late(ticket)
            done = carry(putting, items)
            write_done(environment, run, which, number, done)
        for one in done:
            counts[one.result] += 1
    meter.finish()
    rest = "".join(f", {counts[kind]:,} {word}" for kind, word in WORDS.items() if counts[kind])
    return f"{counts['done']:,} {'removed' if carry is take else 'restored'}{rest}"


WORDS = {"changed": "left alone because somebody else wrote them meanwhile", "gone": "whose source is gone"}


def refuse_if_late(ticket: Ticket | None) -> None:
    """Raise PermanentError when the hold must be over: what waits would be lost. Delivery is then given back."""
    if ticket is not None and datetime.now(UTC) > ticket.deadline:
        raise PermanentError(
            f"The hold had to be over by {ticket.deadline:%Y-%m-%d %H:%M} UTC, or events would be lost; the rest was "
            "not restored. Run it again for what is left."
        )


def put(putting: Putting, items: list[Item]) -> list[Done]:
    """Restore one part."""
    keep_live(putting, [item for item in items if item.live_generation])
    deleted = [item for item in items if item.rung == "soft_delete"]
    copied = [item for item in items if item.rung != "soft_delete"]
    answers = list(in_parallel(deleted, lambda item: [(item, undelete(putting, item))], 8))
    answers += copy_all(
        putting.bulk,
        (Job(copy_of(putting, item), item.size, item) for item in copied),
        workers=putting.environment.backup.workers,
        check=putting.check,
    )
    return settled(putting, answers)


def copy_of(putting: Putting, item: Item) -> Copy:
    """The copy that restores an item."""
    bucket = putting.environment.data_bucket
    return Copy(item.source_bucket, item.source, item.source_generation, bucket, item.name, item.live_generation)


def keep_live(putting: Putting, items: Iterable[Item]) -> None:
    """Copy what would be lost for good to the ops bucket. Raises TemporaryError when that did not work."""
    if putting.undoable:
        return
    environment = putting.environment
    jobs = (
        Job(
            Copy(
                environment.data_bucket,
                item.name,
                item.live_generation,
                environment.ops_bucket,
                quarantine_name(SUBJECT, item.name, item.live_generation),
            ),
            item.live_size,
            item,
        )
        for item in items
    )
    for item, answer in copy_all(putting.bulk, jobs, check=putting.check):
        if answer.result == "refused" and kept(environment, item):
            continue
        if answer.result not in ("done", "missing"):  # missing: gone or replaced meanwhile, so it is not overwritten
            raise TemporaryError(f"{item.name} could not be kept before it was replaced: {answer.message}")


def kept(environment: PipelineEnvironment, item: Item) -> bool:
    """Whether an earlier attempt kept this generation."""
    name = quarantine_name(SUBJECT, item.name, item.live_generation)
    found = environment.storage.stat(environment.ops_bucket, name)
    return found is not None and found.size == item.live_size


def undelete(putting: Putting, item: Item) -> Answer:
    """Bring back a soft-deleted object; what is live goes first, which soft delete keeps too."""
    storage, bucket = putting.environment.storage, putting.environment.data_bucket
    putting.check()
    try:
        if item.live_generation:
            storage.delete(bucket, item.name, generation=item.live_generation)
        made = storage.restore_soft_deleted(soft_deleted(bucket, item))
    except PreconditionFailed as error:
        return Answer("refused", str(error))
    except NotFound as error:
        return Answer("missing", str(error))
    return Answer("done", generation=made.generation, size=made.size, crc32c=made.crc32c)


def soft_deleted(bucket: str, item: Item) -> StoredObject:
    """The soft-deleted object as it was listed."""
    when = datetime.fromisoformat(item.updated)
    return StoredObject(bucket, item.name, item.source_generation, item.size, when, when, item.crc32c)


def settled(putting: Putting, answers: Iterable[tuple[Item, Answer]]) -> list[Done]:
    """What became of each. Whatever was refused or never answered is looked at. Raises TemporaryError."""
    done: list[Done] = []
    left: list[Answer] = []
    for item, answer in answers:
        found = Done(item.name, answer.generation, "done") if answer.result == "done" else look(putting, item, answer)
        if found is None:
            left.append(answer)
            putting.meter.add(0, 0, failed=1)
        else:
            done.append(found)
            putting.meter.add(1, item.size)
    refused = next((answer for answer in left if answer.final), None)
    if refused is not None:
        raise PermanentError(f"{counted(len(left), 'object')} could not be restored: {refused.message}", refused.cause)
    if left:
        raise TemporaryError(f"{counted(len(left), 'object')} could not be restored for now: {left[0].message}")
    return sorted(done)


def look(putting: Putting, item: Item, answer: Answer) -> Done | None:
    """What an item's name holds now; None when it must be tried again."""
    live = putting.environment.storage.stat(putting.environment.data_bucket, item.name)
    now = live.generation if live is not None else 0
    if live is not None and now != item.live_generation and (live.size, live.crc32c) == (item.size, item.crc32c):
        return Done(item.name, now, "done")
    if answer.result == "refused" or now != item.live_generation:
        return Done(item.name, 0, "changed")
    return Done(item.name, 0, "gone") if answer.result == "missing" else None


def take(putting: Putting, items: list[Item]) -> list[Done]:
    """Remove one part."""
    keep_live(putting, items)
    bucket = putting.environment.data_bucket
    deletions = (Deletion(bucket, item.name, item.live_generation) for item in items)
    return sorted(removed(putting, delete_all(putting.bulk, deletions, check=putting.check)))


def removed(putting: Putting, answers: Iterable[tuple[Deletion, Answer]]) -> Iterator[Done]:
    """What became of each deletion. Raises TemporaryError when one must be tried again."""
    for deletion, answer in answers:
        if answer.result in ("done", "missing"):
            yield Done(deletion.name, 0, "done")
        elif answer.result == "refused":
            yield Done(deletion.name, 0, "changed")
        elif answer.final:
            raise PermanentError(f"{deletion.name} could not be removed: {answer.message}", answer.cause)
        else:
            raise TemporaryError(f"{deletion.name} could not be removed for now: {answer.message}")
        putting.meter.add(1, 0)
