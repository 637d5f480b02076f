"""Notice a hold that nobody gives back, and give it back: its time is over, or nobody is at work under its lease."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.errors import NotFound
from tasks.delivery.kinds import release_action, release_delivery
from tasks.delivery.release import ReleaseDelivery
from tasks.delivery.tickets import REDEEMED, Ticket, is_stamped, open_ticket, open_tickets, read_ticket
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.continuing import end_for
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.lease import LeaseDamaged, has_ended, read_holder
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import Section, counted
from tasks.remediation.run import Run


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A hold that must be given back."""

    ticket: Ticket
    why: str

    def sentence(self) -> str:
        """What is wrong."""
        return f"{self.ticket.sentence()}, but {self.why}"


class HoldWatch(Check[None]):
    """Which holds are in order, and which are forgotten. `Findings.facts` are the forgotten ones."""

    name = "hold-watch"

    def look(self, context: Context, question: None) -> Findings:
        """Look at every ticket that was not redeemed; one that cannot be read keeps nobody from seeing the others."""
        tickets, damaged = open_tickets(context.environment)
        forgotten = list(forgotten_of(context, tickets))
        names = {one.ticket.run for one in forgotten}
        reasons = [*(one.sentence() for one in forgotten), *damaged]
        fine = [f"In order: {ticket.sentence()}" for ticket in tickets if ticket.run not in names]
        found = Findings("failed" if reasons else "nothing_to_do", reasons, notes=fine, facts=forgotten)
        found.summary = f"{counted(len(fine), 'hold')} in order" if fine else "no delivery is held in order"
        if not tickets and not damaged:
            found.summary = "no delivery is held"
        if forgotten:
            found.sections.append(
                Section(
                    "Nobody gives it back", "Run hold-watch with mode `apply` to deliver what waits and let it push."
                )
            )
        return found


def forgotten_of(context: Context, tickets: list[Ticket]) -> Iterator[Forgotten]:
    """Those that somebody must give back."""
    for ticket in tickets:
        why = why_forgotten(context, ticket, datetime.now(UTC))
        if why and not is_stamped(context.environment, ticket.run, REDEEMED):  # it may have ended while we looked
            yield Forgotten(ticket, why)


def why_forgotten(context: Context, ticket: Ticket, now: datetime) -> str:
    """Why somebody must act; empty when the hold is in order."""
    if now > ticket.deadline:
        return f"its deadline was {ticket.deadline:%Y-%m-%d %H:%M} UTC: what waits is lost when Pub/Sub forgets it"
    if ticket.stays and has_begun(context, ticket):
        return ""
    environment = context.environment
    try:
        held = read_holder(environment.storage, environment.ops_bucket, ticket.lease)
    except LeaseDamaged as error:
        return f"nobody can tell whether its run is at work: {error}"
    if held is not None and not has_ended(*held, context.gone):
        return ""  # its own run, or whoever continues it
    return "its run has ended without giving it back"


def has_begun(context: Context, ticket: Ticket) -> bool:
    """Whether the run that wrote a ticket lived to begin its journal; before that it holds nothing."""
    environment = context.environment
    try:
        read_journal(environment.storage, environment.ops_bucket, ticket.lease, ticket.run, context.actor)
    except NotFound:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBackRequest(Request):
    """Whose hold is to be given back."""

    run: str


@dataclass(frozen=True, slots=True)
class HeldBy:
    """A ticket, and whether anything is left to do about it."""

    ticket: Ticket
    pending: bool


class GiveBack(Procedure[GiveBackRequest, HeldBy]):
    """Handbook: none; our own. Gives back what a run that is dead or late holds, under that run's own lease."""

    name = "give-back"
    kinds = (release_delivery,)
    unfinished = "replan"
    additive = True  # a hold that stays loses events: neither the kill switch nor the window may keep it

    def subjects(self, context: Context, request: GiveBackRequest) -> tuple[str, ...]:
        """The lease under which it is held, so that nobody continues that run meanwhile."""
        return (ticket_of(context, request.run).lease,)

    def observe(self, run: Run, request: GiveBackRequest) -> HeldBy:
        """The ticket, as it is once the lease is held."""
        ticket = ticket_of(run.context, request.run)
        held, journal = (
            open_ticket(run.context.environment, ticket.run),
            journal_of(run.context, ticket.lease, ticket.run),
        )
        return HeldBy(ticket, held is not None or (journal is not None and not journal.ended))

    def plan(self, run: Run, facts: HeldBy, request: GiveBackRequest) -> Plan:
        """Give it back."""
        ticket = facts.ticket
        run.summary = f"what run {ticket.run} holds: {ticket.triggers}"
        action = release_action(ReleaseDelivery(run=ticket.run), ticket.triggers)
        actions = (action,) if facts.pending else ()
        return Plan(procedure=self.name, subject=ticket.lease, actions=actions, details={"gives_back": ticket.run})

    def verify(self, run: Run, facts: HeldBy | None) -> Verdict:
        """End the run that held it, so that nobody carries it on without its hold."""
        journal = journal_of(run.context, run.subject, str(run.journal.plan().details.get("gives_back", "")))
        if journal is not None:
            end_for(run, journal, f"given up by {run.context.actor}, who gave the delivery back")
        return Verdict()


def ticket_of(context: Context, run: str) -> Ticket:
    """The ticket of a run. Raises `Refused` when there is none."""
    ticket = read_ticket(context.environment, run) if run and "/" not in run else None
    if ticket is None:
        raise Refused(f"Run {run!r} holds no delivery; hold-watch says who does.")
    if not ticket.lease.startswith("@"):
        raise Refused(f"The ticket of run {run} names the lease {ticket.lease!r}, which is none; give it back by hand.")
    return ticket


def journal_of(context: Context, subject: str, run: str) -> Journal | None:
    """The journal of the run that holds it; None when there is none, as of an earlier version's run."""
    environment = context.environment
    try:
        return read_journal(environment.storage, environment.ops_bucket, subject, run, context.actor)
    except NotFound:
        return None
