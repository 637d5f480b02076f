"""Notice a hold that nobody gives back, and give it back: its time is over, or nobody is at work under its lease."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.errors import NotFound
from tasks.delivery.kinds import release_action, release_delivery
from tasks.delivery.release import ReleaseDelivery
from tasks.delivery.tickets import REDEEMED, Ticket, is_stamped, open_ticket, open_tickets
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.journal import read_journal
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
    if ticket.stays:
        return ""
    environment = context.environment
    try:
        held = read_holder(environment.storage, environment.ops_bucket, ticket.lease)
    except LeaseDamaged as error:
        return f"nobody can tell whether its run is at work: {error}"
    if held is not None and not has_ended(*held, context.gone):
        return ""  # its own run, or whoever continues it
    return "its run has ended without giving it back"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBackRequest(Request):
    """Whose hold is to be given back."""

    run: str


class GiveBack(Procedure[GiveBackRequest, Ticket]):
    """Handbook: none; our own. Gives back what a run that is dead or late holds, under that run's own lease."""

    name = "give-back"
    kinds = (release_delivery,)
    unfinished = "replan"
    additive = True  # a hold that stays loses events: neither the kill switch nor the window may keep it

    def subjects(self, context: Context, request: GiveBackRequest) -> tuple[str, ...]:
        """The lease under which it is held, so that nobody continues that run meanwhile."""
        return (ticket_of(context, request.run).lease,)

    def observe(self, run: Run, request: GiveBackRequest) -> Ticket:
        """The ticket, as it is once the lease is held."""
        return ticket_of(run.context, request.run)

    def plan(self, run: Run, facts: Ticket, request: GiveBackRequest) -> Plan:
        """Give it back."""
        run.summary = f"what run {facts.run} holds: {facts.triggers}"
        action = release_action(ReleaseDelivery(run=facts.run), facts.triggers)
        return Plan(procedure=self.name, subject=facts.lease, actions=(action,), details={"gives_back": facts.run})

    def verify(self, run: Run, facts: Ticket | None) -> Verdict:
        """End the run that held it, so that nobody carries it on without its hold."""
        environment, held = run.context.environment, str(run.journal.plan().details.get("gives_back", ""))
        try:
            journal = read_journal(environment.storage, environment.ops_bucket, run.subject, held, run.context.actor)
        except NotFound:
            return Verdict()
        if not journal.ended:
            journal.end("stopped", [f"given up by {run.context.actor}, who gave the delivery back"], by=run.id)
        return Verdict()


def ticket_of(context: Context, run: str) -> Ticket:
    """The open ticket of a run. Raises `Refused` when there is none."""
    ticket = open_ticket(context.environment, run) if run and "/" not in run else None
    if ticket is None:
        raise Refused(f"Run {run!r} holds no delivery; hold-watch says who does.")
    if not ticket.lease.startswith("@"):
        raise Refused(f"The ticket of run {run} names the lease {ticket.lease!r}, which is none; give it back by hand.")
    return ticket
