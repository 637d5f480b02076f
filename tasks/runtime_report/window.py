"""Of which time a report tells, and what it is compared with: as long a time just before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasks.remediation.outcome import Refused

WEEK = timedelta(days=7)
MOST = timedelta(days=30)
"""Cloud Logging keeps 30 days, if nobody has said otherwise (Google: "Quotas and limits")."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. A time without a zone is UTC."""

    since: datetime | None = None
    """By default a week before `until`."""
    until: datetime | None = None
    """By default now."""


@dataclass(frozen=True, slots=True)
class Window:
    """[since, until), in UTC."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.since

    @property
    def before(self) -> datetime:
        """When the time it is compared with begins."""
        return self.since - self.length

    @property
    def days(self) -> float:
        """Its length in days."""
        return self.length / timedelta(days=1)

    def words(self) -> str:
        """`2026-02-01 00:00 to 2026-02-08 00:00 UTC`."""
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"


def window_of(question: Question, now: datetime) -> Window:
    """The window that is meant. Raises Refused with what to do for one that makes no sense."""
    until = _utc(question.until) if question.until else now
    since = _utc(question.since) if question.since else until - WEEK
    if until > now:
        raise Refused(
            f"until is {until:%Y-%m-%d %H:%M} UTC, which is still to come: name a time that is over, or none."
        )
    if since >= until:
        raise Refused(
            f"since ({since:%Y-%m-%d %H:%M} UTC) is not before until ({until:%Y-%m-%d %H:%M} UTC): name an earlier since."
        )
    if until - since > MOST:
        raise Refused(
            f"The window is {(until - since).days} days long: the log has {MOST.days} days at most, name fewer."
        )
    return Window(since, until)


def of_incident(began: datetime, over: datetime, now: datetime) -> Question:
    """The hours of an incident, as far as the log can still have them."""
    until = min(_utc(over), now)
    return Question(max(_utc(began), until - MOST, now - MOST), until)


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
