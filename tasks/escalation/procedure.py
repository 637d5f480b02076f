"""Escalation: tell whoever is due of one incident, each sink once. Handbook: 'On-call escalation'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from blocks.errors import OutsideError
from blocks.on_call import OnCall
from tasks.actions.paging import Page, page
from tasks.escalation.chain import Chain, Notice, chain
from tasks.escalation.messages import text_of, title_of
from tasks.escalation.report import told_section
from tasks.escalation.told import Told, told_by
from tasks.incidents.incident import read_incident, record_of
from tasks.incidents.pages import attempts
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run

SUBJECT = "@escalation-"
"""What the subject of an incident's escalation begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRequest(Request):
    """Which incident."""

    incident: str
    now: datetime | None = None
    """As of when; None: now."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands."""

    told: Told
    chain: Chain
    unreachable: tuple[str, ...]
    """Tiers that nobody hears."""


class Escalation(Procedure[EscalationRequest, Standing]):
    """Pages go out until somebody has it, updates once each."""

    name = "escalation"
    kinds = (page,)
    additive = True  # a message takes nothing away: neither the kill switch nor the window may keep it
    observe_task = "read_incident"

    def subjects(self, context: Context, request: EscalationRequest) -> tuple[str, ...]:
        """One process at a time tells people of an incident."""
        record_of(request.incident)
        return (f"{SUBJECT}{request.incident}",)

    def observe(self, run: Run, request: EscalationRequest) -> Standing:
        """The record, and what it means at this moment."""
        return standing(run.context, request.incident, request.now or datetime.now(UTC))

    def plan(self, run: Run, facts: Standing, request: EscalationRequest) -> Plan:
        """One action for each message that is due."""
        policy, due = run.context.environment.on_call, facts.chain.due
        pages = [one for one in due if one.series.kind == "page"]
        nobody = not facts.told.stopped and not reachable(run.context, facts.told)
        run.notes += facts.unreachable if not facts.told.stopped else ()
        run.summary = f"{len(pages)} pages and {len(due) - len(pages)} updates due; {then(facts)}"
        return Plan(
            procedure=self.name,
            subject=run.subject,
            actions=tuple(action_for(facts.told, one, policy) for one in due),
            escalations=facts.unreachable if nobody else (),
            details={"next_at": facts.chain.next_at.isoformat() if facts.chain.next_at else ""},
        )

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """Always: the record, and not the journal, says what was sent."""
        return True

    def verify(self, run: Run, facts: Standing | None) -> Verdict:
        """What the record says of each message of the plan."""
        pages = [page.read(one) for one in run.journal.plan().actions]
        found = attempts(read_incident(run.context, pages[0].incident)) if pages else {}
        bad = [one for params in pages if (one := found.get(params.key)) is not None and one.state != "sent"]
        if not bad:
            return Verdict()
        reasons = tuple(f"{one.to} was not surely told ({one.key}): {one.words()}" for one in bad)
        if any(one.state != "failed" for one in bad):
            return Verdict("unknown", reasons)
        return Verdict("partial" if len(bad) < len(pages) else "failed", reasons)

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> EscalationRequest:
        """The same incident, as of now."""
        return EscalationRequest(mode="apply", incident=subject.removeprefix(SUBJECT), reason=reason)

    def sections(self, run: Run) -> Iterable[Section]:
        """Whom it was told to, and what became of it."""
        if not run.subject.startswith(SUBJECT) or run.outcome == "refused":
            return
        try:
            yield told_section(told_by(read_incident(run.context, run.subject.removeprefix(SUBJECT))))
        except (OutsideError, LedgerDamaged) as error:
            yield Section("Who was told", f"The record cannot be read just now ({error}).")


def standing(context: Context, incident: str, now: datetime) -> Standing:
    """Where the escalation of an incident stands. Raises `Refused`, `LedgerDamaged`."""
    told = told_by(read_incident(context, incident))
    environment = context.environment
    wrong = environment.on_call.unreachable(told.first.area, environment.notifier.names())
    return Standing(told, chain(told, environment.on_call, now), tuple(wrong))


def reachable(context: Context, told: Told) -> bool:
    """Whether at least one tier has a sink that the notifier knows."""
    known = set(context.environment.notifier.names())
    return any(known & set(tier.sinks) for tier in context.environment.on_call.chains.of(told.first.area))


def action_for(told: Told, notice: Notice, policy: OnCall) -> Action:
    """The action that sends one message."""
    one, wakes = notice.series, notice.series.kind == "page"
    params = Page(
        incident=told.incident, key=notice.key, to=one.to, sink=one.sink, title=title_of(told, notice),
        text=text_of(told, notice, policy), wakes=wakes,
    )  # fmt: skip
    why = (
        f"message {notice.number} of {len(one.slots)} to {one.to}" if wakes else "an update that this sink has not had"
    )
    return page.action(
        params,
        step="tell people",
        target=f"{one.sink}: {notice.key}",
        precondition=f"{'nobody has it yet, and ' if wakes else ''}this message was not announced in the record",
        undo="none: a message that was sent cannot be called back",
        why=f"{why}, due {notice.due:%Y-%m-%d %H:%M} UTC",
    )


def then(facts: Standing) -> str:
    """What comes after this."""
    if facts.told.stopped:
        return f"nobody is paged any more, for {facts.told.stopped}"
    at = facts.chain.next_at
    return f"the next one at {at:%Y-%m-%d %H:%M} UTC" if at else "no further one is planned"
