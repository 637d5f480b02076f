"""Which runs have begun and not ended, whatever became of their processes.

Each has a mark (`journal.MARKS`). One that stays behind a journal that has ended, or before one that never began, says
nothing: the journal decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from blocks.errors import NotFound
from tasks.remediation.context import Context
from tasks.remediation.journal import MARKS, Journal, read_journal
from tasks.remediation.lease import Holder, LeaseDamaged, has_ended, read_holder
from tasks.remediation.ledger import LedgerDamaged

NEVER_BEGUN = timedelta(hours=1)
"""A mark without a journal that is older was left by a process that died between the two."""


class Mark(BaseModel):
    """What the object says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str
    procedure: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One run without an end."""

    run: str
    subject: str
    procedure: str
    since: datetime
    state: Literal["at work", "left", "over", "damaged"]
    """`at work`: a process holds its lease. `left`: nobody does. `over`: it has ended, or never began. `damaged`: a
    person must look."""
    holder: Holder | None = None
    """Who holds the lease of its subject, or held it last."""
    journal: Journal | None = None
    """Of a run that was left."""
    why: str = ""
    """Of a damaged one."""


def unfinished_runs(context: Context) -> Iterator[Unfinished]:
    """Every run that has a mark, oldest first. Changes nothing. Raises OutsideError."""
    storage, bucket = context.environment.storage, context.environment.ops_bucket
    for stored in storage.list(bucket, MARKS):
        run = stored.name.removeprefix(MARKS).removesuffix(".json")
        try:
            mark = Mark.model_validate_json(storage.read(bucket, stored.name, generation=stored.generation))
        except NotFound:
            continue  # it ended just now
        except ValidationError:
            why = f"The object gs://{bucket}/{stored.name} is no mark of a run; look at it, and delete it."
            yield Unfinished(run, "", "", stored.updated, "damaged", why=why)
            continue
        yield looked_at(context, Unfinished(run, mark.subject, mark.procedure, stored.updated, "left"))


def looked_at(context: Context, one: Unfinished) -> Unfinished:
    """What has become of it: the lease first, since a run that is at work may end at any moment."""
    storage, bucket = context.environment.storage, context.environment.ops_bucket
    holder = None
    try:
        if (held := read_holder(storage, bucket, one.subject)) is not None:
            holder = held[0]
            if not has_ended(*held, context.gone):
                return replace(one, state="at work", holder=holder)
        journal = read_journal(storage, bucket, one.subject, one.run, context.actor)
    except NotFound:
        young = datetime.now(UTC) - one.since < NEVER_BEGUN
        return replace(one, state="at work" if young else "over", holder=holder)
    except (LedgerDamaged, LeaseDamaged) as error:
        return replace(one, state="damaged", why=str(error))
    return replace(one, state="over" if journal.ended else "left", holder=holder, journal=journal)
