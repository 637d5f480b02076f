"""Holding the delivery of events with a real client against the sandbox, with and without faults."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from google.pubsub_v1 import PubsubMessage, ReceivedMessage

from blocks.calls import CallLimits
from blocks.delivery import EventDelivery
from blocks.errors import NotFound, PermanentError, TemporaryError
from blocks.held_event import held_event
from blocks.triggers import PipelineTriggers
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

TRIGGER = "usd-assembly-trigger"
FLOW = "usd-assembly-pipeline"
BUCKET = "sandbox-scenes"
_scenes = count(1)


@pytest.fixture
def subscription(triggers: PipelineTriggers, sandbox: Sandbox) -> Iterator[str]:
    """The subscription of a trigger that listens for one name. Another test finds a new one."""
    name = next(one.subscription for one in triggers.list() if one.name == TRIGGER)
    yield name
    sandbox.eventarc.deployed.put(TRIGGER, False)
    sandbox.eventarc.deployed.put(TRIGGER, True)


def write(sandbox: Sandbox) -> tuple[str, int]:
    """Write an object the trigger listens for; its name and generation."""
    name = f"scenes/held_{next(_scenes)}/assets/.regen3d_complete"
    return name, sandbox.store.put(BUCKET, name, b"{}").generation


def started_for(sandbox: Sandbox, name: str) -> int:
    found = sandbox.workflows.executions.newest_first(FLOW)
    return sum(1 for one in found if json.loads(one.argument)["data"]["name"] == name)


def test_every_trigger_has_a_subscription_that_pushes_and_keeps_for_a_day(
    triggers: PipelineTriggers, delivery: EventDelivery
) -> None:
    for trigger in triggers.list():
        config = delivery.push_config(trigger.subscription)
        assert config is not None
        assert f"/workflows/{trigger.workflow}:" in config["pushEndpoint"]
        assert config["oidcToken"]["serviceAccountEmail"]
        assert json.loads(json.dumps(config)) == config
        assert delivery.retention_seconds(trigger.subscription) == 24 * 3600
        assert delivery.ack_deadline_seconds(trigger.subscription) == 10


def test_while_delivery_is_held_nothing_starts_and_releasing_starts_everything_once(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    config = delivery.push_config(subscription)
    assert config
    delivery.hold(subscription)
    assert delivery.push_config(subscription) == {}
    names = [write(sandbox)[0] for _ in range(3)]
    assert [started_for(sandbox, name) for name in names] == [0, 0, 0]
    delivery.release(subscription, config)
    assert delivery.push_config(subscription) == config
    assert [started_for(sandbox, name) for name in names] == [1, 1, 1]
    after, _ = write(sandbox)
    assert started_for(sandbox, after) == 1


def test_a_held_event_says_which_object_was_written(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    before = datetime.now(UTC)
    delivery.hold(subscription)
    name, generation = write(sandbox)
    (event,) = delivery.pull(subscription)
    assert (event.event_type, event.bucket, event.name, event.generation) == (
        "OBJECT_FINALIZE",
        BUCKET,
        name,
        generation,
    )
    assert json.loads(event.data)["generation"] == str(generation)
    assert before - timedelta(seconds=1) < event.publish_time <= datetime.now(UTC)
    assert event.message_id


def test_an_acknowledged_event_is_never_delivered(delivery: EventDelivery, subscription: str, sandbox: Sandbox) -> None:
    config = delivery.push_config(subscription)
    assert config
    delivery.hold(subscription)
    dropped, kept = write(sandbox)[0], write(sandbox)[0]
    events = {event.name: event for event in delivery.pull(subscription)}
    delivery.acknowledge(subscription, [events[dropped].ack_id])
    delivery.acknowledge(subscription, [events[dropped].ack_id])
    delivery.release(subscription, config)
    assert (started_for(sandbox, dropped), started_for(sandbox, kept)) == (0, 1)


def test_an_event_that_was_pulled_does_not_come_again_before_its_time(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    sandbox.eventarc.subscriptions.backlog(TRIGGER).ack_deadline = 600.0
    delivery.hold(subscription)
    write(sandbox)
    assert len(delivery.pull(subscription)) == 1
    assert delivery.pull(subscription) == []


def test_an_event_that_is_not_acknowledged_in_time_comes_again(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    sandbox.eventarc.subscriptions.backlog(TRIGGER).ack_deadline = 0.2
    delivery.hold(subscription)
    write(sandbox)
    (first,) = delivery.pull(subscription)
    time.sleep(0.25)
    delivery.acknowledge(subscription, [first.ack_id])  # too late
    (again,) = delivery.pull(subscription)
    assert (again.message_id, again.ack_id != first.ack_id) == (first.message_id, True)


def test_no_more_events_are_pulled_than_asked_for(delivery: EventDelivery, subscription: str, sandbox: Sandbox) -> None:
    delivery.hold(subscription)
    names = [write(sandbox)[0] for _ in range(5)]
    pulled = [[event.name for event in delivery.pull(subscription, 2)] for _ in range(4)]
    assert pulled == [names[:2], names[2:4], names[4:], []]


def test_an_event_held_longer_than_the_retention_is_lost(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    config = delivery.push_config(subscription)
    assert config
    sandbox.eventarc.subscriptions.backlog(TRIGGER).retention = timedelta(seconds=0.1)
    delivery.hold(subscription)
    name, _ = write(sandbox)
    time.sleep(0.15)
    delivery.release(subscription, config)
    assert started_for(sandbox, name) == 0


def test_deleting_the_trigger_loses_subscription_and_backlog(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    delivery.hold(subscription)
    name, _ = write(sandbox)
    sandbox.eventarc.deployed.put(TRIGGER, False)
    assert delivery.push_config(subscription) is None
    sandbox.eventarc.deployed.put(TRIGGER, True)
    assert delivery.push_config(subscription)
    assert started_for(sandbox, name) == 0


def test_holding_and_releasing_twice_is_doing_it_once(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    config = delivery.push_config(subscription)
    assert config
    delivery.hold(subscription)
    name, _ = write(sandbox)
    delivery.hold(subscription)
    delivery.release(subscription, config)
    delivery.release(subscription, config)
    assert started_for(sandbox, name) == 1


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
def test_one_fault_is_not_noticed(delivery: EventDelivery, subscription: str, sandbox: Sandbox, kind: str) -> None:
    delivery.limits = CallLimits(attempts=3, total_seconds=10.0, call_seconds=0.4, first_wait_seconds=0.01)
    rule = {"service": "pubsub", "method": "ModifyPushConfig", "kind": kind, "seconds": 1.0, "times": 1}
    config = delivery.push_config(subscription)
    assert config
    sandbox.faults.add(FaultRule.model_validate(rule))
    delivery.hold(subscription)
    name, _ = write(sandbox)
    assert started_for(sandbox, name) == 0
    sandbox.faults.add(FaultRule.model_validate(rule))
    delivery.release(subscription, config)
    assert started_for(sandbox, name) == 1


def test_a_service_that_is_silent_while_we_wait_for_events_has_none(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    delivery.hold(subscription)
    sandbox.faults.add(FaultRule(service="pubsub", method="Pull", kind="latency", seconds=2.0, times=1))
    assert delivery.pull(subscription, wait_seconds=0.1) == []


def test_what_pushes_cannot_be_pulled(delivery: EventDelivery, subscription: str) -> None:
    with pytest.raises(PermanentError, match=f"look at what waits in {subscription}.*not supported"):
        delivery.pull(subscription)


def test_a_release_to_nowhere_is_refused_before_anything_is_asked(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    sandbox.requests.reset()
    with pytest.raises(ValueError, match="names no pushEndpoint; give the one that was recorded"):
        delivery.release(subscription, {})
    assert not any(name.startswith("pubsub") for name in sandbox.requests.snapshot())


def test_a_subscription_that_is_not_there_is_a_normal_answer_and_cannot_be_held(delivery: EventDelivery) -> None:
    missing = "projects/sandbox-project/subscriptions/no-such"
    assert delivery.push_config(missing) is None
    with pytest.raises(NotFound, match=r"hold the delivery of .*its trigger may have been deleted"):
        delivery.hold(missing)


def test_a_service_that_goes_on_failing_is_temporary(
    delivery: EventDelivery, subscription: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="pubsub", kind="reset"))
    with pytest.raises(TemporaryError, match="look at subscription"):
        delivery.push_config(subscription)


def test_a_refusal_names_the_permission_to_grant(delivery: EventDelivery, subscription: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="pubsub", method="ModifyPushConfig", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"grant pubsub\.subscriptions\.update to the account"):
        delivery.hold(subscription)


def test_an_event_in_the_form_of_a_cloudevent_is_understood_too() -> None:
    data = {"bucket": "b", "name": "scenes/a/x", "generation": "7"}
    attributes = {"ce-type": "google.cloud.storage.object.v1.finalized"}
    event = held_event(ReceivedMessage(message=PubsubMessage(data=json.dumps(data).encode(), attributes=attributes)))
    assert (event.event_type, event.bucket, event.name, event.generation) == (
        "google.cloud.storage.object.v1.finalized",
        "b",
        "scenes/a/x",
        7,
    )


@pytest.mark.parametrize("data", [b"", b"not json", b"[1]"])
def test_an_event_about_something_else_names_no_object(data: bytes) -> None:
    event = held_event(ReceivedMessage(message=PubsubMessage(data=data, attributes={"a": "b"})))
    assert (event.bucket, event.name, event.generation, event.data) == ("", "", 0, data)
