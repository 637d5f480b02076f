"""The watchdog: is the remediator itself alive? Looks at schedules, runs, tickets and claims; changes nothing.

When all of it is well it says so outside (`blocks.heartbeat`) and in the ops bucket, so that its own silence is noticed:

    remediation/heartbeat.json
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from blocks.approvals import Undecided, undecided
from blocks.errors import OutsideError, PreconditionFailed
from blocks.schedules import ScheduledDeployment, leaked_slots, scheduled_deployments
from tasks.delivery.tickets import open_tickets
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.lease import ROOT as LEASES
from tasks.remediation.lease import LeaseDamaged, read_holder
from tasks.remediation.plan import canonical
from tasks.remediation.report import Section, counted
from tasks.survival.left import what_is_left

HEARTBEAT = "remediation/heartbeat.json"
GRACE = timedelta(minutes=15)
"""How late a scheduled run may begin: a worker polls every few seconds, and a busy one works off its queue."""
LEFT_TOO_LONG = timedelta(minutes=30)
"""A run that was left for longer was not carried on by the schedule that does so every ten minutes."""

TOLD_FOR = timedelta(hours=1)
"""How long an approval that nobody gave is told: four turns of the watchdog."""


class Watchdog(Check[None]):
    """What of the remediator is dead, late or forgotten. `Findings.facts` are the schedules."""

    name = "watchdog"

    def look(self, context: Context, question: None) -> Findings:
        """Ask Prefect and the ops bucket."""
        schedules = scheduled_deployments(GRACE)
        found = Findings(facts=schedules)
        found.reasons += [
            *(reason for one in schedules for reason in silent(one)),
            *forgotten_runs(context),
            *forgotten_tickets(context),
            *damaged_claims(context),
            *stuck_events(context),
            *nobody_decided(undecided(datetime.now(UTC) - TOLD_FOR)),
            *(f"{one}: free them with `prefect gcl update --active-slots`." for one in leaked_slots(GRACE)),
        ]
        found.summary = f"{counted(len(schedules), 'schedule')} looked at"
        found.outcome = "failed" if found.reasons else "nothing_to_do"
        found.sections.append(Section("Schedules", rows=tuple(map(row, schedules))))
        return found


def silent(one: ScheduledDeployment) -> Iterator[str]:
    """What a schedule does not do."""
    if one.late is not None:
        yield (
            f"{one.name} should have run at {one.late:%Y-%m-%d %H:%M} UTC and nobody has taken it up: is the worker of its "
            "pool alive, and is the pool paused or full?"
        )
    elif one.following is None:
        yield f"{one.name} has a schedule and no run is planned for it: Prefect's scheduler is not working; look at its log."
    if one.last_state == "CRASHED":
        yield f"The last run of {one.name} crashed: look at it in the Prefect UI; the next one is at its time."


def forgotten_runs(context: Context) -> Iterator[str]:
    """Runs that began, that nobody works on, and that nobody carried on."""
    for one in what_is_left(context):
        age = datetime.now(UTC) - one.found.since
        if one.found.state == "damaged" or (one.found.state == "left" and age > LEFT_TOO_LONG):
            what = f"Run {one.found.run} of {one.found.procedure} on {one.found.subject}"
            yield f"{what} has no end for {age.total_seconds() / 60:.0f} minutes: {one.told} See `remediate unfinished`."


def forgotten_tickets(context: Context) -> Iterator[str]:
    """Holds whose time is over."""
    tickets, damaged = open_tickets(context.environment)
    yield from damaged
    for ticket in tickets:
        if datetime.now(UTC) > ticket.deadline:
            yield f"{ticket.sentence()}, and its time is over: see hold-watch and intake-watch."


def damaged_claims(context: Context) -> Iterator[str]:
    """Leases that nobody can read, which lock their subjects out; those that have ended lock nobody."""
    storage, bucket = context.environment.storage, context.environment.ops_bucket
    for stored in storage.list(bucket, LEASES):
        subject = stored.name.removeprefix(LEASES).removesuffix(".json")
        try:
            read_holder(storage, bucket, subject)
        except LeaseDamaged as error:
            yield str(error)


def stuck_events(context: Context) -> Iterator[str]:
    """Events that the receiver keeps and that nobody handles."""
    try:
        facts = context.environment.receiver.facts()
    except OutsideError as error:
        yield f"{error} Is it alive? What it has taken is on its disk."
        return
    if facts is None:
        return
    if facts.oldest_seconds > GRACE.total_seconds():
        minutes = facts.oldest_seconds / 60
        yield f"{counted(facts.waiting, 'event')} wait at the receiver, the oldest for {minutes:.0f} minutes: see its log."
    if facts.dead:
        yield f"{counted(facts.dead, 'event')} could not be handled: see `remediate events dead`."


def nobody_decided(found: Iterable[Undecided]) -> Iterator[str]:
    """Approvals whose time ran out: that means no, and the fault is still there."""
    for one in found:
        yield (
            f"{one.name} waited for an approval until {one.ended:%Y-%m-%d %H:%M} UTC and nobody decided, which means no: "
            "decide whether it is still wanted, and run it again; the on-call handbook says whom to ask."
        )


def row(one: ScheduledDeployment) -> dict[str, str]:
    """One line of the table."""
    said = {"late since": one.late, "next": one.following, "last": one.last}
    times = {name: f"{when:%Y-%m-%d %H:%M}" if when else "" for name, when in said.items()}
    return {"deployment": one.name, **times, "ended": one.last_state.lower()}


def beat(context: Context, now: datetime | None = None) -> list[str]:
    """Say that all is well, in the ops bucket and to the monitor outside. Returns what could not be said."""
    environment, at = context.environment, now or datetime.now(UTC)
    body = canonical({"at": at.isoformat(), "flow_run": context.flow_run_id, "by": context.actor})
    failed: list[str] = []
    try:
        there = environment.storage.stat(environment.ops_bucket, HEARTBEAT)
        if there is None:
            environment.storage.create(environment.ops_bucket, HEARTBEAT, body)
        else:
            environment.storage.replace(environment.ops_bucket, HEARTBEAT, body, generation=there.generation)
    except PreconditionFailed:
        pass  # another watchdog has just said it
    except OutsideError as error:
        failed.append(f"The heartbeat in the ops bucket could not be written: {error}")
    try:
        environment.heartbeat.beat(f"{environment.project}: all is well at {at:%Y-%m-%d %H:%M} UTC")
    except OutsideError as error:
        failed.append(str(error))
    return failed
