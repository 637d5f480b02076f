"""Hold the delivery of events while objects are written, so that a restore starts nothing.

The ticket with the exact push configuration is in the ops bucket before anything is held. Then whatever still runs on
the scope is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, PermanentError
from tasks.remediation.actions import Doing
from tasks.remediation.context import Context
from tasks.remediation.live import LiveWork, live_work
from tasks.restore.firing import Firing
from tasks.restore.tickets import Held, Ticket, deadline_of, open_tickets, read_ticket, write_ticket

WAIT_SECONDS = 600.0
"""How long work on the scope is waited for, where the policy sets no limit."""


def cannot_hold(environment: PipelineEnvironment, to_hold: Iterable[Firing]) -> list[str]:
    """Why the delivery of these triggers cannot be held; empty when it can."""
    reasons: list[str] = []
    for one in to_hold:
        if not one.subscription:
            reasons.append(f"Trigger {one.trigger} names no subscription, so its delivery cannot be held.")
            continue
        try:
            config = environment.delivery.push_config(one.subscription)
        except OutsideError as error:
            reasons.append(f"The delivery of {one.trigger} cannot be held: {error}")
            continue
        if config is None:
            reasons.append(f"The delivery of {one.trigger} cannot be held: {one.subscription} does not exist.")
        elif not config:
            reasons.append(f"The delivery of {one.trigger} is held already; {by_whom(environment, one.subscription)}.")
    return reasons


def by_whom(environment: PipelineEnvironment, subscription: str) -> str:
    """Whose hold it is, as far as anybody knows."""
    for ticket in open_tickets(environment):
        if any(one.subscription == subscription for one in ticket.held):
            return f"{ticket.sentence()}: wait for it, or run hold-watch with mode apply if that run is dead"
    return "no ticket says by whom, so find out and let it push again first"


def hold_delivery(doing: Doing, check: Callable[[], None]) -> str:
    """Write the ticket, hold every subscription of the action, and wait until nothing runs on the scope.

    Raises:
        PermanentError: a subscription cannot be held, or something is still running after the waiting time.
    """
    environment, run = doing.context.environment, doing.journal.run
    ticket = read_ticket(environment, run) or make_ticket(doing)
    for held in ticket.held:
        check()
        environment.delivery.hold(held.subscription)
    wait_until_idle(doing, check)
    return f"held until {ticket.deadline:%Y-%m-%d %H:%M} UTC: {', '.join(held.trigger for held in ticket.held)}"


def make_ticket(doing: Doing) -> Ticket:
    """The ticket of this run, written."""
    context, environment, now = doing.context, doing.context.environment, datetime.now(UTC)
    firing = planned(doing)
    if reasons := cannot_hold(environment, firing):
        raise PermanentError(" ".join(reasons))
    held = [held_of(environment, one) for one in firing]
    retentions = [environment.delivery.retention_seconds(one.subscription) for one in firing]
    ticket = Ticket(
        run=doing.journal.run,
        subject=doing.journal.plan().subject,
        owner=context.actor,
        flow_run_id=context.flow_run_id,
        reason=str(doing.journal.entries[0].data.get("reason", "")),
        made_at=now,
        deadline=deadline_of(environment.backup.hold_hours, retentions, now),
        held=tuple(held),
    )
    write_ticket(environment, ticket)
    return ticket


def held_of(environment: PipelineEnvironment, one: Firing) -> Held:
    """What a subscription is before it is held."""
    config = environment.delivery.push_config(one.subscription) or {}
    return Held(
        trigger=one.trigger,
        workflow=one.workflow,
        subscription=one.subscription,
        pattern=one.pattern,
        push_config=config,
    )


def planned(doing: Doing) -> list[Firing]:
    """The subscriptions the plan says are to be held."""
    found = doing.action.params["subscriptions"]
    entries: Sequence[object] = found if isinstance(found, list) else ()
    return [Firing(**entry) for entry in entries if isinstance(entry, dict)]


def wait_until_idle(doing: Doing, check: Callable[[], None]) -> None:
    """Wait for what an event of a moment ago may still have started. Raises PermanentError."""
    context, policy = doing.context, doing.context.environment.policy
    limit = policy.wait_seconds or WAIT_SECONDS
    began = time.monotonic()
    while working := work_on(context, doing.text("scene")):
        check()
        if time.monotonic() - began > limit:
            raise PermanentError(
                f"{working[0].what} is still at work on {working[0].scene_id} after {limit:.0f} s; nothing was "
                "restored. Wait until it ends, then run this again."
            )
        context.say(f"waiting for {working[0].what}: running for {time.monotonic() - began:.0f} s")
        time.sleep(policy.poll_seconds)


def work_on(context: Context, scene_id: str) -> list[LiveWork]:
    """What runs on that scene, or on any when it is empty."""
    return [work for work in live_work(context.environment) if scene_id in ("", work.scene_id)]
