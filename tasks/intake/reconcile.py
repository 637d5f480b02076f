"""After a resume: what was written during the pause and started nothing is started, under the usual limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from blocks.errors import NotFound
from tasks.delivery.missed import DeliverMissed, deliver_missed, look_missed, missed_action
from tasks.delivery.pauses import PAUSE, SUBJECT, runs_of_intake
from tasks.delivery.tickets import read_ticket
from tasks.intake.unanswered import CLOCK_SKEW, Reconciled, Unanswered, reconcile
from tasks.remediation.context import Context
from tasks.remediation.continuing import UNDOES
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.kind import Doing
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import Section, counted, listed
from tasks.remediation.run import Run

MOST_ROWS = 500
"""Rows of the report; its sentences count them all."""
RECOVERY = "export-recovery"
"""The flow that mends a scene whose started workflow fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest(Request):
    """Which pause, which must have been resumed."""

    run: str

    def asked(self) -> dict[str, JsonValue]:
        """The pause."""
        return {"run": self.run}


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, and of which time."""

    found: Reconciled
    since: datetime

    def ready(self) -> list[Unanswered]:
        """What can be started now."""
        return [one for one in self.found.unanswered if one.scene_id not in self.found.busy]


class ReconcileIntake(Procedure[ReconcileRequest, Looked]):
    """Handbook: 'Recover: re-enable triggers', and nothing of what came meanwhile is lost."""

    name = "reconcile-intake"
    kinds = (deliver_missed,)
    unfinished = "replan"

    def subjects(self, context: Context, request: ReconcileRequest) -> tuple[str, ...]:
        """Intake, as a pause and a resume. Raises `Refused` for a run that is no pause, or was not resumed."""
        resumed_at(context, request.run)
        return (SUBJECT,)

    def observe(self, run: Run, request: ReconcileRequest) -> Looked:
        """Every object of the pause, and what it started."""
        context = run.context
        paused, ticket = pause_of(context, request.run), read_ticket(context.environment, request.run)
        held = {one.trigger for one in ticket.held} if ticket is not None else set[str]()
        since, until = paused.begun_at - CLOCK_SKEW, resumed_at(context, request.run)
        return Looked(reconcile(context, since, until, held), since)

    def plan(self, run: Run, facts: Looked, request: ReconcileRequest) -> Plan:
        """Deliver each event that started nothing, but not to a scene on which something is at work."""
        found, ready = facts.found, facts.ready()
        run.summary = (
            f"{counted(found.seen, 'object')} of the pause of run {request.run} should have started something, "
            f"{len(found.unanswered)} did not"
        )
        run.notes += [f"Nothing is started for {scene}: {what} is at work on it." for scene, what in found.busy.items()]
        if found.busy:
            run.notes.append(f"When that has ended: remediate intake resume {request.run} --apply looks again.")
        if found.untold:
            run.notes.append(
                f"Whether anything was missed of these nobody can tell: triggers {listed(found.untold, 9)}."
            )
        actions = tuple(
            missed_action(params_of(one, facts.since), f"nothing followed {one.stored.uri}") for one in ready
        )
        return Plan(
            procedure=self.name, subject=SUBJECT, actions=actions, risk="medium", details={"pause": request.run}
        )

    def guard(self, run: Run, facts: Looked | None, plan: Plan, request: ReconcileRequest) -> Iterable[str]:
        """The policy's `max_scenes`: so many lost events have one cause, which a person looks for."""
        scenes = {str(one.params["name"]).split("/")[1] for one in plan.actions}
        most = run.context.policy().max_scenes
        if len(scenes) > most:
            yield (
                f"It would start work on {len(scenes):,} scenes; the policy's max_scenes is {most}. Look for the one cause "
                f"(a trigger that was made anew, an outage of Pub/Sub), raise it, and run remediate intake resume "
                f"{request.run} --apply again."
            )

    def verify(self, run: Run, facts: Looked | None) -> Verdict:
        """Ask for each execution again."""
        missing = [
            f"No execution of {params.workflow} for {params.name} can be found."
            for action in run.journal.plan().actions
            if run.done.get(action.key, "").startswith("started")
            and look_missed(Doing(run, action), params := deliver_missed.read(action)) is None
        ]
        return Verdict("failed", tuple(missing)) if missing else Verdict()

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> ReconcileRequest | None:
        """The same, by the pause that it asked for."""
        pause = str(asked.get("run") or "")
        return ReconcileRequest(mode="apply", run=pause, reason=reason) if pause else None

    def sections(self, run: Run) -> Iterable[Section]:
        """Each object that started nothing, and what to run should its workflow fail."""
        if isinstance(run.facts, Looked) and run.facts.found.unanswered:
            yield Section(
                "Written during the pause, and started nothing",
                rows=tuple(map(row, run.facts.found.unanswered[:MOST_ROWS])),
            )


def row(one: Unanswered) -> dict[str, str]:
    """One row of the report."""
    parameters = json.dumps({"scene_ids": [one.scene_id], "mode": "plan"})
    return {
        "object": f"{one.stored.name}#{one.stored.generation}",
        "written": f"{one.stored.created:%Y-%m-%d %H:%M} UTC",
        "trigger": one.trigger,
        "should start": one.workflow,
        "if that fails": f"{RECOVERY} {parameters}",
    }


def params_of(one: Unanswered, since: datetime) -> DeliverMissed:
    """What delivering it needs."""
    return DeliverMissed(
        name=one.stored.name,
        generation=one.stored.generation,
        trigger=one.trigger,
        workflow=one.workflow,
        since=since,
    )


def pause_of(context: Context, run: str) -> Journal:
    """The journal of a pause."""
    environment = context.environment
    try:
        return read_journal(environment.storage, environment.ops_bucket, SUBJECT, run, context.actor)
    except NotFound as error:
        raise Refused(f"There is no pause {run!r}; remediate intake status names those that are open.") from error


def resumed_at(context: Context, run: str) -> datetime:
    """When the resume that took a pause back began. Raises `Refused` when there is none that came to its end."""
    past = runs_of_intake(context)
    if not any(one.run == run and one.procedure == PAUSE for one in past):
        raise Refused(f"Run {run!r} is no pause of intake; its report names the run.")
    ended = [one.begun_at for one in past if one.details.get(UNDOES) == run and one.outcome == "done"]
    if not ended:
        raise Refused(f"The pause of run {run} was not resumed; do that first: remediate intake resume {run} --apply.")
    return ended[-1]
