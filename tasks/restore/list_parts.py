"""A list of objects is carried out part by part, so that it can be killed anywhere.

Whatever stands in a list is checked against the restore's scope and the object's class at the moment it is done, and a
part is read once and compared with the plan's SHA-256 before anything of it is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from blocks.catalogue_query import class_of_object
from blocks.catalogue_rules import ObjectClass
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.storage_bulk import BulkStorage
from tasks.actions.history import History
from tasks.actions.object_lists import Done, Item, ListName, planned_parts, read_done, write_done
from tasks.delivery.hold import check_held
from tasks.remediation.kind import Doing, Params
from tasks.restore.survey import KEPT, MARKERS, NEVER
from tasks.restore.workers import check_nobody
from tasks.sync.progress import ProgressCounter
from tasks.sync.rewrites import Rewrites

WORDS = {"changed": "left alone because somebody else wrote them meanwhile", "gone": "whose source is gone"}


class ObjectList(Params):
    """A list of objects, in the ops bucket under the run's id."""

    list: ListName
    prefix: str
    """What every name in it begins with."""
    count: int
    sha256: tuple[str, ...]
    """Of each of its parts, in order."""
    scene: str = ""
    """The one scene it lies in, which the run leases; empty: several."""
    whole_scene: bool = False
    """It is all of that scene, so that the scene's validation proves it."""


@dataclass(frozen=True, slots=True)
class Applying:
    """What carrying out a list needs."""

    doing: Doing
    params: ObjectList
    progress: ProgressCounter

    @property
    def environment(self) -> PipelineEnvironment:
        """The pipeline."""
        return self.doing.context.environment

    @property
    def bulk(self) -> BulkStorage:
        """The data in bulk."""
        return BulkStorage(self.environment.storage)

    @property
    def rewrites(self) -> Rewrites:
        """Where large copies go on that were interrupted."""
        return self.doing.context.remember(Rewrites, lambda: Rewrites(self.environment))

    @property
    def undoable(self) -> bool:
        """Whether the data bucket keeps what is replaced or deleted, now."""
        return History.of(self.doing.context).undoable(self.environment.data_bucket)


Carry = Callable[[Applying, list[Item]], list[Done]]


def each_part(doing: Doing, params: ObjectList, carry: Carry, word: str) -> str:
    """Carry out the parts that have not ended yet."""
    environment, run, which = doing.context.environment, doing.journal.run, params.list
    applying = Applying(
        doing, params, ProgressCounter(doing.action.step, params.count, doing.action.bytes, doing.run.report)
    )
    counts: Counter[str] = Counter()
    for number, items in planned_parts(environment, run, which, params.sha256):
        done = read_done(environment, run, which, number)
        if done is None:
            begin_part(doing, params, items)
            done = carry(applying, items)
            write_done(environment, run, which, number, done)
        counts.update(one.result for one in done)
    applying.progress.finish()
    return f"{counts['done']:,} {word}" + rest(counts)


def rest(counts: Counter[str]) -> str:
    """What became of those that were not done."""
    return "".join(f", {counts[kind]:,} {words}" for kind, words in WORDS.items() if counts[kind])


def begin_part(doing: Doing, params: ObjectList, items: Iterable[Item]) -> None:
    """Everything that must still be true before a part is written."""
    doing.check()
    environment = doing.context.environment
    for item in items:
        refuse_elsewhere(environment, params, item)
    check_held(environment, doing.journal.run)
    if not params.scene:
        check_nobody(doing, {item.name for item in items})


def refuse_elsewhere(environment: PipelineEnvironment, params: ObjectList, item: Item) -> None:
    """Raise PermanentError for an object that this list may not touch, whoever wrote it there."""
    forbidden: dict[ListName, tuple[ObjectClass, ...]] = {"data": (*NEVER, *MARKERS), "markers": NEVER, "extra": KEPT}
    root, kind = environment.backup.prefix, class_of_object(environment.catalogue, item.name)
    places = (environment.data_bucket, environment.backup_bucket, environment.ops_bucket)
    if not item.name.startswith(root) or not item.name.startswith(params.prefix) or item.source_bucket not in places:
        raise PermanentError(
            f"The list {params.list} is about {params.prefix}, but names {item.name} from gs://{item.source_bucket}, which "
            "lies elsewhere. Nothing was done to it; look who wrote that list."
        )
    if kind in forbidden[params.list]:
        raise PermanentError(
            f"The list {params.list} names {item.name}, which is of the class {kind} and never touched so. Nothing was done "
            "to it; look who wrote that list."
        )
