"""The audit of escalation: was everybody told who was due, and does somebody have every open incident?

It reads the same records by the same rules as the escalation, but later, and says what the escalation should have done. A
second schedule runs it; the watchdog sees to it that that schedule lives, and says so outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from tasks.escalation.chain import Series, latest, series_of, tries
from tasks.escalation.told import Told, told_by
from tasks.incidents.incident import incident_ids, read_incident
from tasks.incidents.open_marks import open_marks
from tasks.incidents.pages import Attempt
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import outcome_of
from tasks.remediation.report import Section
from tasks.remediation.table import Cell

GRACE = timedelta(minutes=12)
"""How late a message may be: two runs of the schedule that tells people, and the time they take."""
LATELY = timedelta(days=2)
"""Incidents that were declared in this time are looked at even if they are closed (as Grafana OnCall's auditor does)."""
MOST = 200
AREAS = ("pipeline", "platform", "simulation", "data")


class EscalationAudit(Check[datetime | None]):
    """Whether the escalation does its work. `Findings.facts` is how many incidents were looked at."""

    name = "escalation-audit"

    def look(self, context: Context, question: datetime | None) -> Findings:
        """Look at the policy, at every open incident and at those of the last days."""
        now = question or datetime.now(UTC)
        found = Findings(reasons=[*nobody_hears(context.environment)])
        rows: list[dict[str, Cell]] = []
        names, left_out = wanted(context, now)
        for id_ in names:
            try:
                told = told_by(read_incident(context, id_))
            except Exception as error:  # one that cannot be read stands in no other's way
                found.reasons.append(f"{id_} could not be looked at: {outcome_of(error)[1]}")
                continue
            wrong = list(wrong_with(told, context.environment, now))
            found.reasons += [f"{id_}: {one}" for one in wrong]
            rows.append({"incident": id_, "ended by": ended_by(told, context.environment, now), "wrong": len(wrong)})
        if left_out:
            found.reasons.append(f"{left_out} older open incidents were not looked at: close what is over.")
        found.facts, found.summary = len(names), f"{len(names)} incidents audited"
        found.outcome = "failed" if found.reasons else "nothing_to_do"
        found.sections.append(Section("Chains", "" if rows else "There is no incident to look at.", tuple(rows)))
        return found


def wanted(context: Context, now: datetime) -> tuple[list[str], int]:
    """The incidents to look at, and how many open ones there are beyond."""
    since = f"inc-{now - LATELY:%Y%m%dt%H%M%Sz}"
    lately = [one for one in incident_ids(context) if one >= since][:MOST]
    marked = [id_ for id_, _ in open_marks(context.environment)]
    return [*dict.fromkeys([*marked[:MOST], *lately])], max(0, len(marked) - MOST)


def nobody_hears(environment: PipelineEnvironment) -> Iterator[str]:
    """What is wrong with the policy itself, before anything has happened."""
    known = environment.notifier.names()
    if not known:
        yield "Nobody would be told of an incident: the notifier has no sinks. Add the addresses of the people on call."
        return
    for area in AREAS:
        yield from environment.on_call.unreachable(area, known)
    said = {"Updates": environment.on_call.updates_to, "Findings about overrides": environment.on_call.overrides_to}
    said["Overdue findings about overrides"] = environment.on_call.overrides_overdue_to
    for what, sinks in said.items():
        for sink in sinks:
            if sink not in known:
                yield f"{what} go to {sink}, which the notifier does not have; add its address."


def wrong_with(told: Told, environment: PipelineEnvironment, now: datetime) -> Iterator[str]:
    """What was not done for one incident, one sentence each."""
    for one in series_of(told, environment.on_call):
        yield from wrong_with_series(one, told, now)
    if not told.stopped and ran_to_its_end(told, environment, now):
        yield "everybody was told and nobody has it: call somebody, or acknowledge it."
    promised = told.updates[-1][2].next_update_at if told.updates else None
    if not told.closed and told.stopped != "it is resolved" and promised and promised + GRACE < now:
        yield f"an update was promised for {promised:%Y-%m-%d %H:%M} UTC and none came: write one."


def wrong_with_series(one: Series, told: Told, now: datetime) -> Iterator[str]:
    """What one sink was not told. The latest message counts: earlier ones that were missed are in it."""
    if (number := latest(one, now - GRACE)) is None:
        return
    tried = [last for slot in one.slots[number - 1 :] for last in tries(told, slot.key)[-1:]]
    if not tried and (one.kind == "update" or not told.stopped):
        slot = one.slots[number - 1]
        yield (
            f"{one.to} should have been told through {one.sink} at {slot.due:%Y-%m-%d %H:%M} UTC and was not "
            f"({slot.key}): does the deployment escalation run?"
        )
    elif tried and not any(attempt.state == "sent" for attempt in tried) and (said := doubt(tried[-1], now)):
        yield f"{one.to} was not surely told through {one.sink}: {said}"


def doubt(last: Attempt, now: datetime) -> str:
    """Why nobody knows that a message came; empty while it is just being sent."""
    if last.at + GRACE > now:
        return ""
    if last.state == "sending":
        return f"{last.key} was about to be sent when its process ended; ask whether it came."
    return f"{last.key} {last.words()}"


def ran_to_its_end(told: Told, environment: PipelineEnvironment, now: datetime) -> bool:
    """Whether the last message of the chain was due."""
    dues = [one.slots[-1].due for one in series_of(told, environment.on_call) if one.kind == "page"]
    return bool(dues) and max(dues) + GRACE < now


def ended_by(told: Told, environment: PipelineEnvironment, now: datetime) -> str:
    """How its chain ended."""
    if told.stopped:
        return told.stopped
    return "nobody: it ran to its end" if ran_to_its_end(told, environment, now) else "goes on"
