"""The looks at the clean-up's log: each goes on where the last one ended, and records what was removed since.

    remediation/retention/looks/<month>/000001.json     one entry a look, a chain for each month

A look that was killed has written no entry of its own, so the next one reads the same hours again; what is in a scene's
record already is not added twice.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from blocks.errors import NotFound
from tasks.pipeline.retention_record import ROOT, Removal, record
from tasks.remediation.context import Context
from tasks.remediation.ledger import Ledger
from tasks.retention.lines import Tally, query_of, removal_of

LOG_DAYS = 30
"""How long Cloud Logging keeps entries unless somebody says otherwise (Google: "Quotas and limits", `_Default`)."""
OVERLAP = timedelta(hours=1)
"""Entries may come into the log late; the last hour is read again."""
MOST_SCENES, MOST_LINES = 64, 20_000
"""What is held at a time: then it is written."""
WRITERS = 8


@dataclass(slots=True)
class Look:
    """What one look at the log has found."""

    since: datetime
    until: datetime
    first: bool = False
    """Nobody has looked before."""
    gap: timedelta = timedelta(0)
    """How long a time before `since` nobody has looked at and nobody can any more."""
    tally: Tally = field(default_factory=Tally)
    removed: dict[str, int] = field(default_factory=dict)
    """By scene, the objects that were added to its record."""


def look_at_log(context: Context, now: datetime) -> Look:
    """Read the log since the last look and record what it says was removed.

    Raises `TemporaryError`, `PermanentError` when the log or the ops bucket does not answer: then the hours are read again
    by the next look. `LedgerTaken` when somebody else looks at this moment.
    """
    environment, before = context.environment, last_look(context)
    oldest = now - timedelta(days=LOG_DAYS)
    wanted = oldest if before is None else before - OVERLAP
    found = Look(max(wanted, oldest), now, first=before is None, gap=max(oldest - wanted, timedelta(0)))
    jobs = {rule.job for rule in environment.catalogue.retention.values() if rule.job}
    batch: dict[str, list[Removal]] = {}
    held = 0
    for line in environment.logs.stream(query_of(jobs), since=found.since, until=now) if jobs else ():
        one = removal_of(line, environment.catalogue, found.tally)
        if one is None:
            continue
        batch.setdefault(one.scene, []).append(one)
        held += 1
        if len(batch) > MOST_SCENES or held >= MOST_LINES:
            keep(context, batch, found)
            batch, held = {}, 0
    keep(context, batch, found)
    write_look(context, found)
    return found


def keep(context: Context, batch: dict[str, list[Removal]], found: Look) -> None:
    """Write what was read, several scenes at a time: each has a record of its own."""
    with ThreadPoolExecutor(WRITERS) as pool:
        counts = pool.map(lambda one: record(context.environment, context.actor, *one), batch.items())
        for scene, count in zip(batch, counts, strict=True):
            if count:
                found.removed[scene] = found.removed.get(scene, 0) + count


def month_of(context: Context, month: str) -> Ledger:
    """The looks of a month, as `2026-11`, with nothing of them read."""
    environment = context.environment
    prefix = f"{ROOT}looks/{month}/"
    return Ledger(environment.storage, environment.ops_bucket, prefix, f"looks-{month}", context.actor)


def last_look(context: Context) -> datetime | None:
    """Until when the log was read; None when it never was. Raises `LedgerDamaged`."""
    environment = context.environment
    months = sorted(environment.storage.prefixes(environment.ops_bucket, f"{ROOT}looks/"))
    if not months:
        return None
    ledger = month_of(context, months[-1].removeprefix(f"{ROOT}looks/").rstrip("/"))
    ledger.read()
    found = datetime.fromisoformat(str(ledger.entries[-1].data["until"]))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def write_look(context: Context, look: Look) -> None:
    """Say until when the log was read."""
    ledger = month_of(context, f"{look.until:%Y-%m}")
    with suppress(NotFound):
        ledger.read()
    objects = sum(look.removed.values())
    times = {"since": look.since.isoformat(), "until": look.until.isoformat()}
    counts = {"scenes": len(look.removed), "objects": objects, "failed": look.tally.failed, "runs": look.tally.runs}
    ledger.append("look", {**times, **counts})
