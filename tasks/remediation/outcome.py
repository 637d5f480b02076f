"""How a run can end: one word, one exit code, and which word an error comes to. The only place that decides any of it."""

from __future__ import annotations

import logging
from typing import Literal

from blocks.errors import OutsideError, PermanentError, TemporaryError, UnknownOutcome
from tasks.remediation.lease import LeaseBusy, LeaseLost
from tasks.remediation.ledger import LedgerTaken

Outcome = Literal[
    "nothing_to_do",
    "planned",
    "done",
    "partial",
    "needs_approval",
    "refused",
    "escalated",
    "busy",
    "stopped",
    "unknown",
    "failed",
    "not_started",
]

GOOD: tuple[Outcome, ...] = ("nothing_to_do", "planned", "done")
"""Nobody needs to do anything now."""

EXIT: dict[Outcome, int] = {
    "nothing_to_do": 0,
    "planned": 0,
    "done": 0,
    "failed": 1,
    "unknown": 1,
    "refused": 3,
    "escalated": 3,
    "needs_approval": 3,
    "busy": 4,
    "stopped": 4,
    "not_started": 4,
    "partial": 5,
}
"""Exit codes of the command line; 2 is bad usage, or a flow that could not run at all (docs/architecture.md, 'Words')."""

LEGACY: dict[str, Outcome] = {
    "recovered": "done",
    "healthy": "nothing_to_do",
    "clean": "done",
    "nothing to do": "nothing_to_do",
}
"""Words that journals of earlier versions end with."""

CONTINUES = "Run it again: it continues where it stopped."


class Refused(Exception):
    """What was asked for is not clear, not allowed, or not what was reviewed. Nothing was changed."""


class StillRunning(PermanentError):
    """What was started has not ended in time. It is left alone, and whoever continues the run waits for it again."""


class Stopped(Exception):
    """The kill switch or the window closed while a plan was being carried out."""


def outcome_of(error: Exception) -> tuple[Outcome, str]:
    """The word and the sentence for an error that ended a run. Never raises."""
    match error:
        case Refused():
            return "refused", str(error)
        case LeaseBusy() | LedgerTaken():
            return "busy", str(error)
        case LeaseLost() | Stopped():
            return "stopped", f"{error} {CONTINUES}"
        case TemporaryError():
            return "failed", f"{error} {CONTINUES}"
        case UnknownOutcome():
            return "unknown", str(error)
        case OutsideError() | ValueError() | OSError():
            return "failed", str(error)
    logging.getLogger("remediation").exception("A run ended by a fault of its own", exc_info=error)
    return "failed", (
        f"{type(error).__name__}: {error}. This is a fault of the remediation itself, not of what it looked at; the log "
        "has the details. Nothing more was done."
    )


def worst(outcomes: list[Outcome]) -> Outcome:
    """The word for many runs together: the one that needs a person most; `nothing_to_do` for none."""
    order: list[Outcome] = [
        "unknown", "failed", "partial", "stopped", "refused", "escalated", "needs_approval", "busy", "not_started",
        "done", "planned",
    ]  # fmt: skip
    return next((word for word in order if word in outcomes), "nothing_to_do")


def read_word(word: str) -> str:
    """The word of a journal's end in today's vocabulary; one that this version does not know is returned as it is."""
    return LEGACY.get(word, word)
