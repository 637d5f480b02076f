"""What an overview knows: five parts, each with its items and with what could not be asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tasks.backup.calendar import ProvedNight
from tasks.recovery.sweep_record import SweepRecord

TITLES = {
    "broken": "Broken",
    "mended": "Being mended",
    "held": "Held and paused",
    "overdue": "Overdue",
    "proved": "Last proved",
}
"""The parts, in the order in which they are shown."""
NOTHING = {
    "broken": "Nothing is known to be broken.",
    "mended": "Nobody is at work, and nothing was left unfinished.",
    "held": "Nothing is held, paused or stopped.",
    "overdue": "Nothing is overdue.",
    "proved": "Nothing was proved yet.",
}
COMMAND = re.compile(r"(.*?)(?:[:,;] | See `)(remediate [^`]*?)`?\.?", re.DOTALL)
"""A sentence that ends with what to do."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that somebody should know."""

    what: str
    """One sentence."""
    since: datetime | None = None
    """None: it is not known."""
    whose: str = ""
    """Who is at work on it, has asked for it, or leads it; empty: nobody."""
    next: str = ""
    """The exact command; empty: there is nothing to do but wait."""
    acts: bool = True
    """Whether a person must do something about it."""
    subjects: tuple[str, ...] = ()
    """The scenes, or names like @intake, that it is about."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be asked."""

    what: str
    """What, and why: one sentence."""
    next: str = ""
    """The exact command, where there is one."""


@dataclass(slots=True)
class Part:
    """One part of the screen."""

    items: list[Item] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was looked at, and when."""


@dataclass(frozen=True, slots=True)
class CheckPage:
    """The newest page of a check."""

    check: str
    at: datetime
    """When it was written."""
    bucket: str
    name: str


@dataclass(slots=True)
class State:
    """Everything."""

    at: datetime
    parts: dict[str, Part] = field(default_factory=lambda: {name: Part() for name in TITLES})
    sweep: SweepRecord | None = None
    nights: list[ProvedNight] | None = None
    """None: it is not known."""
    pages: list[CheckPage] = field(default_factory=list)
    """Of each check the newest page, the newest first."""

    @property
    def acts(self) -> list[Item]:
        """What a person must do something about."""
        return [item for part in self.parts.values() for item in part.items if item.acts]

    @property
    def unknown(self) -> list[Unknown]:
        """What could not be asked, each once, of whatever part."""
        return list(dict.fromkeys(one for part in self.parts.values() for one in part.unknown))


def from_sentence(sentence: str, **more: object) -> Item:
    """An item from the sentence of a watch that ends with its command."""
    found = COMMAND.fullmatch(sentence)
    what, command = found.groups() if found else (sentence, "")
    return Item(what=what.rstrip(" :;.") + ".", next=command, **more)  # type: ignore[arg-type]


def worst_first(items: list[Item]) -> list[Item]:
    """What a person must do something about first, the oldest of it first; what has no time last."""
    return sorted(
        items, key=lambda item: (not item.acts, item.since is None, item.since or datetime.max.replace(tzinfo=UTC))
    )


def capital(sentence: str) -> str:
    """With a capital letter."""
    return sentence[:1].upper() + sentence[1:]
