"""The looks at the clean-up's log: each goes on where the last one ended, and records what was removed since.

    remediation/retention/looks/<month>/000001.json     one entry a look, a chain for each month

A look that was killed has written no entry of its own, so the next one reads the same hours again; what is in a scene's
record already is not added twice. A damaged chain stops nothing but itself: a scene's record is passed over and told, and the
looks begin anew in a chain beside the damaged one (`<month>b`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from blocks.errors import NotFound
from tasks.pipeline.retention_record import ROOT, Removal, record
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.months import month, months
from tasks.retention.lines import Tally, query_of, removal_of
from tasks.retention.whose import Whose

LOOKS = f"{ROOT}looks/"
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
    damaged: list[str] = field(default_factory=list)
    """A sentence for each record that is damaged, and what follows from that."""


def look_at_log(context: Context, now: datetime) -> Look:
    """Read the log since the last look and record what it says was removed.

    Raises `TemporaryError`, `PermanentError` when the log or the ops bucket does not answer: then the hours are read again
    by the next look. `LedgerTaken` when somebody else looks at this moment.
    """
    environment, found = context.environment, begun(context, now)
    whose = Whose(environment)
    jobs = {rule.job for rule in environment.catalogue.retention.values() if rule.job}
    query = query_of(jobs, environment.jobs.region)
    batch: dict[str, list[Removal]] = {}
    held = 0
    for line in environment.logs.stream(query, since=found.since, until=now) if jobs else ():
        one = removal_of(line, environment.catalogue, found.tally, whose.ours)
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


def begun(context: Context, now: datetime) -> Look:
    """A look that goes on where the last one ended. When nobody can say where that is, it reads all that there is."""
    oldest = now - timedelta(days=LOG_DAYS)
    try:
        before = last_look(context)
    except LedgerDamaged as error:
        said = (
            f"{error} So the whole log was read again; whether anything before {oldest:%Y-%m-%d} was read is not known."
        )
        return Look(oldest, now, first=True, damaged=[said])
    if before is None:
        return Look(oldest, now, first=True)
    until, days = before
    wanted = until - OVERLAP
    return Look(max(wanted, oldest), now, gap=max(oldest - wanted, timedelta(0)), tally=Tally(days=days))


def keep(context: Context, batch: dict[str, list[Removal]], found: Look) -> None:
    """Write what was read, several scenes at a time: each has a record of its own, and a damaged one stops no other."""

    def recorded(one: tuple[str, list[Removal]]) -> tuple[int, str]:
        try:
            return record(context.environment, context.actor, *one), ""
        except LedgerDamaged as error:
            return 0, f"{len(one[1])} removals of {one[0]} were not recorded: {error}"

    with ThreadPoolExecutor(WRITERS) as pool:
        for scene, (count, problem) in zip(batch, pool.map(recorded, batch.items()), strict=True):
            found.damaged += [problem] if problem else []
            if count:
                found.removed[scene] = found.removed.get(scene, 0) + count


def last_look(context: Context) -> tuple[datetime, dict[str, int]] | None:
    """Until when the log was read, and how long each class is kept as it said; None when it never was.

    Raises `LedgerDamaged`.
    """
    names = months(context, LOOKS)
    if not names:
        return None
    chain = month(context, LOOKS, names[-1])
    chain.read()
    data = chain.entries[-1].data
    try:
        found = datetime.fromisoformat(str(data["until"]))
    except (KeyError, ValueError) as error:
        raise LedgerDamaged(f"The last entry of {chain.prefix} does not say until when the log was read.") from error
    days = data.get("days")
    kept = {name: one for name, one in days.items() if isinstance(one, int)} if isinstance(days, dict) else {}
    return found if found.tzinfo else found.replace(tzinfo=UTC), kept


def write_look(context: Context, look: Look) -> None:
    """Say until when the log was read. A chain that is damaged is left as it is, and another begun beside it."""
    this = f"{look.until:%Y-%m}"
    name = max((one for one in months(context, LOOKS) if one.startswith(this)), default=this)
    chain = month(context, LOOKS, name)
    try:
        with suppress(NotFound):
            chain.read()
            datetime.fromisoformat(str(chain.entries[-1].data["until"]))
    except (LedgerDamaged, KeyError, ValueError):
        chain = month(context, LOOKS, f"{name}b")
    objects = sum(look.removed.values())
    times = {"since": look.since.isoformat(), "until": look.until.isoformat()}
    counts = {"scenes": len(look.removed), "objects": objects, "failed": look.tally.failed, "runs": look.tally.runs}
    chain.append("look", {**times, **counts, "days": dict(look.tally.days)})
