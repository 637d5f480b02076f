"""What of an incident's record the escalation depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tasks.incidents.entries import Declared, Updated
from tasks.incidents.incident import Incident
from tasks.incidents.pages import Attempt, attempts, enough, opened


@dataclass(frozen=True, slots=True)
class Told:
    """One incident, as far as people must be told of it."""

    incident: str
    first: Declared
    """What was declared, as it is known now."""
    opened_at: datetime
    times_opened: int = 0
    """How often it was reopened: each time the chain begins anew."""
    stopped: str = ""
    """Why nobody is paged any more; empty: the chain goes on."""
    closed: bool = False
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    updates: tuple[tuple[int, datetime, Updated], ...] = ()
    """Each status update with the number of its entry and when it was written."""


def told_by(incident: Incident) -> Told:
    """What the record tells."""
    since = opened(incident)
    return Told(
        incident=incident.id,
        first=incident.first,
        opened_at=since.at,
        times_opened=since.times,
        stopped=enough(incident),
        closed=incident.closed is not None,
        attempts=attempts(incident),
        updates=tuple((entry.sequence, entry.at, said) for entry, said in incident.all_of(Updated)),
    )
