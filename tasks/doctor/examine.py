"""Every part of the examination at the same time, each in a thread of its own and with a limit: none hides another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from blocks.errors import OutsideError, TemporaryError
from tasks.doctor.finding import Code, Finding
from tasks.pipeline.at_once import at_once

PART_UNKNOWN = Code(
    "part-unknown",
    "unknown",
    "What could not be looked at may be in order or not; the other parts were looked at all the same.",
    "Mend what the sentence names (a permission, an address, a service that does not answer), then run it again.",
)
UNREADABLE = Code(
    "not-readable",
    "unknown",
    "A thing that may not be read is not known to be missing, and nothing is concluded from it.",
    "Grant the permission that the sentence names (docs/security.md, 'Who may do what'), then run it again.",
)
CODES = (PART_UNKNOWN, UNREADABLE)


@dataclass(slots=True)
class Look:
    """What one part has found so far."""

    part: str
    findings: list[Finding] = field(default_factory=list)
    good: int = 0
    """How many things were looked at and are in order."""
    seconds: float = 0.0

    def say(self, code: Code, subject: str, what: str) -> None:
        """Something was found."""
        self.findings.append(Finding(code, self.part, subject, what))

    def judge(self, code: Code, subject: str, what: str, wrong: object) -> bool:
        """Something was found if `wrong`, else one more thing is in order; whether it is wrong."""
        if wrong:
            self.say(code, subject, what)
        else:
            self.good += 1
        return bool(wrong)

    @contextmanager
    def asking(self, subject: str) -> Iterator[None]:
        """What this one thing's service refuses is a finding of its own; a service that does not answer ends the part."""
        try:
            yield
        except TemporaryError:
            raise
        except OutsideError as error:
            self.say(UNREADABLE, subject, str(error))


class Part(NamedTuple):
    """One part of the examination."""

    name: str
    look: Callable[[Look], None]


def examine(parts: Sequence[Part], seconds: float) -> list[Look]:
    """What every part has found, in their order. One that fails, or is not done in `seconds`, says so itself."""
    looks = [Look(part.name) for part in parts]
    ends = at_once([partial(part.look, look) for part, look in zip(parts, looks, strict=True)], seconds)
    found = []
    for look, end in zip(looks, ends, strict=True):
        seen = Look(look.part, list(look.findings), look.good, end.seconds)  # a late one may go on writing into its own
        if end.problem:
            seen.say(PART_UNKNOWN, look.part, end.problem)
        found.append(seen)
    return found
