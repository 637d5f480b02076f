"""Notice a hold that nobody gives back: its time is over, or whoever held it is dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.errors import NotFound
from tasks.remediation.context import Context
from tasks.remediation.journal import read_journal
from tasks.remediation.lease import Holder, read_holder
from tasks.delivery.release import release
from tasks.restore.plan import SUBJECT
from tasks.delivery.tickets import Ticket, open_tickets


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A hold that must be given back."""

    ticket: Ticket
    why: str

    def sentence(self) -> str:
        """What is wrong."""
        return f"{self.ticket.sentence()}, but {self.why}"


def look(context: Context) -> tuple[list[Ticket], list[Forgotten]]:
    """The holds that are in order, and those that are forgotten."""
    fine: list[Ticket] = []
    forgotten: list[Forgotten] = []
    for ticket in open_tickets(context.environment):
        why = why_forgotten(context, ticket, datetime.now(UTC))
        if why:
            forgotten.append(Forgotten(ticket, why))
        else:
            fine.append(ticket)
    return fine, forgotten


def why_forgotten(context: Context, ticket: Ticket, now: datetime) -> str:
    """Why somebody must act; empty when the hold is in order."""
    if now > ticket.deadline:
        return f"its deadline was {ticket.deadline:%Y-%m-%d %H:%M} UTC: what waits is lost when Pub/Sub forgets it"
    if at_work(context, now):
        return ""  # whoever continues an interrupted restore is another flow run than the ticket names
    holder = Holder(
        owner=ticket.owner,
        flow_run_id=ticket.flow_run_id,
        run=ticket.run,
        taken_at=ticket.made_at,
        expires_at=ticket.deadline,
    )
    return "its flow run has ended without giving it back" if context.holder_is_alive(holder) is False else ""


def at_work(context: Context, now: datetime) -> bool:
    """Whether somebody alive holds the lease on restores."""
    environment = context.environment
    held = read_holder(environment.storage, environment.ops_bucket, SUBJECT)
    return held is not None and held[0].expires_at > now and context.holder_is_alive(held[0]) is not False


def give_up(context: Context, ticket: Ticket) -> str:
    """Give the delivery back under the lease on restores, and end the run that held it. Raises `LeaseBusy`."""
    environment = context.environment
    with context.holding(SUBJECT, ticket.run) as lease:
        told = release(context, ticket, lease.check)
        try:
            journal = read_journal(environment.storage, environment.ops_bucket, SUBJECT, ticket.run, context.actor)
        except NotFound:
            return told
        if not journal.ended:
            reason = f"given up by {context.actor}, who gave the delivery back"
            journal.append("end", {"outcome": "failed", "reasons": [reason]})
    return told
