"""The retention watch as a check: it records what the clean-up has removed, and tells what it will remove too soon."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from blocks.clients import load_libraries
from blocks.errors import OutsideError
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged, LedgerTaken
from tasks.remediation.outcome import Outcome
from tasks.retention.looking import Look, look_at_log
from tasks.retention.report import notes, problem, sections, sentence, uncertain
from tasks.retention.risk import Leaving, leaving, needed_scenes


@dataclass(slots=True)
class Retention:
    """What was found."""

    look: Look | None = None
    """None: the log could not be read, and `unknown` says why."""
    leaving: list[Leaving] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    taken: str = ""
    """Who else records at this moment; empty: nobody does."""


class RetentionWatch(Check[datetime | None]):
    """What retention removed and will remove. `Findings.facts` is a `Retention`. It is asked nothing but the moment."""

    name = "retention-watch"

    def look(self, context: Context, question: datetime | None) -> Findings:
        """Read and record the log, and look at what somebody needs: neither hides the other when it fails."""
        now, found = question or datetime.now(UTC), Retention()
        load_libraries()  # before the threads, which would do it in each other's way
        try:
            found.look = look_at_log(context, now)
            found.unknown += found.look.damaged
        except LedgerTaken as error:
            found.taken = str(error)
        except (OutsideError, LedgerDamaged) as error:
            found.unknown.append(f"What was removed: {error} The same hours are read again by the next look.")
        try:
            needed = needed_scenes(context)
            found.unknown += needed.unread
            before = len(needed.unread)
            found.leaving = leaving(context, needed, now, found.look.tally.days if found.look else {})
            found.unknown += needed.unread[before:]
        except OutsideError as error:
            found.unknown.append(f"What is removed soon of scenes that somebody needs: {error}")
        lost = [problem(one) for one in found.leaving if one.kept_in == ""]
        unsure = [uncertain(one) for one in found.leaving if one.kept_in is None]
        return Findings(
            outcome=word_of(found),
            reasons=[
                *lost,
                *unsure,
                *(f"Unknown: {one}" for one in found.unknown),
                *([found.taken] if found.taken else []),
            ],
            notes=notes(found.look, found.leaving),
            summary=sentence(found.look, found.leaving),
            sections=sections(found.look, found.leaving),
            facts=found,
        )


def word_of(found: Retention) -> Outcome:
    """`failed` when something that is needed has no copy and is removed soon, `busy` when somebody else records,
    `partial` when not everything is known."""
    copies = {one.kept_in for one in found.leaving}
    if "" in copies:
        return "failed"
    if found.taken:
        return "busy"
    return "partial" if found.unknown or None in copies else "nothing_to_do"
