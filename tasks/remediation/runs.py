"""What earlier runs on a subject were, read back from the first and the last entry of their journals.

Nothing of a plan is interpreted here: an ended run, of whatever version, never stands in anybody's way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from pydantic import JsonValue

from blocks.storage import PipelineStorage
from blocks.stored_object import StoredObject
from tasks.remediation.journal import ROOT
from tasks.remediation.ledger import Entry, LedgerDamaged, entry_from
from tasks.remediation.outcome import read_word

UNFINISHED = "unfinished"
"""The outcome of a run that has no end."""


OLD_DETAILS: tuple[str, ...] = ("restart", "stages", "fault")
"""What earlier versions kept beside a plan's actions."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One earlier run on the same subject."""

    run: str
    procedure: str
    begun_at: datetime
    outcome: str
    """A word of `Outcome`, or `unfinished`."""
    details: dict[str, JsonValue]
    """The plan's own details, as the procedure wrote them."""
    started: int = 0
    """How many starts it really made, as its end says; of a run without an end 1, since that is not known."""


def past_runs(storage: PipelineStorage, bucket: str, subject: str, hours: float) -> list[PastRun]:
    """The runs on a subject that began in the last `hours`, oldest first.

    Raises:
        LedgerDamaged: a run that did not end cannot be read; the message names its object.
    """
    since = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y%m%dt%H%M%Sz")
    root = f"{ROOT}{subject}/"
    listed = storage.list(bucket, root, start=f"{root}{since}")
    runs = [
        past
        for run, entries in groupby(listed, key=lambda stored: stored.name.removeprefix(root).partition("/")[0])
        if (past := past_run(storage, bucket, run, list(entries))) is not None
    ]
    return sorted(runs, key=lambda past: past.begun_at)  # ids of the same second have no order


def past_run(storage: PipelineStorage, bucket: str, run: str, stored: list[StoredObject]) -> PastRun | None:
    """One run from its first and its last entry; None for one that ended and cannot be read any more."""

    def entry(one: StoredObject) -> Entry:
        where = f"gs://{bucket}/{one.name}"
        return entry_from(storage.read(bucket, one.name, generation=one.generation), where)

    last = entry(stored[-1])
    try:
        first = entry(stored[0])
    except LedgerDamaged:
        if last.kind == "end":
            return None
        raise
    plan = first.data.get("plan")
    said = plan if isinstance(plan, dict) else {}
    ended = last.kind == "end"
    return PastRun(
        run=run,
        procedure=str(said.get("procedure", "")),
        begun_at=first.at,
        outcome=read_word(str(last.data.get("outcome", "failed"))) if ended else UNFINISHED,
        details=details_of(said),
        started=starts(last) if ended else 1,
    )


def details_of(plan: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The details of a stored plan; earlier versions kept some beside them."""
    details = plan.get("details")
    old: dict[str, JsonValue] = {name: plan[name] for name in OLD_DETAILS if name in plan}
    return {**old, **details} if isinstance(details, dict) else old


def starts(end: Entry) -> int:
    """How many starts a run made; earlier versions did not say, and count as one."""
    told = end.data.get("started", 1)
    return told if isinstance(told, int) else 1


def subjects(storage: PipelineStorage, bucket: str) -> Iterator[str]:
    """Everything that has journals."""
    for folder in storage.prefixes(bucket, ROOT):
        yield folder.removeprefix(ROOT).rstrip("/")
