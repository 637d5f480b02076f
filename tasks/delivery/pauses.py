"""Pauses that were not resumed, found by their journals; what waits meanwhile is in their tickets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tasks.delivery.tickets import DRAINING, Ticket, is_stamped, open_ticket, open_tickets
from tasks.delivery.watch import has_begun
from tasks.remediation.context import Context
from tasks.remediation.continuing import UNDOES
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.outcome import Refused
from tasks.remediation.runs import UNFINISHED, PastRun, past_runs

PAUSE, SUBJECT = "pause-intake", "@intake"
LOOKED_BACK_HOURS = 24.0 * 90
"""How far back a pause is looked for: what waited is long lost then, but a scheduler stays paused."""
RESUME_BY = "resume_by"
"""Where the beginning of a pause's journal has its deadline."""


@dataclass(frozen=True, slots=True)
class OpenPause:
    """One pause that was not resumed, or not to its end."""

    journal: Journal
    ticket: Ticket | None
    """None when it holds no delivery, or that was given back."""
    deadline: datetime
    half_resumed: bool
    """Somebody has begun to resume it, and was killed or stopped on the way."""

    @property
    def run(self) -> str:
        """Its id."""
        return self.journal.run

    def sentence(self) -> str:
        """Who paused intake, since when, until when at the latest, and why."""
        begin = self.journal.begin
        return (
            f"intake is paused by run {self.run} ({begin.actor}) since {begin.at:%Y-%m-%d %H:%M} UTC, until "
            f"{self.deadline:%Y-%m-%d %H:%M} UTC at the latest: {begin.data.get('reason') or 'no reason was given'}"
        )


def open_pauses(context: Context) -> list[OpenPause]:
    """Those that are open, oldest first. One that was killed before it did anything is none.

    Raises:
        LedgerDamaged: a run cannot be read; the message names its object.
    """
    environment, past = context.environment, runs_of_intake(context)
    resumed = resumed_of(past)
    begun = {str(one.details[UNDOES]) for one in past if UNDOES in one.details and one.outcome == UNFINISHED}
    found: list[OpenPause] = []
    for one in past:
        if one.procedure != PAUSE or one.run in resumed:
            continue
        journal = read_journal(environment.storage, environment.ops_bucket, SUBJECT, one.run, context.actor)
        ticket = open_ticket(environment, one.run)
        if ticket is not None or any(entry.kind == "intent" for entry in journal.entries):
            half = one.run in begun or (ticket is not None and is_stamped(environment, one.run, DRAINING))
            found.append(OpenPause(journal, ticket, resume_by(context, journal), half))
    return found


def runs_of_intake(context: Context) -> list[PastRun]:
    """Pauses and what took them back, oldest first."""
    environment = context.environment
    return past_runs(environment.storage, environment.ops_bucket, SUBJECT, LOOKED_BACK_HOURS)


def resumed_of(past: list[PastRun]) -> set[str]:
    """The pauses that were taken back to their end, by a resume or by any undo."""
    return {str(one.details[UNDOES]) for one in past if UNDOES in one.details and one.outcome == "done"}


def resume_by(context: Context, journal: Journal) -> datetime:
    """Until when it must be resumed, as its beginning says."""
    try:
        said = datetime.fromisoformat(str(journal.begin.data.get(RESUME_BY)))
    except ValueError:
        said = None
    if said is None or said.tzinfo is None:
        return journal.begun_at + timedelta(hours=context.environment.backup.hold_hours)
    return said


def the_open_pause(context: Context, run: str) -> OpenPause:
    """The latest one, or that of the id. Raises `Refused` when there is none."""
    found = open_pauses(context)
    if not run and found:
        return found[-1]
    for one in found:
        if one.run == run:
            return one
    if run and found:
        raise Refused(f"Run {run} is no open pause; open are: {', '.join(one.run for one in found)}.")
    raise Refused(f"{f'Run {run} is no open pause, and no other' if run else 'No pause of intake'} is open.")


def half_resumed(context: Context) -> list[str]:
    """Pauses whose delivery is being given back, one sentence each."""
    return [
        f"Run {one.run} is half resumed; finish that first: remediate intake resume {one.run} --apply."
        for one in open_pauses(context)
        if one.half_resumed
    ]


def never_begun(context: Context) -> list[Ticket]:
    """Tickets of pauses that were killed before their journals began: they hold nothing."""
    tickets, _ = open_tickets(context.environment)
    return [one for one in tickets if one.procedure == PAUSE and not has_begun(context, one)]
