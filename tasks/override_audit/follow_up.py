"""An audit beside those before it: what is new, what is over, what is overdue, and what somebody has answered for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from blocks.errors import OutsideError
from tasks.override_audit.audit import Audited
from tasks.override_audit.finding import Finding, finding
from tasks.override_audit.pin import pin
from tasks.override_audit.tell import tell
from tasks.pipeline.override_findings import Answer, Decided, Found, Known, read_known
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged, LedgerTaken


@dataclass(frozen=True, slots=True)
class Followed:
    """An audit with what is known from those before it."""

    seen: Audited
    """Its findings have the dates at which they were first seen; those that somebody answered for are not among them."""
    left: tuple[Found, ...] = ()
    """Found before and never settled, and not looked at this time: too old, expired, or not to be asked."""
    answered: tuple[tuple[Finding, Answer], ...] = ()
    decided: Mapping[str, Decided] = field(default_factory=dict)
    """By gate, what somebody has decided about it."""

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
    facts = seen.facts
    try:
        known = read_known(context)
    except OutsideError as error:
        facts.unknown.append(f"Since when findings are known, so that dates are counted from now: {error}")
        return Followed(seen)
    damaged = [finding("ledger-damaged", facts.now, where, sentence) for where, sentence in known.damaged.items()]
    seen = replace(seen, findings=[*seen.findings, *damaged])
    followed = compared(seen, known)
    if keep:
        _carefully(seen, "What was found is not on record", lambda: record(followed, known))
        _carefully(seen, "Who was told is not on record", lambda: facts.notes.extend(tell(context, known, facts.now)))
        _carefully(seen, "The evidence is not kept", lambda: facts.notes.extend(pin(context, known, seen)))
    return followed


def _carefully(seen: Audited, what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except (OutsideError, LedgerDamaged, LedgerTaken) as error:
        seen.facts.unknown.append(f"{what}; the next audit tries again: {error}")


def compared(seen: Audited, known: Known) -> Followed:
    """A pure function of what is found and what was."""
    dated = [with_dates(one, known) for one in seen.findings]
    here = {one.id for one in (*dated, *seen.unsure)}
    answered = tuple((one, known.answers[one.id]) for one in dated if one.id in known.answers)
    waiting = sorted((one for one in dated if one.id not in known.answers), key=lambda one: (one.due, one.code, one.id))
    left = tuple(one for one in known.open() if one.id not in here and not is_over(one, seen))
    return Followed(replace(seen, findings=waiting), left, answered, known.decided)


def with_dates(one: Finding, known: Known) -> Finding:
    """The finding with the dates at which it was first seen."""
    before = known.found.get(one.id)
    return one if before is None else replace(one, since=before.since, due=before.due)


def is_over(one: Found, seen: Audited) -> bool:
    """Whether what shows it was looked at now, and does not show it any more.

    That nothing was found proves nothing where nobody looked: executions expire, and the audit looks back so many days.
    """
    return one.settled_by != "" and seen.facts.looked_at(one.settled_by)


def record(followed: Followed, known: Known) -> None:
    """Write what is new, and what is over. Raises `LedgerDamaged`, `LedgerTaken`, the block's errors."""
    seen = followed.seen
    now = seen.facts.now
    here = {one.id: one for one in (*seen.findings, *(one for one, _ in followed.answered))}
    still = {*here, *(one.id for one in seen.unsure)}
    over = [one.id for one in known.found.values() if one.id not in still and is_over(one, seen)]
    new = [one for id_, one in here.items() if id_ not in known.found]
    known.see((found_of(one, seen) for one in new), now)
    known.end(over, now)


def found_of(one: Finding, seen: Audited) -> Found:
    """A finding that is seen for the first time."""
    said = {"code": one.code, "scene": one.scene, "gate": one.gate, "where": one.where, "sentence": one.sentence}
    people = seen.people.get(one.override, ())
    return Found(
        id=one.id,
        **said,
        override=one.override,
        people=people,
        settled_by=one.settled_by,
        at=one.at,
        since=seen.facts.now,
        due=one.due,
    )
