"""An audit beside those before it: what is new, what is over, what is overdue, and what somebody has answered for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from blocks.errors import OutsideError
from tasks.override_audit.audit import Audited
from tasks.override_audit.finding import Finding
from tasks.override_audit.known import Answer, Found, Known, begun_beside, found_of, read_known
from tasks.override_audit.pin import pin
from tasks.override_audit.tell import tell
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged, LedgerTaken


@dataclass(frozen=True, slots=True)
class Followed:
    """An audit with what is known from those before it."""

    seen: Audited
    """Its findings have the dates at which they were first seen; those that somebody answered for are not among them."""
    left: tuple[Found, ...] = ()
    """Found before and never settled, and now too old to be looked at, or not to be asked this time."""
    answered: tuple[tuple[Finding, Answer], ...] = ()

    def overdue(self) -> int:
        """How many findings should have been settled by now."""
        dates = [*(one.due for one in self.seen.findings), *(one.due for one in self.left)]
        return sum(due < self.seen.facts.now for due in dates)


def follow_up(context: Context, seen: Audited, keep: bool) -> Followed:
    """Compare an audit with those before it. What cannot be read or written is among `seen.facts.unknown`.

    Args:
        context: Environment, and who asks.
        seen: What was found now.
        keep: Whether it is recorded, whether people are told of it, and whether evidence is kept; else nothing is written.
    """
    unknown, now = seen.facts.unknown, seen.facts.now
    whole = not unknown  # before anything is added: what could not be asked is not over
    try:
        known = read_known(context)
    except LedgerDamaged as error:
        unknown.append(f"Since when findings are known: {error} A new record is begun beside it.")
        known = begun_beside(context)
    except OutsideError as error:
        unknown.append(f"Since when findings are known, so that dates are counted from now: {error}")
        return Followed(seen)
    followed = compared(seen, known)
    if keep:
        try:
            record(followed, known, whole)
            seen.facts.notes += [*tell(context, known, now), *pin(context, known, seen)]
        except (OutsideError, LedgerDamaged, LedgerTaken) as error:
            unknown.append(f"What was found is not on record, and is told again by the next audit: {error}")
    return followed


def compared(seen: Audited, known: Known) -> Followed:
    """A pure function of what is found and what was."""
    dated = [with_dates(one, known) for one in seen.findings]
    here = {one.id for one in dated}
    answered = tuple((one, known.answers[one.id]) for one in dated if one.id in known.answers)
    waiting = sorted((one for one in dated if one.id not in known.answers), key=lambda one: (one.due, one.code, one.id))
    asked = not seen.facts.unknown
    left = tuple(one for one in known.open() if one.id not in here and (not asked or too_old(one, seen.facts.since)))
    return Followed(replace(seen, findings=waiting), left, answered)


def with_dates(one: Finding, known: Known) -> Finding:
    """The finding with the dates at which it was first seen."""
    before = known.found.get(one.id)
    return one if before is None else replace(one, since=before.since, due=before.due)


def too_old(one: Found, since: datetime) -> bool:
    """Whether it is not found any more because nobody looks so far back."""
    return one.at is not None and one.at < since


def record(followed: Followed, known: Known, whole: bool) -> None:
    """Write what is new, and what is over. Raises `LedgerDamaged`, `LedgerTaken`, the block's errors."""
    seen = followed.seen
    now = seen.facts.now
    here = {one.id: one for one in (*seen.findings, *(one for one, _ in followed.answered))}
    people = {one.id: tuple(filter(None, (one.requester, one.approver))) for one in seen.decisions}
    new = (one for id_, one in here.items() if id_ not in known.found)
    known.see((found_of(one, now, people.get(one.override, ())) for one in new), now)
    if whole:
        open_still = {one.id for one in followed.left}
        known.end((id_ for id_ in known.found if id_ not in here and id_ not in open_still), now)
