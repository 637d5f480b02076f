"""One trigger whose delivery is held and given back, without any procedure around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.hold import HoldDelivery
from tasks.delivery.kinds import hold_delivery, release_action, release_delivery
from tasks.delivery.listeners import Listener, listeners
from tasks.delivery.release import ReleaseDelivery
from tasks.delivery.tickets import Held, Ticket
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tests.intake.world import only
from tests.remediation.world import apply, begun, doing

TRIGGER, WORKFLOW = "objects-trigger", "objects-pipeline"
LAYOUT = "scenes/a/layout/scene_layout.json"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def one_listener(environment: PipelineEnvironment, sandbox: Sandbox) -> Listener:
    """The only trigger there is; what waits behind it comes again after a moment."""
    only(sandbox, TRIGGER)
    sandbox.eventarc.subscriptions.backlog(TRIGGER).ack_deadline = 0.2
    environment.policy.settle_seconds = 0.3  # longer than what was pulled stays out of sight
    environment.policy.poll_seconds = 0.02
    environment.policy.release_per_minute = 60_000.0
    (found,) = listeners(environment)
    return found


def holding(context: Context, *found: Listener, **more: Any) -> Doing:
    """The action that holds them, in a run that has begun."""
    return doing(context, hold_delivery, HoldDelivery(listeners=found, **more), "@restore")


def held(context: Context, sandbox: Sandbox, **more: Any) -> Doing:
    """The only trigger is held; the action that did it."""
    acting = holding(context, one_listener(context.environment, sandbox), **more)
    apply(hold_delivery, acting)
    return acting


def releasing(context: Context, run: str, triggers: str = TRIGGER) -> Doing:
    """The action by which another run gives that run's hold back."""
    return begun(context, release_action(ReleaseDelivery(run=run), triggers), "@restore")


def give_back(context: Context, run: str) -> str:
    """Give that run's hold back; what was told."""
    return apply(release_delivery, releasing(context, run))


def ticket(run: str = "r", **more: Any) -> Ticket:
    """A ticket of some run."""
    one = Held(trigger="t", workflow="w", subscription="s", push_config={"pushEndpoint": "https://example.com/"})
    told = {"run": run, "subject": "a", "owner": "ann", "made_at": NOW, "deadline": NOW + timedelta(hours=12)}
    return Ticket.model_validate(told | {"held": (one,)} | more)
