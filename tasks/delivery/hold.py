"""Hold the delivery of events, so that what is written meanwhile starts nothing.

The ticket with the exact push configuration is in the ops bucket before anything is held. Then whatever still runs on
the scope is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, PermanentError
from tasks.delivery.listeners import Listener
from tasks.delivery.tickets import (
    DRAINING,
    REDEEMED,
    Held,
    Ticket,
    deadline_of,
    is_stamped,
    open_tickets,
    read_ticket,
    write_ticket,
)
from tasks.pipeline.activity import LiveWork, live_work
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, Params

WAIT_SECONDS = 600.0
"""How long work on the scope is waited for, where the policy sets no limit."""


class HoldDelivery(Params):
    """What is held, and whose work is waited for afterwards."""

    listeners: tuple[Listener, ...]
    scene: str = ""
    """Empty: everything that runs on any scene."""
    waits: bool = True
    """Whether work that runs on the scope is waited for."""
    stays: bool = False
    """The hold outlives the run: it is not forgotten before its deadline is over."""


def cannot_hold(environment: PipelineEnvironment, to_hold: Iterable[Listener]) -> list[str]:
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
    tickets, damaged = open_tickets(environment)
    for ticket in tickets:
        if any(one.subscription == subscription for one in ticket.held):
            return f"{ticket.sentence()}: wait for it, or run hold-watch with mode apply if that run is dead"
    return " ".join(damaged) or "no ticket says by whom, so find out and let it push again first"


def apply_hold(doing: Doing, params: HoldDelivery) -> str:
    """Write the ticket unless it is there, hold every subscription in it, and wait until nothing runs on the scope.

    Raises:
        PermanentError: a subscription cannot be held, or something is still running after the waiting time.
    """
    environment, run = doing.context.environment, doing.journal.run
    ticket = read_ticket(environment, run) or make_ticket(doing, params)
    if is_stamped(environment, run, DRAINING) or is_stamped(environment, run, REDEEMED):
        raise PermanentError(f"Somebody has begun to give back what run {run} holds; plan again.")
    for held in ticket.held:
        doing.check()
        environment.delivery.hold(held.subscription)
    if params.waits:
        wait_until_idle(doing, params.scene)
    return f"held until {ticket.deadline:%Y-%m-%d %H:%M} UTC: {', '.join(held.trigger for held in ticket.held)}"


def make_ticket(doing: Doing, params: HoldDelivery) -> Ticket:
    """The ticket of this run, written."""
    context, environment, now = doing.context, doing.context.environment, datetime.now(UTC)
    if reasons := cannot_hold(environment, params.listeners):
        raise PermanentError(" ".join(reasons))
    retentions = [environment.delivery.retention_seconds(one.subscription) for one in params.listeners]
    plan = doing.journal.plan()
    ticket = Ticket(
        run=doing.journal.run,
        procedure=plan.procedure,
        lease=doing.journal.subject,
        subject=plan.subject,
        stays=params.stays,
        owner=context.actor,
        flow_run_id=context.flow_run_id,
        reason=str(doing.journal.begin.data.get("reason", "")),
        made_at=now,
        deadline=deadline_of(environment.backup.hold_hours, retentions, now),
        held=tuple(held_of(environment, one) for one in params.listeners),
    )
    write_ticket(environment, ticket)
    return ticket


def held_of(environment: PipelineEnvironment, one: Listener) -> Held:
    """What a subscription is before it is held."""
    return Held(
        trigger=one.trigger,
        workflow=one.workflow,
        subscription=one.subscription,
        pattern=one.pattern,
        push_config=environment.delivery.push_config(one.subscription) or {},
    )


def check_held(environment: PipelineEnvironment, run: str) -> None:
    """Asked before each part of what is written under a hold. A run that has no ticket holds nothing, and may.

    Raises:
        PermanentError: the time of the hold is over, or somebody has given it back.
    """
    ticket = read_ticket(environment, run)
    if ticket is None:
        return
    if datetime.now(UTC) > ticket.deadline:
        raise PermanentError(
            f"The hold had to be over by {ticket.deadline:%Y-%m-%d %H:%M} UTC, or events would be lost; the rest was not "
            "done. Run it again for what is left."
        )
    pushing = [one.trigger for one in ticket.held if environment.delivery.push_config(one.subscription)]
    if pushing or is_stamped(environment, run, DRAINING):
        raise PermanentError(
            f"The delivery of {', '.join(pushing) or ticket.held[0].trigger} is not held any more: somebody gave it back. "
            "The rest was not done; run it again for what is left."
        )


def wait_until_idle(doing: Doing, scene_id: str) -> None:
    """Wait for what an event of a moment ago may still have started. Raises PermanentError."""
    context, policy = doing.context, doing.context.policy()
    limit = policy.wait_seconds or WAIT_SECONDS
    began = time.monotonic()
    while working := work_on(context, scene_id):
        doing.check()
        if time.monotonic() - began > limit:
            raise PermanentError(
                f"{working[0].what} is still at work on {working[0].scene_id} after {limit:.0f} s; nothing was "
                "changed. Wait until it ends, then run this again."
            )
        context.say(f"waiting for {working[0].what}: running for {time.monotonic() - began:.0f} s")
        time.sleep(policy.poll_seconds)


def work_on(context: Context, scene_id: str) -> list[LiveWork]:
    """What runs on that scene, or on any when it is empty."""
    return [work for work in live_work(context.environment) if not scene_id or work.is_on(scene_id)]
