"""Every part of the examination at the same time, each in a thread of its own and with a limit: none hides another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import NamedTuple

from blocks.error_details import one_line
from blocks.errors import OutsideError, TemporaryError
from tasks.doctor.finding import Code, Finding

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
    pairs = list(zip(parts, looks, strict=True))
    threads = [
        # The settings of Prefect are in the context: each thread takes a copy of it along.
        threading.Thread(target=copy_context().run, args=(_look, *pair), daemon=True, name=pair[0].name)
        for pair in pairs
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    found = []
    for thread, look in zip(threads, looks, strict=True):
        thread.join(max(0.0, began + seconds - time.monotonic()))
        seen = Look(look.part, list(look.findings), look.good, look.seconds or time.monotonic() - began)
        if thread.is_alive():  # it may go on writing into its own, which nobody reads any more
            seen.say(PART_UNKNOWN, look.part, f"It was not done within {seconds:g} s; what it found by then is shown.")
        found.append(seen)
    return found


def _look(part: Part, look: Look) -> None:
    began = time.monotonic()
    try:
        part.look(look)
    except OutsideError as error:
        look.say(PART_UNKNOWN, part.name, str(error))
    except Exception as error:  # a fault of the doctor's own must not hide what the other parts have found
        look.say(
            PART_UNKNOWN, part.name, f"It ended by a fault of its own ({type(error).__name__}: {one_line(error)})."
        )
    look.seconds = time.monotonic() - began
