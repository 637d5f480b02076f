"""Notice that intake is paused, and fail when nobody seems to think of it any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tasks.delivery.backlog import NONE_SEEN
from tasks.delivery.pauses import SUBJECT, OpenPause, never_begun, open_pauses
from tasks.intake.report import ticket_rows
from tasks.intake.verify import still_live
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.lease import has_ended, read_holder
from tasks.remediation.report import Section
from tasks.remediation.table import Cell

ALARM_SHARE = 0.5
"""A pause is an alarm after this part of the time until its deadline."""


class IntakeWatch(Check[None]):
    """Which pauses are open, and which of them somebody must look after. `Findings.facts` are all of them."""

    name = "intake-watch"

    def look(self, context: Context, question: None) -> Findings:
        """Look at every pause that was not resumed."""
        now, pauses = datetime.now(UTC), open_pauses(context)
        found = Findings(facts=pauses)
        for one in pauses:
            rows = held_rows(context, one)
            found.reasons += [f"{one.sentence()}; {reason}" for reason in alarms(context, one, now)]
            found.notes.append(f"{one.sentence()}; {time_left(one, now)}; {waiting_words(rows)}")
            found.sections += [Section(f"Held by run {one.run}", rows=rows)] if rows else []
        found.summary = " ".join(found.notes) or "intake is not paused"
        for ticket in [] if somebody_works(context) else never_begun(context):
            found.reasons.append(f"{ticket.sentence()}, but that run never began: hold-watch with mode apply clears it")
        if found.reasons:
            found.outcome = "failed"
        if pauses:
            found.sections.append(Section("", "Resume with: remediate intake resume --apply."))
        return found


def alarms(context: Context, one: OpenPause, now: datetime) -> Iterator[str]:
    """Why somebody must act."""
    begun = one.journal.begun_at
    if now > one.deadline:
        yield "its deadline is over: what waits is lost when Pub/Sub forgets it"
    elif now > begun + ALARM_SHARE * (one.deadline - begun):
        yield f"more than half of its time is over, and {(one.deadline - now).total_seconds() / 60:.0f} minutes are left"
    if somebody_works(context):
        return
    if not one.journal.ended:
        yield "its run has ended without an end: pause again to finish it, or resume"
    if one.half_resumed:
        yield "it was not resumed to its end: resume again"
    else:
        yield from (reason.rstrip(".") for reason in still_live(context.environment, one.journal.plan()))


def somebody_works(context: Context) -> bool:
    """Whether a pause or a resume is under way."""
    held = read_holder(context.environment.storage, context.environment.ops_bucket, SUBJECT)
    return held is not None and not has_ended(*held, context.gone)


def time_left(one: OpenPause, now: datetime) -> str:
    """`85 minutes are left`."""
    left = round((one.deadline - now).total_seconds() / 60)
    return f"{left} minutes are left" if left > 0 else "no time is left"


def held_rows(context: Context, one: OpenPause) -> tuple[dict[str, Cell], ...]:
    """What is held and waits, if nobody is just delivering it."""
    if one.ticket is None or one.half_resumed:
        return ()
    return tuple(ticket_rows(context.environment, one.ticket))


def waiting_words(rows: tuple[dict[str, Cell], ...]) -> str:
    """`waiting: 3, oldest 10:31 UTC, for objects-trigger`."""
    some = [f"{row['waiting']}, for {row['what']}" for row in rows if row["waiting"] != NONE_SEEN]
    return f"waiting: {'; '.join(some) or NONE_SEEN}"
