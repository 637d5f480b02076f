"""Deleting what was listed, by the generation that was listed, a hundred a request. The first error ends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event

from blocks.errors import Cause, PermanentError, UnknownOutcome
from blocks.storage_bulk import Answer, BulkStorage, Deletion
from tasks.remediation.kind import Doing
from tasks.sync.copying import groups, in_parallel

AT_A_TIME = 4
"""Requests at the same time: what is under way when one fails cannot be called back."""
HELD = (Cause.RETENTION, Cause.HOLD)
"""Why the service keeps an object that nobody needs; a later expiry asks again."""


@dataclass(slots=True)
class Deleted:
    """What became of the objects."""

    gone: int = 0
    held: int = 0
    """Kept by retention or a hold."""


def delete_listed(doing: Doing, bulk: BulkStorage, deletions: Iterable[Deletion]) -> Deleted:
    """Delete; what is gone already is fine, and what is held is counted.

    Raises:
        LeaseLost, Stopped: nothing more may be done.
        PermanentError: an object could not be deleted, or is another one by now; no request was begun after that.
        UnknownOutcome: an answer was lost.
    """
    ended, deleted = Event(), Deleted()

    def carry_out(batch: list[Deletion]) -> list[tuple[Deletion, Answer]]:
        if ended.is_set():
            return []
        doing.check()
        answers = list(zip(batch, bulk.delete(batch), strict=True))
        if any(is_wrong(answer) for _, answer in answers):
            ended.set()
        return answers

    for one, answer in in_parallel(groups(deletions), carry_out, AT_A_TIME):
        if is_wrong(answer):
            kind = UnknownOutcome if answer.result == "unknown" else PermanentError
            raise kind(
                f"gs://{one.bucket}/{one.name} could not be deleted: {answer.message}. Nothing more is deleted.",
                answer.cause,
            )
        deleted.held += answer.result == "failed"
        deleted.gone += answer.result in ("done", "missing")
    return deleted


def is_wrong(answer: Answer) -> bool:
    """Whether it is neither gone nor kept for a reason that time will end."""
    return answer.result not in ("done", "missing") and answer.cause not in HELD
