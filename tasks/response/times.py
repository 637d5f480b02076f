"""How long it took: measured from the record, to the second; what nobody wrote down is unknown and never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks.incidents.incident import Incident
from tasks.remediation.times import UNKNOWN, clock, lasted, second


@dataclass(frozen=True, slots=True)
class Measure:
    """One time of an incident."""

    name: str
    seconds: int | None
    """None: it is not known."""
    how: str
    """From what to what, or why it is not known."""

    @property
    def words(self) -> str:
        """`1 h 02 min 03 s`, or `unknown`."""
        return UNKNOWN if self.seconds is None else lasted(self.seconds)


def began_at(incident: Incident) -> datetime | None:
    """When it began: what people say, else the earliest beginning of what was found to be wrong. None: nobody knows."""
    told = [one.began_at for one, _ in incident.faults if one.began_at is not None]
    return incident.first.began_at or min(told, default=None)


def measures(incident: Incident) -> tuple[Measure, Measure, Measure]:
    """Time to detect, to acknowledge, and to resolve."""
    began, declared = began_at(incident), incident.declared_at
    from_, since = (
        (began, "it began") if began is not None else (declared, "it was declared (when it began is unknown)")
    )
    return (
        between("Time to detect", began, declared, "it began", "it was declared"),
        between("Time to acknowledge", declared, incident.acknowledged_at, "it was declared", "somebody took it"),
        between("Time to resolve", from_, incident.resolved_at, since, "it was over"),
    )


def between(name: str, first: datetime | None, last: datetime | None, begin: str, end: str) -> Measure:
    """The whole seconds between two times, each cut to its second."""
    if first is None or last is None:
        missing = begin if first is None else end
        return Measure(name, None, f"nobody has recorded when {missing}")
    seconds = int(second(last).timestamp() - second(first).timestamp())
    if seconds < 0:
        return Measure(name, None, f"the record says that {end} ({clock(last)}) before {begin} ({clock(first)})")
    return Measure(name, seconds, f"from when {begin} to when {end}")
