"""Delivery is held only as it was seen, after its ticket is there, and what is written under it asks again and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.delivery.hold import cannot_hold, check_held, work_on
from tasks.delivery.kinds import hold_delivery
from tasks.delivery.tickets import DRAINING, REDEEMED, open_ticket, read_ticket, stamp, ticket_name
from tasks.remediation.context import Context
from tasks.remediation.outcome import Stopped
from tests.blocks.test_gke import manifest
from tests.delivery.world import TRIGGER, give_back, held, holding, one_listener
from tests.kernel.world import policies
from tests.remediation.world import apply

OPS = "sandbox-ops"


def test_a_hold_writes_its_ticket_and_stops_the_pushing(context: Context, sandbox: Sandbox) -> None:
    environment = context.environment
    one = one_listener(environment, sandbox)
    before = environment.delivery.push_config(one.subscription)
    acting = holding(context, one, stays=True)
    assert apply(hold_delivery, acting).endswith(f" UTC: {TRIGGER}")
    ticket = open_ticket(environment, acting.journal.run)
    assert ticket is not None
    assert (ticket.held[0].push_config, ticket.held[0].pattern, ticket.stays) == (before, one.pattern, True)
    assert (ticket.lease, ticket.owner) == ("@restore", "a test")
    assert environment.delivery.push_config(one.subscription) == {}


def test_holding_again_after_a_kill_keeps_the_ticket_and_what_it_says(context: Context, sandbox: Sandbox) -> None:
    acting = held(context, sandbox)
    first = read_ticket(context.environment, acting.journal.run)
    apply(hold_delivery, acting)
    assert read_ticket(context.environment, acting.journal.run) == first


def test_nothing_is_held_while_its_ticket_cannot_be_written(context: Context, sandbox: Sandbox) -> None:
    acting = holding(context, one_listener(context.environment, sandbox))
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", status=403))
    sandbox.requests.reset()
    with pytest.raises(PermanentError):
        apply(hold_delivery, acting)
    assert sandbox.requests.count("pubsub", "ModifyPushConfig") == 0


@pytest.mark.parametrize("what", [DRAINING, REDEEMED])
def test_what_somebody_has_begun_to_give_back_is_not_held_again(context: Context, sandbox: Sandbox, what: str) -> None:
    acting = held(context, sandbox)
    stamp(context.environment, acting.journal.run, what, {})
    with pytest.raises(PermanentError, match=r"has begun to give back what run .* holds; plan again"):
        apply(hold_delivery, acting)


def test_the_switch_stops_it_before_the_first_subscription(context: Context, sandbox: Sandbox) -> None:
    one = one_listener(context.environment, sandbox)
    acting = holding(context, one)
    policies(context.environment, kill_switch=["by ann: fire"])
    context._asked = float("-inf")
    with pytest.raises(Stopped):
        apply(hold_delivery, acting)
    assert context.environment.delivery.push_config(one.subscription)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("unknown", "names no subscription"),
        ("gone", "does not exist"),
        ("held", "is held already; no ticket says by whom"),
        ("ticket", "is held already; the delivery of objects-trigger is held by run"),
        ("silent", "cannot be held: "),
    ],
)
def test_each_reason_why_a_delivery_cannot_be_held_is_said_and_stops_the_hold(
    context: Context, sandbox: Sandbox, how: str, says: str
) -> None:
    environment = context.environment
    one = one_listener(environment, sandbox)
    assert cannot_hold(environment, [one]) == []
    if how == "unknown":
        one = replace(one, subscription="")
    elif how == "gone":
        one = replace(one, subscription="projects/sandbox-project/subscriptions/none")
    elif how == "held":
        environment.delivery.hold(one.subscription)
    elif how == "ticket":
        apply(hold_delivery, holding(context, one))
    else:
        sandbox.faults.add(FaultRule(service="pubsub", method="GetSubscription", kind="status", status=403))
    (reason,) = cannot_hold(environment, [one])
    assert says in reason
    acting = holding(context, one)
    with pytest.raises(PermanentError):
        apply(hold_delivery, acting)
    assert read_ticket(environment, acting.journal.run) is None


def test_a_run_without_a_ticket_may_write(environment: PipelineEnvironment) -> None:
    check_held(environment, "no-such-run")


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("late", "had to be over by"),
        ("pushes", f"delivery of {TRIGGER} is not held any more"),
        ("begun", "gave it back"),
    ],
)
def test_what_is_written_under_a_hold_ends_with_it(context: Context, sandbox: Sandbox, how: str, says: str) -> None:
    environment, acting = context.environment, held(context, sandbox)
    run = acting.journal.run
    check_held(environment, run)
    ticket = read_ticket(environment, run)
    assert ticket is not None
    if how == "late":
        over = ticket.model_copy(update={"deadline": datetime.now(UTC) - timedelta(seconds=1)})
        sandbox.store.put(OPS, ticket_name(run), over.model_dump_json().encode())
    elif how == "pushes":
        environment.delivery.release(ticket.held[0].subscription, dict(ticket.held[0].push_config))
    else:
        stamp(environment, run, DRAINING, {})
    with pytest.raises(PermanentError, match=says):
        check_held(environment, run)


@pytest.mark.parametrize(
    ("scene", "waits", "stopped"),
    [("", True, True), ("kitchen_1", True, True), ("other", True, False), ("", False, False)],
)
def test_what_runs_on_its_scope_is_waited_for_so_long_and_then_it_gives_up(
    context: Context, sandbox: Sandbox, scene: str, waits: bool, stopped: bool
) -> None:
    sandbox.cluster.create("blueprint", manifest("geniesim-gpu-kitchen-1-1700000000"))
    one = one_listener(context.environment, sandbox)
    context.environment.policy.wait_seconds = 0.05
    acting = holding(context, one, scene=scene, waits=waits)
    if stopped:
        with pytest.raises(PermanentError, match="still at work on kitchen_1 after 0 s; nothing was changed"):
            apply(hold_delivery, acting)
    else:
        apply(hold_delivery, acting)
    assert bool(work_on(context, scene)) == (scene in ("", "kitchen_1"))


def test_it_goes_on_once_that_has_ended(context: Context, sandbox: Sandbox) -> None:
    name = "geniesim-gpu-kitchen-1-1700000000"
    sandbox.cluster.create("blueprint", manifest(name))
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        sandbox.cluster.set_state("blueprint", name, "succeeded")

    context.say = say
    held(context, sandbox)
    assert f"waiting for GKE Job {name}" in said[0]


def test_a_hold_that_was_given_back_is_open_no_more(context: Context, sandbox: Sandbox) -> None:
    acting = held(context, sandbox)
    before = read_ticket(context.environment, acting.journal.run)
    assert before is not None
    give_back(context, acting.journal.run)
    assert open_ticket(context.environment, acting.journal.run) is None
    config = context.environment.delivery.push_config(before.held[0].subscription)
    assert config == before.held[0].push_config
