"""Pub/Sub subscriptions of the sandbox, asked by Google's own clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import PushConfig, Subscription

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET, LOCATION
from deployments.sandbox.services.pubsub_push import PushSubscription
from tests.sandbox.service_world import World, services

SUBSCRIPTION = "projects/sandbox-project/subscriptions/eventarc-us-central1-usd-assembly-trigger-sub-000"
FLOW = "usd-assembly-pipeline"
MARKER = "scenes/a/assets/.regen3d_complete"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def modify(world: World, config: PushConfig) -> None:
    world.subscriber_client.modify_push_config(subscription=SUBSCRIPTION, push_config=config)


def pull(world: World, most: int = 10) -> list[str]:
    """The ack ids of what could be pulled."""
    found = world.subscriber_client.pull(subscription=SUBSCRIPTION, max_messages=most)
    return [one.ack_id for one in found.received_messages]


def started(world: World) -> int:
    return len(list(world.workflows.executions.newest_first(FLOW)))


def test_a_trigger_names_its_subscription_which_names_its_topic(world: World) -> None:
    triggers = list(world.eventarc_client.list_triggers(parent=LOCATION))
    listed = {one.name: one for one in world.subscriber_client.list_subscriptions(project="projects/sandbox-project")}
    assert {one.transport.pubsub.subscription for one in triggers} == set(listed)
    for trigger in triggers:
        found = world.subscriber_client.get_subscription(subscription=trigger.transport.pubsub.subscription)
        assert found.topic == trigger.transport.pubsub.topic
        assert trigger.destination.workflow in found.push_config.push_endpoint
        assert (found.state, found.message_retention_duration) == (Subscription.State.ACTIVE, timedelta(days=1))


def test_an_event_waits_while_nothing_is_pushed_and_is_delivered_when_it_is_again(world: World) -> None:
    config = world.subscriber_client.get_subscription(subscription=SUBSCRIPTION).push_config
    modify(world, PushConfig())
    assert world.subscriber_client.get_subscription(subscription=SUBSCRIPTION).push_config == PushConfig()
    version = world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert started(world) == 0
    modify(world, config)
    (execution,) = world.workflows.executions.newest_first(FLOW)
    assert json.loads(execution.argument)["data"]["generation"] == str(version.generation)


def test_other_triggers_go_on_while_one_is_held(world: World) -> None:
    modify(world, PushConfig())
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert list(world.workflows.executions.newest_first("genie-sim-export-pipeline"))
    assert started(world) == 0


def test_a_waiting_message_is_cloud_storages_own_notification(world: World) -> None:
    modify(world, PushConfig())
    version = world.store.put(DATA_BUCKET, MARKER, b"{}")
    (received,) = world.subscriber_client.pull(subscription=SUBSCRIPTION, max_messages=10).received_messages
    attributes = dict(received.message.attributes)
    assert (attributes["eventType"], attributes["bucketId"]) == ("OBJECT_FINALIZE", DATA_BUCKET)
    assert (attributes["objectId"], attributes["objectGeneration"]) == (MARKER, str(version.generation))
    assert json.loads(received.message.data)["name"] == MARKER


def test_a_pulled_message_is_outstanding_and_an_acknowledged_one_is_gone(world: World) -> None:
    config = world.subscriber_client.get_subscription(subscription=SUBSCRIPTION).push_config
    modify(world, PushConfig())
    for _ in range(2):
        world.store.put(DATA_BUCKET, MARKER, b"{}")
    (first,) = pull(world, 1)
    (second,) = pull(world)
    assert pull(world) == []
    world.subscriber_client.acknowledge(subscription=SUBSCRIPTION, ack_ids=[first, "ack-unknown"])
    assert second != first
    modify(world, config)
    assert started(world) == 1


def test_delivery_at_least_once_holds_each_event_twice(world: World) -> None:
    world.eventarc.copies = 2
    modify(world, PushConfig())
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert len(pull(world)) == 2


def test_what_pushes_cannot_be_pulled(world: World) -> None:
    with pytest.raises(exceptions.FailedPrecondition):
        pull(world)


def test_a_subscription_goes_with_its_trigger(world: World) -> None:
    modify(world, PushConfig())
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    world.eventarc.deployed.put("usd-assembly-trigger", False)
    with pytest.raises(exceptions.NotFound):
        pull(world)
    world.eventarc.deployed.put("usd-assembly-trigger", True)
    modify(world, PushConfig())
    assert pull(world) == []


def test_only_a_lost_answer_to_a_change_has_an_effect(world: World) -> None:
    for kind, held in (("reset", False), ("lost_answer", True)):
        world.faults.add(FaultRule(service="pubsub", method="ModifyPushConfig", kind=kind, times=1))
        with pytest.raises(exceptions.ServiceUnavailable):
            world.subscriber_client.modify_push_config(
                subscription=SUBSCRIPTION, push_config=PushConfig(), retry=None, timeout=60
            )
        found = world.subscriber_client.get_subscription(subscription=SUBSCRIPTION)
        assert (not found.push_config.push_endpoint) == held


def test_a_subscription_that_pushes_to_a_receiver_is_told_as_it_is_and_changed_by_nobody(world: World) -> None:
    plain = PushSubscription(name="plain", url="http://127.0.0.1:9/pubsub", backs_off=False)
    whole = PushSubscription(name="whole", url="http://127.0.0.1:9/pubsub", account="a@b.c", dead_letter_topic="second")
    world.eventarc.subscriptions.pushing = lambda: [plain, whole]
    client, project = world.subscriber_client, "projects/sandbox-project"
    found = client.get_subscription(subscription=f"{project}/subscriptions/whole")
    assert (found.topic, found.push_config.push_endpoint) == (f"{project}/topics/sandbox-events", whole.url)
    assert found.push_config.oidc_token.service_account_email == "a@b.c"
    assert found.dead_letter_policy.dead_letter_topic == f"{project}/topics/second"
    assert found.retry_policy.maximum_backoff == timedelta(seconds=10)
    bare = client.get_subscription(subscription=plain.full_name)
    assert not {"retry_policy", "dead_letter_policy"} & {one.name for one, _ in Subscription.pb(bare).ListFields()}
    assert not bare.push_config.oidc_token.service_account_email
    names = {one.name for one in client.list_subscriptions(project=project)}
    assert {plain.full_name, whole.full_name, SUBSCRIPTION} <= names
    assert world.eventarc.subscriptions.has(plain.full_name)
    for ask in (
        lambda: client.modify_push_config(subscription=plain.full_name, push_config=PushConfig()),
        lambda: client.pull(subscription=plain.full_name, max_messages=1),
    ):
        with pytest.raises(exceptions.MethodNotImplemented, match="receiver"):
            ask()
