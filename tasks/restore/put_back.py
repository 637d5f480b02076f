"""Undo of a list: put back what a run replaced, or what it removed. What it put where nothing was stays there.

Which objects those are, the run's own lists say; an undo binds them by their SHA-256, and works under a hold of its own,
so that it starts nothing either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from tasks.actions.history import find_lost
from tasks.actions.object_lists import (
    Done,
    Item,
    ListName,
    create,
    digest_of,
    line_of,
    live_now,
    part_name,
    planned_parts,
    read_done,
    read_items,
    write_done,
)
from tasks.delivery.own_writes import undone
from tasks.delivery.tickets import REDEEMED, is_stamped
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action
from tasks.restore.apply_lists import restore_part
from tasks.restore.list_parts import Applying, ObjectList, begin_part, rest
from tasks.restore.request import SUBJECT
from tasks.sync.copying import in_parallel
from tasks.sync.progress import ProgressCounter

AT_A_TIME = 8
"""Objects whose former generation is looked for at the same time."""


class PutBack(Params):
    """A list of another run, and how far that run came with it."""

    run: str
    objects: ObjectList
    done: tuple[str, ...]
    """SHA-256 of what became of each part; empty for a part that did not come to its end."""


def inverse_of_list(doing: Doing, params: ObjectList, _result: str) -> Action | None:
    """The action that puts back what was replaced or removed. Raises `NoWayBack`."""
    environment, run, which = doing.context.environment, doing.journal.run, params.list
    if is_stamped(environment, run, REDEEMED) and not any(
        k.startswith("release_delivery:") for k in doing.journal.outcomes()
    ):
        raise NoWayBack(
            f"What run {run} held was given back by somebody else, so its objects cannot be put back without starting "
            "workflows: restore an earlier time instead."
        )
    ended: list[str] = []
    taken, kept, size = 0, 0, 0
    for number, items in planned_parts(environment, run, which, params.sha256):
        done = read_done(environment, run, which, number)
        ended.append("" if done is None else digest_of(map(line_of, done)))
        took = taken_from(environment, which, items, done)
        kept += sum(item.name in took and not item.live_generation for item in items)
        over = [item for item in items if item.name in took and item.live_generation]
        taken, size = taken + len(over), size + sum(item.live_size for item in over)
    if not taken and kept:
        raise NoWayBack(
            f"{kept:,} objects that run {run} brought back were put where nothing was; nothing here deletes what may be "
            "the only copy. Remove them by hand if they are wrong."
        )
    if not taken:
        return None
    kind = put_back_markers if which == "markers" else put_back_list
    what = "removed" if which == "extra" else "replaced"
    return kind.action(
        PutBack(run=run, objects=params, done=tuple(ended)),
        step=f"put back {which}",
        target=f"{taken:,} objects that run {run} {what} ({which})",
        precondition="nothing is there" if which == "extra" else "each only over the generation that the run wrote",
        undo="nothing takes an undo back; what is replaced stays in the bucket's history, else is copied first",
        why=f"run {run} {what} them" + (f"; {kept:,} that it put where nothing was stay" if kept else ""),
        objects=taken,
        bytes=size,
        replaced=0 if which == "extra" else taken,
        replaced_bytes=0 if which == "extra" else size,
    )


def taken_from(
    environment: PipelineEnvironment, which: ListName, items: list[Item], done: list[Done] | None
) -> dict[str, int]:
    """What a run did with a part: the generation that it wrote by name; 0: it removed what was there."""
    if which == "extra":
        if done is not None:
            return {one.name: 0 for one in done if one.result == "done"}
        return {item.name: 0 for item, entry in live_now(environment, items) if entry is None}
    if done is not None:
        return {one.name: one.generation for one in done if one.generation}
    return dict(undone(environment, items))


def apply_put_back(doing: Doing, params: PutBack) -> str:
    """Put back part after part, each object only over what the run wrote.

    Raises:
        PermanentError: the lists are not those of the plan, or a former generation is nowhere any more.
    """
    environment, run, which = doing.context.environment, doing.journal.run, params.objects.list
    progress = ProgressCounter(doing.action.step, doing.action.objects, doing.action.bytes, doing.run.report)
    applying, counts, lost = Applying(doing, params.objects, progress), Counter[str](), list[str]()
    for number, items in planned_parts(environment, params.run, which, params.objects.sha256):
        done = read_done(environment, run, which, number)
        if done is None:
            back, gone = former(environment, params, number, items)
            lost += gone
            back = write_once(environment, run, which, number, back)
            begin_part(doing, params.objects, back)
            done = restore_part(applying, back)
            write_done(environment, run, which, number, done)
        counts.update(one.result for one in done)
    progress.finish()
    if lost:
        raise PermanentError(f"{len(lost):,} objects could not be put back, no copy is left: {', '.join(lost[:5])}.")
    return f"{counts['done']:,} put back" + rest(counts)


def former(
    environment: PipelineEnvironment, params: PutBack, number: int, items: list[Item]
) -> tuple[list[Item], list[str]]:
    """What brings each object of a part back to what it was, and the names of those of which no copy is left."""
    which = params.objects.list
    done = read_done(environment, params.run, which, number)
    if params.done[number] != ("" if done is None else digest_of(map(line_of, done))):
        raise PermanentError(f"What run {params.run} recorded of its list {which} has changed; plan again.")
    took = taken_from(environment, which, items, done)
    wanted = [item for item in items if item.name in took and item.live_generation]
    found = in_parallel(wanted, lambda item: [(item.name, former_item(environment, item, took[item.name]))], AT_A_TIME)
    known = dict(found)
    return sorted(one for one in known.values() if one), sorted(name for name, one in known.items() if one is None)


def former_item(environment: PipelineEnvironment, item: Item, written: int) -> Item | None:
    """The item that puts the former generation in the place of what was written; None when it is nowhere any more."""
    found = find_lost(environment, SUBJECT, item.name, item.live_generation)
    if found is None:
        return None
    source, kept = found
    place = (written, item.size, item.crc32c) if written else (0, 0, "")
    content = (kept.size, kept.crc32c, kept.updated.isoformat())
    return Item(item.name, source, kept.bucket, kept.name, kept.generation, *content, *place)


def write_once(
    environment: PipelineEnvironment, run: str, which: ListName, number: int, items: Iterable[Item]
) -> list[Item]:
    """The part under the undo's own id: as it was first written, so that its own events can be told from others'."""
    name = part_name(run, which, number)
    if (there := read_items(environment, name)) is not None:
        return there
    found = list(items)
    create(environment, name, [line_of(item) for item in found])
    return found


put_back_list = Kind(name="put_back_list", params=PutBack, effect="write", apply=apply_put_back, task="put_back")
put_back_markers = Kind(name="put_back_markers", params=PutBack, effect="start", apply=apply_put_back, task="put_back")
