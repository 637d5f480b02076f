"""Who must be told now, and when the next message is due: a function of the record, the policy and the time.

Nothing is remembered anywhere else, so whoever looks, after whatever was killed, comes to the same answer. Each message to
one sink has a key that stays the same:

    page:<tier>:<label>:<time>:<sink>        page:2:secondary:1:platform, and ...:retry1 when nothing was taken
    page:again1:<tier>:...                   after the incident was reopened
    update:<entry>:<sink>                    a status update

Whoever comes late (a night of quiet, an outage) tells each sink once, and not once for each time that was missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from blocks.on_call import OnCall, Tier
from tasks.escalation.told import Told
from tasks.incidents.pages import Attempt

RETRIES = 3
"""How often a message of which nothing was taken is sent again."""
RETRY_AFTER = timedelta(minutes=1)
"""How long after such a failure."""
CAN_WAIT = ("sev3", "sev4")
"""Severities for which quiet hours count."""
UPDATES = "updates"
"""Whom an update is for, in the record."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One message that is due at a time."""

    key: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """All that one sink is told as part of one tier, in the order of time; of an update just the one message."""

    kind: Literal["page", "update"]
    to: str
    sink: str
    slots: tuple[Slot, ...]
    update: int = 0
    """Number of the update's entry."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to be sent now."""

    key: str
    due: datetime
    series: Series
    number: int
    """Which of the series' messages it is, from 1."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the escalation of one incident stands."""

    due: tuple[Notice, ...] = ()
    next_at: datetime | None = None
    """When somebody must look again; None: nothing more is planned."""


def chain(told: Told, policy: OnCall, now: datetime) -> Chain:
    """What is due now, and when the next message is."""
    due: list[Notice] = []
    later: list[datetime] = []
    for one in series_of(told, policy):
        if one.kind == "page" and told.stopped:
            continue
        notice, then = look_at(one, told, now)
        due += [notice] if notice else []
        later += [then] if then else []
    return Chain(tuple(due), min(later, default=None))


def look_at(one: Series, told: Told, now: datetime) -> tuple[Notice | None, datetime | None]:
    """What one sink must be told now, and when it is its turn again."""
    following = next((slot.due for slot in one.slots if slot.due > now), None)
    number = latest(one, now)
    if number is None:
        return None, following
    slot = one.slots[number - 1]
    tried = tries(told, slot.key)
    if not tried:
        return Notice(slot.key, slot.due, one, number), following
    again = tried[-1].at + RETRY_AFTER
    if tried[-1].state != "failed" or len(tried) > RETRIES:
        return None, following
    if again <= now:
        return Notice(f"{slot.key}:retry{len(tried)}", again, one, number), following
    return None, min(filter(None, (again, following)))


def latest(one: Series, now: datetime) -> int | None:
    """The number of the last message whose time has come; None: none has."""
    return sum(slot.due <= now for slot in one.slots) or None


def tries(told: Told, key: str) -> list[Attempt]:
    """The attempts at one message, oldest first."""
    names = [key, *(f"{key}:retry{number}" for number in range(1, RETRIES + 1))]
    return [told.attempts[name] for name in names if name in told.attempts]


def series_of(told: Told, policy: OnCall) -> Iterator[Series]:
    """Everything that is to be told of an incident, as far as it is known now."""
    begin = f"page:again{told.times_opened}" if told.times_opened else "page"
    for place, tier in enumerate(policy.chains.of(told.first.area), 1):
        whens = [due_at(tier, told.opened_at + after, told.first.severity) for after in tier.times()]
        for sink in tier.sinks:
            slots = tuple(
                Slot(f"{begin}:{place}:{tier.label}:{number}:{sink}", when) for number, when in enumerate(whens, 1)
            )
            yield Series("page", tier.label, sink, slots)
    for sequence, at, _ in told.updates:
        for sink in policy.updates_to:
            yield Series("update", UPDATES, sink, (Slot(f"update:{sequence}:{sink}", at),), sequence)


def due_at(tier: Tier, planned: datetime, severity: str) -> datetime:
    """When a message is really due: after the quiet hours, if it can wait."""
    return tier.quiet.over(planned) if tier.quiet is not None and severity in CAN_WAIT else planned
