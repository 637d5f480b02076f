"""Every open incident: who is due, and when somebody must look again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from blocks.stored_object import StoredObject
from tasks.escalation.procedure import Escalation, EscalationRequest, Standing, standing
from tasks.incidents.open_marks import open_marks, remove_open_mark
from tasks.remediation.caller import Caller, inline
from tasks.remediation.context import Context
from tasks.remediation.outcome import outcome_of
from tasks.remediation.run import Run
from tasks.remediation.runner import run

JUST_NOW = "Another run is telling people of it just now, or was killed and its lease has not ended."
MOST = 200
"""Open incidents that are looked at, the newest first: each is read as a whole."""


@dataclass(slots=True)
class Sweep:
    """What was found."""

    looked_at: int = 0
    due: list[str] = field(default_factory=list)
    """Incidents of which somebody must be told now."""
    next_at: tuple[datetime, str] | None = None
    """When the next message of any of them is due, and of which."""
    over: list[StoredObject] = field(default_factory=list)
    """Marks of incidents that are closed, and of which there is nothing more to tell."""
    failed: list[Run] = field(default_factory=list)
    """One for each incident that could not be looked at."""
    left_out: int = 0
    """Open incidents beyond the newest."""

    def sentence(self) -> str:
        """In one line."""
        when = f"; the next message is due at {self.next_at[0]:%Y-%m-%d %H:%M} UTC" if self.next_at else ""
        more = f"; {self.left_out} older ones were not looked at: close what is over" if self.left_out else ""
        return f"{self.looked_at} incidents looked at, {len(self.due)} of them with somebody to tell{when}{more}"


def sweep(context: Context, now: datetime, only: str = "") -> Sweep:
    """Look at every open incident, or at one. Changes nothing; one that cannot be read stands in no other's way."""
    marks = open_marks(context.environment)
    found = Sweep(left_out=0 if only else max(0, len(marks) - MOST))
    wanted: list[tuple[str, StoredObject | None]] = [(only, None)] if only else [*marks[:MOST]]
    for id_, mark in wanted:
        try:
            take(found, standing(context, id_, now), mark)
        except Exception as error:
            found.failed.append(not_looked_at(context, id_, error))
    return found


def take(found: Sweep, one: Standing, mark: StoredObject | None) -> None:
    """Add one incident to what was found."""
    found.looked_at += 1
    told, chain = one.told, one.chain
    if chain.due:
        found.due.append(told.incident)
    if chain.next_at is not None and (found.next_at is None or chain.next_at < found.next_at[0]):
        found.next_at = (chain.next_at, told.incident)
    if told.closed and mark is not None and not chain.due and chain.next_at is None:
        found.over.append(mark)


def not_looked_at(context: Context, id_: str, error: Exception) -> Run:
    """A run that stands for an incident that could not be read."""
    one = Run(context, Escalation.name)
    one.subject = id_
    word, sentence = outcome_of(error)
    one.end(word, sentence)
    return one


def tell(context: Context, request: EscalationRequest, call: Caller = inline) -> Iterator[Run]:
    """Tell whoever is due of one incident. What another process is just telling is left to it.

    A run that was interrupted is carried on first, which sends what was due then; what is due now comes after it.
    """
    one = run(Escalation(), context, request, call)
    if one.outcome == "busy":
        one.end("nothing_to_do", JUST_NOW)
    yield one
    if one.continues and one.begun:
        yield run(Escalation(), context, request, call)


def forget_closed(context: Context, found: Sweep) -> None:
    """Remove the marks of what is over."""
    for mark in found.over:
        remove_open_mark(context.environment, mark)
