"""Give delivery back: the run's own events are dropped, everybody else's delivered one by one, then it pushes again.

Anybody can do it from the ticket alone, and go on where somebody was killed.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PreconditionFailed, UnknownOutcome
from blocks.held_event import HeldEvent
from tasks.delivery.listeners import Listener
from tasks.delivery.own_writes import OwnWrites, written_by
from tasks.delivery.tickets import DRAINING, REDEEMED, Held, Ticket, is_stamped, read_ticket, stamp
from tasks.remediation.kind import Doing, Params

EVENT_LABEL = "remediation-event"
"""Label of an execution that delivers a held event: which event. By it a start without an answer is found again."""
PULLED = 500
"""Events looked at together."""
BATCH_SECONDS = 5.0
"""What was pulled and not delivered within this time comes again: Pub/Sub's ack deadline is 10 s or more."""
CLOCK_SKEW = timedelta(seconds=5)


class ReleaseDelivery(Params):
    """Whose hold is given back."""

    run: str = ""
    """Whose ticket it is; empty: this run's own."""


@dataclass
class Draining:
    """One subscription being emptied."""

    doing: Doing
    ticket: Ticket
    held: Held
    written: OwnWrites
    first: bool
    """Whether nobody has begun to empty it before."""
    known: set[str] = field(default_factory=set)
    """Events of which an execution is known."""
    stuck: set[str] = field(default_factory=set)
    """Events that cannot be delivered: their workflow is not deployed."""
    dropped: int = 0
    delivered: int = 0

    @property
    def environment(self) -> PipelineEnvironment:
        """The pipeline."""
        return self.doing.context.environment


def apply_release(doing: Doing, params: ReleaseDelivery) -> str:
    """Give back what a run holds. Raises TemporaryError, PermanentError, UnknownOutcome: done again, it goes on."""
    ticket = read_ticket(doing.context.environment, params.run or doing.journal.run)
    return "nothing was held" if ticket is None else release(doing, ticket)


def release(doing: Doing, ticket: Ticket) -> str:
    """Redeem a ticket: empty every subscription, let it push as before, and read that back."""
    environment, actor = doing.context.environment, doing.context.actor
    if is_stamped(environment, ticket.run, REDEEMED):
        return "was released already"
    first = stamp(environment, ticket.run, DRAINING, {"by": actor})
    told: list[str] = []
    with written_by(environment, dict.fromkeys((ticket.run, doing.journal.run))) as written:
        for held in ticket.held:
            told.append(give_back(Draining(doing, ticket, held, written, first)))
    stamp(environment, ticket.run, REDEEMED, {"by": actor, "told": list(told)})
    return "; ".join(told)


def give_back(draining: Draining) -> str:
    """Empty one subscription and let it push again."""
    held, delivery = draining.held, draining.environment.delivery
    config = delivery.push_config(held.subscription)
    if config is None:
        return f"{held.trigger}: its subscription is gone, and what waited with it"
    if config:
        return f"{held.trigger}: somebody lets it push already"
    drain(draining)
    delivery.release(held.subscription, dict(held.push_config))
    if delivery.push_config(held.subscription) != held.push_config:
        raise PreconditionFailed(
            f"The delivery of {held.trigger} does not push exactly as before; compare it with the ticket of run "
            f"{draining.ticket.run} and set it by hand."
        )
    left = f", {len(draining.stuck)} left to Eventarc because {held.workflow} is not deployed" if draining.stuck else ""
    return f"{held.trigger}: {draining.dropped} own events dropped, {draining.delivered} others delivered{left}"


def drain(draining: Draining) -> None:
    """Deliver or drop what waits, until nothing has waited for long enough.

    Where somebody else has begun, what they started may be late in listings: it is waited for, and listed before each
    pull. Their lease is over, so nothing new is added to it.
    """
    environment, held = draining.environment, draining.held
    listener = Listener(held.trigger, held.workflow, held.subscription, held.pattern)
    expected = draining.written.count(listener.fires)
    if not draining.first:
        time.sleep(environment.policy.settle_seconds)
    # An event may come late, and what a killed process had pulled is out of sight until its ack deadline.
    silence = max(environment.policy.settle_seconds, environment.delivery.ack_deadline_seconds(held.subscription))
    quiet_since = time.monotonic()
    while True:
        draining.doing.check()
        if not draining.first:
            draining.known |= delivered_before(draining)
        events = environment.delivery.pull(held.subscription, PULLED, wait_seconds=min(5.0, silence))
        if any(event.message_id not in draining.stuck for event in events):
            handle(draining, events)
            quiet_since = time.monotonic()
            continue
        if draining.first and draining.dropped >= expected > 0:
            return
        if time.monotonic() - quiet_since >= silence:
            return
        time.sleep(environment.policy.poll_seconds)


def handle(draining: Draining, events: list[HeldEvent]) -> None:
    """One pull: drop what is the restore's own, deliver the rest as long as there is time."""
    own = [event for event in events if is_own(draining, event)]
    mine = {event.ack_id for event in own}
    acknowledge(draining, own)
    draining.dropped += len(own)
    until = time.monotonic() + BATCH_SECONDS
    for event in events:
        if event.ack_id in mine or event.message_id in draining.stuck:
            continue
        if time.monotonic() > until:
            return
        draining.doing.check()
        deliver(draining, event)


def is_own(draining: Draining, event: HeldEvent) -> bool:
    """Whether it is about a generation that the run wrote as data."""
    return event.bucket == draining.environment.data_bucket and (event.name, event.generation) in draining.written


def acknowledge(draining: Draining, events: list[HeldEvent]) -> None:
    """Take events out of the subscription."""
    if events:
        draining.environment.delivery.acknowledge(draining.held.subscription, [event.ack_id for event in events])


def deliver(draining: Draining, event: HeldEvent) -> None:
    """Start the trigger's workflow with the event, unless that was done, and take the event out."""
    label = label_of(draining.held, event)
    if label not in draining.known:
        draining.doing.confirm()
        try:
            start(draining, event, label)
        except NotFound:
            draining.stuck.add(event.message_id)
            return
        draining.known.add(label)
        draining.delivered += 1
        time.sleep(1 / draining.environment.backup.release_per_second)
    acknowledge(draining, [event])


def start(draining: Draining, event: HeldEvent, label: str) -> None:
    """Start one execution; after an unknown outcome look for it. Raises UnknownOutcome when it cannot be found."""
    workflows, policy = draining.environment.workflows, draining.environment.policy
    try:
        workflows.start(draining.held.workflow, argument_of(event), labels={EVENT_LABEL: label})
    except UnknownOutcome:
        until = time.monotonic() + policy.settle_seconds
        while label not in delivered_before(draining):
            if time.monotonic() > until:
                raise
            time.sleep(policy.poll_seconds)


def delivered_before(draining: Draining) -> set[str]:
    """The events of which executions were started since the hold."""
    since = draining.ticket.made_at - CLOCK_SKEW
    found = draining.environment.workflows.executions(draining.held.workflow, since=since)
    return {one.labels[EVENT_LABEL] for one in found if EVENT_LABEL in one.labels}


def label_of(held: Held, event: HeldEvent) -> str:
    """The event's identity as a label's value."""
    return hashlib.sha256(f"{held.subscription}/{event.message_id}".encode()).hexdigest()[:40]


def argument_of(event: HeldEvent) -> dict[str, Any]:
    """What the trigger would have started the workflow with: the CloudEvent of the message.

    Google: Eventarc, "Cloud Storage events" (`google.cloud.storage.object.v1.finalized`, source, subject, data).
    """
    try:
        data: object = json.loads(event.data or b"{}")
    except ValueError:
        data = {}
    return {
        "specversion": "1.0",
        "id": event.message_id,
        "source": f"//storage.googleapis.com/projects/_/buckets/{event.bucket}",
        "subject": f"objects/{event.name}",
        "type": "google.cloud.storage.object.v1.finalized",
        "time": event.attributes.get("eventTime") or event.publish_time.isoformat(),
        "datacontenttype": "application/json",
        "bucket": event.bucket,
        "data": data,
    }
