"""What probes see (signs), and what comes of them (causes)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that a probe has seen, of one row of the table of symptoms."""

    row: str
    subject: str
    """What it is about, for people; several signs of one row and subject are one."""
    sentence: str
    evidence: tuple[str, ...] = ()
    """Objects with generation and time, executions by name, lines of the log: what can be looked up."""
    tags: frozenset[str] = frozenset()
    """What it concerns, as in `scene:kitchen_001`: by these one sign explains another."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What fills the template of the row's remedy."""
    since: datetime | None = None
    """The first time that is known of it."""
    because: str = ""
    """Key of the sign that its probe knows to be the reason."""

    @property
    def key(self) -> str:
        """Identity."""
        return f"{self.row}|{self.subject}"


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong, with everything that was seen of it and what to do."""

    row: str
    subject: str
    sentence: str
    evidence: tuple[str, ...]
    remedy: str
    since: datetime | None
    consequences: tuple[str, ...] = ()
    """What else was seen and comes of it, one sentence each."""
    weight: int = 0
    area: str = ""
    symptom: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain data with stable keys."""
        return {
            "row": self.row,
            "symptom": self.symptom,
            "area": self.area,
            "subject": self.subject,
            "cause": self.sentence,
            "evidence": list(self.evidence),
            "consequences": list(self.consequences),
            "remedy": self.remedy,
            "since": self.since.isoformat() if self.since else None,
            "weight": self.weight,
        }


def tag(kind: str, name: str) -> str:
    """`scene:kitchen_001`."""
    return f"{kind}:{name}"


def tags(**named: str) -> frozenset[str]:
    """One tag for each name that is not empty."""
    return frozenset(tag(kind, name) for kind, name in named.items() if name)


def utc(moment: datetime | None) -> str:
    """A time to the second, as all reports have it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"
