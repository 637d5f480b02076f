"""Messages that wait, are lent out and come again; triggers and pushes beyond their first sight."""

from __future__ import annotations

import heapq
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import eventarc_v1
from google.pubsub_v1 import PushConfig

from deployments.sandbox.names import DATA_BUCKET, LOCATION, PROJECT
from deployments.sandbox.services import pubsub_push
from deployments.sandbox.services.event_backlog import RETENTION, Backlog, StorageEvent
from deployments.sandbox.services.pubsub_push import PushDelivery, PushSubscription
from deployments.sandbox.services.push_messages import finalize_message
from deployments.sandbox.services.trigger_table import FINALIZED
from deployments.sandbox.storage.store import ObjectStore, StoredVersion
from tests.sandbox.service_world import World, services

FLOW = f"{LOCATION}/workflows/usd-assembly-pipeline"
NAME = f"{LOCATION}/triggers/usd-assembly-trigger"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/eventarc-us-central1-usd-assembly-trigger-sub-000"
HELD, PUSHING = PushConfig(), PushConfig(push_endpoint="https://example.com")


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def version(name: str = "a") -> StoredVersion:
    store = ObjectStore()
    store.create_bucket(DATA_BUCKET)
    return store.put(DATA_BUCKET, name, b"1")


def filled(count: int = 3, **settings: Any) -> Backlog:
    """A held subscription with messages whose arguments are 0, 1, ..."""
    backlog = Backlog(HELD, **settings)
    for number in range(count):
        assert backlog.keep(StorageEvent(version(str(number)), str(number)))
    return backlog


def aged(backlog: Backlog, by: timedelta, count: int) -> None:
    """Let the first messages have been published some time ago."""
    for one in backlog._waiting[:count]:
        one.message.publish_time = datetime.now(UTC) - by


# One subscription


def test_a_pull_gives_the_oldest_and_no_more_than_asked() -> None:
    backlog = filled()
    first, second = backlog.pull(2), backlog.pull(2)
    assert [len(first), len(second), len(backlog.pull(2))] == [2, 1, 0]
    names = [one.message.attributes["objectId"] for one in (*first, *second)]
    assert names == ["0", "1", "2"]


def test_a_message_comes_again_under_another_id_when_its_deadline_has_passed() -> None:
    backlog = filled(1, ack_deadline=0.0)
    (first,), (second,) = backlog.pull(1), backlog.pull(1)
    assert (first.message.message_id, first.ack_id == second.ack_id) == (second.message.message_id, False)
    backlog.ack_deadline = 60.0
    (third,) = backlog.pull(1)
    backlog.acknowledge([first.ack_id, second.ack_id])
    assert len(backlog._waiting) == 1, "an old id acknowledges nothing"
    backlog.acknowledge([third.ack_id])
    assert backlog._waiting == []


def test_an_acknowledgement_after_the_deadline_is_ignored() -> None:
    backlog = filled(1, ack_deadline=0.0)
    (one,) = backlog.pull(1)
    backlog.acknowledge([one.ack_id])
    assert len(backlog.pull(1)) == 1


def test_a_message_waits_no_longer_than_it_is_kept() -> None:
    backlog = filled()
    aged(backlog, RETENTION + timedelta(seconds=1), 2)
    assert [one.message.attributes["objectId"] for one in backlog.pull(9)] == ["2"]
    backlog = filled()
    aged(backlog, RETENTION + timedelta(seconds=1), 2)
    assert [event.argument for event in backlog.configure(PUSHING)] == ["2"]


def test_what_waits_is_pushed_once_and_in_order() -> None:
    backlog = filled()
    backlog.pull(1)  # what is outstanding comes too
    assert [event.argument for event in backlog.configure(PUSHING)] == ["0", "1", "2"]
    assert backlog.configure(PUSHING) == []
    assert not backlog.keep(StorageEvent(version(), "3")), "it is to be pushed at once"


def test_a_seek_keeps_what_was_published_at_that_very_time_and_lends_it_anew() -> None:
    backlog = filled()
    pulled = backlog.pull(9)
    backlog.seek(backlog._waiting[1].message.publish_time)
    backlog.acknowledge([one.ack_id for one in pulled])
    assert [one.message.attributes["objectId"] for one in backlog.pull(9)] == ["1", "2"]


def test_a_detached_subscription_keeps_nothing_even_when_it_pushes() -> None:
    backlog = Backlog(PUSHING)
    backlog.detach()
    assert backlog.keep(StorageEvent(version(), "0")), "it is lost, not pushed"
    assert backlog._waiting == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.acknowledge(subscription=SUBSCRIPTION, ack_ids=["a"]),
        lambda client: client.pull(subscription=SUBSCRIPTION, max_messages=1),
        lambda client: client.modify_push_config(subscription=SUBSCRIPTION, push_config=PUSHING),
        lambda client: client.seek(request={"subscription": SUBSCRIPTION, "time": datetime.now(UTC)}),
    ],
)
def test_nothing_is_done_with_a_detached_subscription(world: World, ask: Callable[[Any], Any]) -> None:
    world.publisher_client.detach_subscription(request={"subscription": SUBSCRIPTION})
    with pytest.raises(exceptions.FailedPrecondition, match="detached"):
        ask(world.subscriber_client)


def test_a_subscription_that_somebody_deleted_is_not_found_though_its_trigger_is_there(world: World) -> None:
    world.eventarc.subscriptions.deleted.add(SUBSCRIPTION)
    with pytest.raises(exceptions.NotFound):
        world.subscriber_client.get_subscription(subscription=SUBSCRIPTION)
    assert not world.eventarc.subscriptions.has(SUBSCRIPTION)
    assert world.eventarc_client.get_trigger(name=NAME).transport.pubsub.subscription == SUBSCRIPTION


def test_a_notification_names_its_configuration() -> None:
    attributes, data = finalize_message(version("x"))
    assert attributes["notificationConfig"] == f"projects/_/buckets/{DATA_BUCKET}/notificationConfigs/1"
    assert (attributes["payloadFormat"], data["name"]) == ("JSON_API_V1", "x")


# Triggers


def test_a_trigger_keeps_what_it_is_told_and_gets_what_it_is_not(world: World) -> None:
    filters = [{"attribute": "type", "value": FINALIZED}, {"attribute": "bucket", "value": "b"}]
    told = {"event_data_content_type": "application/protobuf", "service_account": "me@p.iam.gserviceaccount.com"}
    for short, more, kind, account in (
        ("told", told, "application/protobuf", "me@p.iam.gserviceaccount.com"),
        ("plain", {}, "application/json", f"workflow-invoker@{PROJECT}.iam.gserviceaccount.com"),
    ):
        wanted = eventarc_v1.Trigger(event_filters=filters, destination={"workflow": FLOW}, **more)
        request = {"parent": LOCATION, "trigger": wanted, "trigger_id": short}
        made = world.eventarc_client.create_trigger(request=request).result(timeout=60)
        assert made.event_data_content_type == kind
        subscription = made.transport.pubsub.subscription
        config = world.subscriber_client.get_subscription(subscription=subscription).push_config
        assert config.oidc_token.service_account_email == account


def test_of_two_that_make_the_same_trigger_one_wins(world: World) -> None:
    message = world.eventarc_client.get_trigger(name=NAME)
    first = world.eventarc.deployed.add(f"{LOCATION}/triggers/mine", message)
    assert first is not None and world.eventarc.deployed.add(f"{LOCATION}/triggers/mine", message) is None
    assert world.eventarc.deployed.get(f"{LOCATION}/triggers/mine") is first


def test_a_silent_location_is_named_only_when_all_are_asked(world: World) -> None:
    world.eventarc.silent.add("us-central1")
    everywhere = next(world.eventarc_client.list_triggers(parent=f"projects/{PROJECT}/locations/-").pages)
    here = next(world.eventarc_client.list_triggers(parent=LOCATION).pages)
    assert (list(everywhere.triggers), list(everywhere.unreachable)) == ([], ["us-central1"])
    assert (len(here.triggers) > 0, list(here.unreachable)) == (True, [])


# Pushing


def test_a_subscription_hears_of_its_bucket_only() -> None:
    wish = PushSubscription(url="http://x", bucket="other")
    assert not wish.wants(version())
    assert PushSubscription(url="http://x", bucket=DATA_BUCKET).wants(version())
    assert not PushSubscription(url="http://x", kinds=("execution_failed",)).wants(version())


def test_subscriptions_are_listed_by_name_and_a_second_of_that_name_replaces_the_first() -> None:
    push = PushDelivery()
    for name, url in (("b", "http://1"), ("a", "http://2"), ("b", "http://3")):
        push.subscribe(PushSubscription(name=name, url=url))
    assert [(one.name, one.url) for one in push.subscriptions] == [("a", "http://2"), ("b", "http://3")]


def test_when_too_many_wait_the_oldest_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubsub_push, "BACKLOG", 2)
    push = PushDelivery()
    for number in (3, 1, 2):
        later = time.monotonic() + 60 - number
        heapq.heappush(push._due, pubsub_push._Due(later, number, 0.1, PushSubscription(url="http://x"), b""))
    push._forget_oldest()
    assert sorted(due.number for due in push._due) == [2, 3]
    push._forget_oldest()
    assert len(push._due) == 2


def test_the_wait_between_two_attempts_doubles_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop takes out of the heap without waiting what it puts back; nobody listens at the port."""
    push, waits = PushDelivery(), list[float]()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        target = PushSubscription(url=f"http://127.0.0.1:{closed.getsockname()[1]}")
    push.subscribe(target)
    push._due.append(pubsub_push._Due(0.0, 1, 4.0, target, b""))

    def take() -> pubsub_push._Due | None:
        due = push._due.pop() if push._due else None
        waits.append(due.wait if due else -1.0)
        return due if len(waits) < 5 else None

    monkeypatch.setattr(push, "_next", take)
    push._deliver()
    assert waits == [4.0, 8.0, 10.0, 10.0, 10.0]
    push.subscribe(PushSubscription(url="http://y"))
    push._due[:] = [pubsub_push._Due(0.0, 2, 4.0, target, b"")]
    waits.clear()
    push._deliver()
    assert waits == [4.0, -1.0], "a subscription that was replaced is tried no more"
