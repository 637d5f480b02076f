"""Pause intake: nothing new is begun while somebody mends the pipeline. Resuming is the undo of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from tasks.actions.own_pause import set_own_pause
from tasks.actions.schedulers import set_scheduler
from tasks.actions.work import set_cron_job, set_work
from tasks.delivery.hold import held_of
from tasks.delivery.kinds import hold_delivery, release_delivery
from tasks.delivery.pauses import PAUSE, RESUME_BY, SUBJECT, half_resumed, never_begun, resume_by
from tasks.delivery.tickets import REDEEMED, Held, Ticket, deadline_of, open_ticket, stamp, write_ticket
from tasks.intake.plan import paused_words, plan_pause
from tasks.intake.report import paused_sections
from tasks.intake.starters import Feed, Starters, look_at_starters
from tasks.intake.verify import still_live
from tasks.pipeline.own_pause import paused_by_others
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import Section, listed
from tasks.remediation.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequest(Request):
    """What a pause is asked."""

    without_hold: bool = False
    """Go on although something cannot be paused or held: it goes on starting work, and the report names it."""


class PauseIntake(Procedure[PauseRequest, Starters]):
    """Handbook: 'Stabilise: pause new workflow triggers if needed'."""

    name = PAUSE
    kinds = (set_scheduler, set_work, set_cron_job, hold_delivery, release_delivery, set_own_pause)

    def subjects(self, context: Context, request: PauseRequest) -> tuple[str, ...]:
        """One pause or resume at a time."""
        if request.mode == "apply" and not request.reason.strip():
            raise Refused("Say why with a reason: whoever finds the pause open must know.")
        return (SUBJECT,)

    def observe(self, run: Run, request: PauseRequest) -> Starters:
        """Everything that starts work by itself."""
        return look_at_starters(run.context.environment, self.name)

    def plan(self, run: Run, facts: Starters, request: PauseRequest) -> Plan:
        """Pause and hold what is live; what cannot be, a person decides about."""
        cannot = facts.cannot()
        run.notes += [f"{one} It goes on starting work." for one in cannot if request.without_hold]
        run.notes += [f"Trigger {one.name} is held already: {one.why}." for one in facts.feeds if one.state == "held"]
        if facts.unknown:
            what = listed(facts.unknown, 9)
            run.notes.append(f"Left alone and going on, for the catalogue does not name them as intake: {what}.")
        if facts.upkeep:
            run.notes.append(f"Going on, for the catalogue calls it upkeep: {listed(facts.upkeep, 9)}.")
        run.notes += [said] if (said := paused_by_others(facts.own)) else []
        region = run.context.environment.schedulers.region
        plan = plan_pause(facts, region, request.reason, without_hold=request.without_hold)
        run.summary = f"{paused_words(plan)} to pause"
        return plan

    def guard(self, run: Run, facts: Starters | None, plan: Plan, request: PauseRequest) -> Iterable[str]:
        """A resume that has not come to its end; of a run that is continued, a ticket whose time is over."""
        yield from half_resumed(run.context)
        ticket = open_ticket(run.context.environment, run.continues) if facts is None else None
        if ticket is not None and datetime.now(UTC) > ticket.deadline:
            yield f"The time of run {run.continues} was over at {ticket.deadline:%Y-%m-%d %H:%M} UTC; resume it, then pause again."

    def stage(self, run: Run, facts: Starters, plan: Plan) -> Mapping[str, JsonValue]:
        """Writes the ticket: what everything was, and until when it must be so again."""
        environment, now, live = run.context.environment, datetime.now(UTC), facts.live_feeds()
        for lost in never_begun(run.context):
            stamp(environment, lost.run, REDEEMED, {"by": run.id, "told": ["it was killed before it held anything"]})
        deadline = deadline_of(environment.backup.hold_hours, [one.retention_seconds for one in live], now)
        states = {one.name: one.state for one in facts.schedulers}
        suspended = {one.name: bool(one.setting) for one in facts.cron_jobs}
        if live:
            ticket = Ticket(
                run=run.id, procedure=self.name, lease=SUBJECT, subject="all intake", stays=True, owner=run.context.actor,
                flow_run_id=run.context.flow_run_id, reason=str(plan.details["reason"]), made_at=now, deadline=deadline,
                held=tuple(as_seen(environment, one) for one in live), schedulers=states,
            )  # fmt: skip
            write_ticket(environment, ticket)
        return {RESUME_BY: deadline.isoformat(), "former": {**states}, "former_suspend": {**suspended}}

    def verify(self, run: Run, facts: Starters | None) -> Verdict:
        """Ask everything again."""
        plan = run.journal.plan()
        wrong = tuple(still_live(run.context.environment, plan))
        until = resume_by(run.context, run.journal)
        run.summary = f"{paused_words(plan)} paused, to be resumed by {until:%Y-%m-%d %H:%M} UTC"
        return Verdict("failed", wrong) if wrong else Verdict()

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> PauseRequest:
        """The same pause."""
        return PauseRequest(mode="apply", reason=reason)

    def in_force(self, run: Run) -> Iterable[str]:
        """What it has held before it failed."""
        one = run.id or run.continues
        try:
            ticket = open_ticket(run.context.environment, one) if one else None
        except OutsideError as error:
            return [f"Whether run {one} holds delivery could not be asked ({error}): remediate intake status tells."]
        return [f"Meanwhile {ticket.sentence()}: remediate intake resume gives it back."] if ticket else []

    def sections(self, run: Run) -> Iterable[Section]:
        """What is paused, since when, until when at the latest, and what waits."""
        return paused_sections(run)


def as_seen(environment: PipelineEnvironment, one: Feed) -> Held:
    """What a subscription is. Raises `Refused` when that has changed since it was planned: somebody else may hold it."""
    held = held_of(environment, one.listener)
    if held.push_config != one.push_config:
        raise Refused(f"The delivery of {one.name} was changed while this was planned; nothing was done, run it again.")
    return held
