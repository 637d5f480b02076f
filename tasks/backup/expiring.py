"""What an expiry has found, and its two kinds of action: a night goes, summary first; copies go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from blocks.errors import PermanentError
from blocks.storage_bulk import BulkStorage, Deletion, Entry
from tasks.backup.deleting import Deleted, delete_listed
from tasks.backup.retention import Choice
from tasks.backup.unreferenced import Unneeded
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Action
from tasks.snapshots.layout import layout_of
from tasks.snapshots.summary import Summary

UNDO = "the bucket's versions or soft delete, as long as it keeps them"


@dataclass(slots=True)
class Expiring:
    """What was found, and what has been deleted of it."""

    now: datetime
    choice: Choice
    folders: dict[str, list[Entry]]
    """The objects of each expired night, its summary first."""
    unneeded: Unneeded
    nights_gone: int = 0
    copies: Deleted = field(default_factory=Deleted)

    def total(self) -> int:
        """All objects in the backup."""
        return self.unneeded.seen + sum(map(len, self.folders.values()))


class ExpiredNight(Params):
    """An expired night, and which objects it has."""

    night: str
    sha256: str


class UnneededCopies(Params):
    """The list of what no kept night names."""

    sha256: str


def sha256_of(entries: Iterable[Entry]) -> str:
    """What stands for these objects in a plan: names and generations."""
    return hashlib.sha256(b"\n".join(orjson.dumps((one.name, one.generation)) for one in entries)).hexdigest()


def found_by(doing: Doing) -> Expiring:
    """What the run has found. Raises `Refused` when there is nothing, as in a run that is continued."""
    if not isinstance(doing.run.facts, Expiring):
        raise Refused("An expiry is never continued: what it had listed is gone. Run it again.")
    return doing.run.facts


def apply_night(doing: Doing, params: ExpiredNight) -> str:
    """The summary, then everything else of the night. A summary that is held by retention keeps its night whole."""
    facts, environment = found_by(doing), doing.context.environment
    bucket, bulk = layout_of(environment).bucket, BulkStorage(environment.storage)
    listed = [Deletion(bucket, entry.name, entry.generation) for entry in facts.folders[params.night]]
    summary, parts = listed[:1], listed[1:]
    if delete_listed(doing, bulk, summary).held:
        raise PermanentError(f"Night {params.night} is held by the bucket's retention; it is kept whole.")
    deleted = delete_listed(doing, bulk, parts)
    facts.nights_gone += 1
    facts.copies.held += deleted.held
    return f"{1 + deleted.gone} objects deleted"


def apply_copies(doing: Doing, params: UnneededCopies) -> str:
    """Everything that was found to be needed by no kept night."""
    facts, environment = found_by(doing), doing.context.environment
    deletions = facts.unneeded.deletions(layout_of(environment).bucket)
    deleted = delete_listed(doing, BulkStorage(environment.storage), deletions)
    facts.copies.gone, facts.copies.held = deleted.gone, facts.copies.held + deleted.held
    return f"{deleted.gone:,} objects deleted"


def gone_for_good(_doing: Doing, _params: Params, _result: str) -> None:
    """Expiry is meant to free the space."""
    raise NoWayBack(f"What expiry has deleted is only in {UNDO}.")


delete_night = Kind(
    name="delete_night",
    params=ExpiredNight,
    effect="delete",
    apply=apply_night,
    inverse=gone_for_good,
    task="expire_backups",
)
delete_copies = Kind(
    name="delete_copies",
    params=UnneededCopies,
    effect="delete",
    apply=apply_copies,
    inverse=gone_for_good,
    task="expire_backups",
)


def night_action(summary: Summary, entries: list[Entry]) -> Action:
    """The whole record of one night."""
    return delete_night.action(
        ExpiredNight(night=summary.night, sha256=sha256_of(entries)),
        step=f"1 delete night {summary.night}",
        target=f"night {summary.night}",
        precondition="the generations that were listed",
        undo=UNDO,
        why="older than keep_nights, and enough good nights are newer",
        objects=len(entries),
        bytes=sum(entry.size for entry in entries),
    )


def copies_action(found: Unneeded) -> Action:
    """Everything that no kept night needs."""
    return delete_copies.action(
        UnneededCopies(sha256=found.sha256()),
        step="2 delete copies",
        target=f"{found.objects:,} objects that no kept night names",
        precondition="the generations that were listed",
        undo=UNDO,
        why="needed by no kept night",
        objects=found.objects,
        bytes=found.bytes,
    )
