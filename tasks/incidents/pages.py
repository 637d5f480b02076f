"""What an incident's record says of its pages: which were tried, what became of them, and whether more are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tasks.incidents.entries import Acknowledged, Paged, Paging, Reopened
from tasks.incidents.incident import Incident, read_entries

State = Literal["sending", "sent", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One message to one sink."""

    key: str
    to: str
    sink: str
    state: State
    """`sending`: it was about to be sent, and what became of it was never written."""
    at: datetime
    """When that was written."""
    sentence: str = ""

    def words(self) -> str:
        """As a step's result has it."""
        return f"{self.state}: {self.sentence}" if self.sentence else self.state


def attempts(incident: Incident) -> dict[str, Attempt]:
    """Every message that was begun, by its key."""
    found: dict[str, Attempt] = {}
    for entry, said in read_entries(incident.case):
        if isinstance(said, Paging):
            found.setdefault(said.key, Attempt(said.key, said.to, said.sink, "sending", entry.at))
        elif isinstance(said, Paged) and (begun := found.get(said.key)) is not None:
            found[said.key] = Attempt(said.key, begun.to, begun.sink, said.outcome, entry.at, said.sentence)
    return found


@dataclass(frozen=True, slots=True)
class Opened:
    """Since when people must be told."""

    at: datetime
    times: int
    """How often it was reopened before."""
    acknowledged: Acknowledged | None
    """Who has it, since it was opened last."""


def opened(incident: Incident) -> Opened:
    """Its declaration, or its last reopening: an acknowledgement before that is one of what seemed to be over."""
    last = Opened(incident.declared_at, 0, None)
    for entry, said in read_entries(incident.case):
        if isinstance(said, Reopened):
            last = Opened(entry.at, last.times + 1, None)
        elif isinstance(said, Acknowledged) and last.acknowledged is None:
            last = Opened(last.at, last.times, said)
    return last


def enough(incident: Incident) -> str:
    """Why nobody needs to be paged any more, one phrase; empty: somebody does."""
    if incident.closed:
        return "it is closed"
    if incident.resolved:
        return "it is resolved"
    has = opened(incident).acknowledged
    return f"{has.by} has it" if has else ""
