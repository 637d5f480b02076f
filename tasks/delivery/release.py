"""Give delivery back: the run's own events are dropped, everybody else's delivered one by one, then it pushes again.

All subscriptions of a ticket are emptied side by side and at one rate. Anybody can do it from the ticket alone, and go on
where somebody was killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PreconditionFailed
from blocks.held_event import HeldEvent
from tasks.delivery.deliver import argument_of, deliver_once, delivered_since, label_for
from tasks.delivery.listeners import Listener
from tasks.delivery.own_writes import OwnWrites, written_by
from tasks.delivery.pace import Pace
from tasks.delivery.tickets import DRAINING, REDEEMED, Held, Ticket, is_stamped, read_ticket, stamp
from tasks.remediation.kind import Doing, Params

PULLED = 500
"""Events looked at together at most."""
BATCH_SECONDS = 5.0
"""What was pulled and not delivered within this time comes again: Pub/Sub's ack deadline is 10 s or more."""
LOOK_SECONDS = 1.0
"""How long a pull waits for a first event: with many subscriptions side by side, not longer."""
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
    pace: Pace
    """Shared with the others."""
    expected: int = 0
    """How many events of the run's own may be among what waits."""
    silence: float = 0.0
    """Seconds without an event after which it counts as empty."""
    last_seen: float = field(default_factory=time.monotonic)
    """When something came last."""
    quiet: float = 0.0
    """Seconds after that at which a look found nothing."""
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

    @property
    def most(self) -> int:
        """How many to look at together: what there is time to deliver, and more while own events are to be dropped."""
        in_time = max(1, int(self.pace.per_second * BATCH_SECONDS))
        return PULLED if self.dropped < self.expected else min(PULLED, in_time)

    @property
    def empty(self) -> bool:
        """Whether all of its own events were dropped, or nothing has come for long enough."""
        if self.first and self.dropped >= self.expected > 0:
            return True
        return self.quiet >= self.silence

    @property
    def told(self) -> str:
        """What became of what waited."""
        left = (
            f", {len(self.stuck)} left to Eventarc because {self.held.workflow} is not deployed" if self.stuck else ""
        )
        return f"{self.held.trigger}: {self.dropped} own events dropped, {self.delivered} others delivered{left}"


def apply_release(doing: Doing, params: ReleaseDelivery) -> str:
    """Give back what a run holds. Raises TemporaryError, PermanentError, UnknownOutcome: done again, it goes on."""
    ticket = read_ticket(doing.context.environment, params.run or doing.journal.run)
    return "nothing was held" if ticket is None else release(doing, ticket)


def release(doing: Doing, ticket: Ticket) -> str:
    """Redeem a ticket: empty every subscription, let it push as before, and read that back."""
    context, environment = doing.context, doing.context.environment
    if is_stamped(environment, ticket.run, REDEEMED):
        return "was released already"
    first = stamp(environment, ticket.run, DRAINING, {"by": context.actor})
    pace, told, draining = Pace(lambda: context.policy().release_per_minute), dict[str, str](), list[Draining]()
    with written_by(environment, dict.fromkeys((ticket.run, doing.journal.run))) as written:
        for held in ticket.held:
            told[held.subscription] = found = given_back_already(environment, held)
            draining += [] if found else [prepared(Draining(doing, ticket, held, written, first, pace))]
        if draining and not first:
            time.sleep(environment.policy.settle_seconds)
        for one in drained(draining):
            push_again(one)
            told[one.held.subscription] = one.told
    stamp(environment, ticket.run, REDEEMED, {"by": context.actor, "told": list(told.values())})
    return "; ".join(told.values())


def given_back_already(environment: PipelineEnvironment, held: Held) -> str:
    """Why there is nothing to do for a subscription; empty when it is held."""
    config = environment.delivery.push_config(held.subscription)
    if config is None:
        return f"{held.trigger}: its subscription is gone, and what waited with it"
    return f"{held.trigger}: somebody lets it push already" if config else ""


def prepared(one: Draining) -> Draining:
    """What must be known of a subscription before it is emptied."""
    environment, held = one.environment, one.held
    one.expected = one.written.count(Listener(held.trigger, held.workflow, held.subscription, held.pattern).fires)
    # An event may come late, and what a killed process had pulled is out of sight until its ack deadline.
    one.silence = max(environment.policy.settle_seconds, environment.delivery.ack_deadline_seconds(held.subscription))
    return one


def drained(draining: list[Draining]) -> Iterable[Draining]:
    """Deliver or drop what waits, in turn; each subscription as soon as nothing has waited in it for long enough.

    Where somebody else has begun, what they started may be late in listings: it was waited for, and is listed before each
    pull. Their lease is over, so nothing new is added to it.
    """
    left = list(draining)
    while left:
        seen = [look(one) for one in left]
        for one in [one for one in left if one.empty]:
            left.remove(one)
            yield one
        if left and not any(seen):
            time.sleep(left[0].environment.policy.poll_seconds)


def look(one: Draining) -> bool:
    """One pull and what came of it; whether anything came."""
    one.doing.check()
    if not one.first:
        one.known |= delivered_since(one.environment, one.held.workflow, one.ticket.made_at - CLOCK_SKEW)
    began = time.monotonic()
    events = one.environment.delivery.pull(one.held.subscription, one.most, wait_seconds=LOOK_SECONDS)
    if not any(event.message_id not in one.stuck for event in events):
        one.quiet = began - one.last_seen
        return False
    handle(one, events)
    one.last_seen, one.quiet = time.monotonic(), 0.0
    return True


def push_again(one: Draining) -> None:
    """Let an emptied subscription push exactly as before. Raises PreconditionFailed when it then pushes otherwise."""
    held, delivery = one.held, one.environment.delivery
    delivery.release(held.subscription, dict(held.push_config))
    if delivery.push_config(held.subscription) != held.push_config:
        raise PreconditionFailed(
            f"The delivery of {held.trigger} does not push exactly as before; compare it with the ticket of run "
            f"{one.ticket.run} and set it by hand."
        )


def handle(draining: Draining, events: list[HeldEvent]) -> None:
    """One pull: take out what is the run's own and what was delivered, and deliver the rest as long as there is time."""
    own = [event for event in events if is_own(draining, event)]
    mine = {event.ack_id for event in own}
    again = [event for event in events if event.ack_id not in mine and label_of(draining, event) in draining.known]
    acknowledge(draining, [*own, *again])
    draining.dropped += len(own)
    done, until = mine | {event.ack_id for event in again}, time.monotonic() + BATCH_SECONDS
    for event in events:
        if event.ack_id in done or event.message_id in draining.stuck:
            continue
        if time.monotonic() > until:
            return
        draining.doing.check()
        deliver(draining, event)


def label_of(draining: Draining, event: HeldEvent) -> str:
    """The event's identity."""
    return label_for(draining.held.subscription, event.message_id)


def is_own(draining: Draining, event: HeldEvent) -> bool:
    """Whether it is about a generation that the run wrote as data."""
    return event.bucket == draining.environment.data_bucket and (event.name, event.generation) in draining.written


def acknowledge(draining: Draining, events: list[HeldEvent]) -> None:
    """Take events out of the subscription."""
    if events:
        draining.environment.delivery.acknowledge(draining.held.subscription, [event.ack_id for event in events])


def deliver(draining: Draining, event: HeldEvent) -> None:
    """Start the trigger's workflow with the event, and take the event out."""
    held, since, label = draining.held, draining.ticket.made_at - CLOCK_SKEW, label_of(draining, event)
    draining.pace.wait()
    draining.doing.confirm()
    try:
        deliver_once(draining.environment, held.workflow, argument_of(event), label, since)
    except NotFound:
        draining.stuck.add(event.message_id)
        return
    draining.known.add(label)
    draining.delivered += 1
    acknowledge(draining, [event])
