"""What the doctor can say: a stable code with its level, and one finding of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "unknown", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "unknown", "warning", "note")
"""Worst first. error: something will not work. unknown: it could not be looked at, which does not mean that it is wrong.
warning: it works, until something else goes wrong. note: good to know."""


@dataclass(frozen=True, slots=True)
class Code:
    """One thing that can be found. The name never changes: alarms are made of it."""

    name: str
    level: Level
    why: str
    """Why it matters, as sentences that stand by themselves."""
    todo: str
    """What to do next."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    code: Code
    part: str
    subject: str
    """What it is about: a bucket, a workflow, `permission on resource`."""
    what: str
    """What is the matter, one sentence."""

    @property
    def level(self) -> Level:
        """As its code says."""
        return self.code.level

    def as_dict(self) -> dict[str, str]:
        """Plain data with stable keys."""
        return {
            "code": self.code.name,
            "level": self.level,
            "part": self.part,
            "subject": self.subject,
            "what": self.what,
            "why": self.code.why,
            "next": self.code.todo,
        }


def worst_first(findings: list[Finding]) -> list[Finding]:
    """By level, then as they came."""
    return sorted(findings, key=lambda one: LEVELS.index(one.level))
