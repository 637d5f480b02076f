"""The road of an event to the receiver: each gap in it is found, and nothing is said of a road that is odd and whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.cloud.storage.notification import BucketNotification
from pydantic import ValidationError

from blocks.delivery import SubscriptionFacts
from blocks.environment import PipelineEnvironment
from blocks.receiver import EventReceiver
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import PROJECT
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.pubsub_push import PushSubscription
from deployments.sandbox_environment import PUSH, for_sandbox
from tasks.doctor.events import judge_subscription
from tests.doctor.told import found, looked
from tests.doctor.world import DATA, codes, said, seen_by
from tests.simulator_outage.servers import Web, http_server

TOPIC = "sandbox-events"
NAME = "projects/p/subscriptions/events"
WHOLE = SubscriptionFacts(
    topic="projects/p/topics/events",
    detached=False,
    endpoint="https://receiver.example/pubsub",
    account="push@p.iam.gserviceaccount.com",
    backs_off=True,
    dead_letter_topic="projects/p/topics/second",
)
READY = {"spool": "ok", "prefect": "ok"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for all: each test puts its own subscription there, and takes its notifications away."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        yield running


@pytest.fixture
def pushed(shared: Sandbox) -> Iterator[PipelineEnvironment]:
    """An environment that names the subscription `sandbox-push`, and no receiver."""
    made = for_sandbox(shared.endpoints)
    made.receiver = EventReceiver(subscription=PUSH)
    yield made
    made.close()
    shared.push.unsubscribe_all()
    shared.faults.clear()
    shared.eventarc.subscriptions.deleted.clear()
    shared.denied.clear()


@pytest.fixture
def web() -> Iterator[Web]:
    with http_server() as one:
        yield one


def subscribe(sandbox: Sandbox, **more: Any) -> None:
    """A subscription as it should be, but for `more`."""
    whole = {"account": "push@p.iam.gserviceaccount.com", "dead_letter_topic": "second", "bucket": "nobody's"}
    sandbox.push.subscribe(PushSubscription(**({"url": "http://127.0.0.1:9/pubsub"} | whole | more)))


def told(environment: PipelineEnvironment, topic: str = TOPIC, **more: Any) -> BucketNotification:
    """A notification of the data bucket."""
    bucket = environment.storage.client().bucket(DATA)
    made = BucketNotification(bucket, topic, topic_project=PROJECT, payload_format="JSON_API_V1", **more)
    made.create()
    return made


# What is not named


def test_what_the_environment_does_not_name_is_not_looked_at_and_not_missing(environment: PipelineEnvironment) -> None:
    look = seen_by("events", environment)
    assert found(look) == [("events-not-looked-at", "receiver"), ("events-not-looked-at", "subscription")]
    assert "Not looked at: the receiver of events." in said(look, "events-not-looked-at")
    assert "events" not in {one.subject for one in seen_by("permissions", environment).findings}


@pytest.mark.parametrize("name", ["remediation-push", "projects/p/topics/t", "projects//subscriptions/s"])
def test_a_subscription_is_named_in_full(name: str) -> None:
    with pytest.raises(ValidationError, match="subscription"):
        EventReceiver(subscription=name)


# The subscription


def test_a_road_that_is_whole_is_in_order(pushed: PipelineEnvironment, shared: Sandbox, web: Web) -> None:
    web.answers["/readyz"] = (200, json.dumps(READY))
    pushed.receiver = EventReceiver(url=web.url, subscription=PUSH)
    subscribe(shared)
    made = told(pushed, event_types=["OBJECT_FINALIZE"], blob_name_prefix="scenes/")
    before = shared.requests.mutating()["total"]
    look = seen_by("events", pushed)
    made.delete()
    assert found(look) == []
    assert look.good == 10
    assert shared.requests.mutating()["total"] == before + 1, "the test's own deletion"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"url": "http://127.0.0.1:9/events"}, "event-pushed-elsewhere"),
        ({"account": ""}, "event-push-unsigned"),
        ({"backs_off": False}, "event-retried-at-once"),
        ({"dead_letter_topic": ""}, "event-no-dead-letter"),
        ({"topic": "another"}, "event-bucket-silent"),
        ({"name": "another"}, "event-subscription-missing"),
    ],
)
def test_each_gap_is_found_by_itself(
    pushed: PipelineEnvironment, shared: Sandbox, more: dict[str, Any], code: str
) -> None:
    made = told(pushed)
    subscribe(shared, **more)
    look = seen_by("events", pushed)
    made.delete()
    assert codes(look) == {"events-not-looked-at", code}


def test_a_subscription_that_somebody_deleted_is_missing(pushed: PipelineEnvironment, shared: Sandbox) -> None:
    subscribe(shared)
    shared.push.unsubscribe_all()
    assert said(seen_by("events", pushed), "event-subscription-missing") == f"The subscription {PUSH} does not exist."


def test_a_subscription_that_may_not_be_read_is_not_missing(pushed: PipelineEnvironment, shared: Sandbox) -> None:
    subscribe(shared)
    shared.faults.add(FaultRule(service="pubsub", method="GetSubscription", kind="status", status=403))
    assert codes(seen_by("events", pushed)) == {"events-not-looked-at", "not-readable"}


def test_a_permission_that_only_looks_are_made_with_is_a_note(pushed: PipelineEnvironment, shared: Sandbox) -> None:
    subscribe(shared)
    shared.denied.add("pubsub.subscriptions.get")
    note = said(seen_by("permissions", pushed), "permission-not-given")
    assert "pubsub.subscriptions.get on subscription sandbox-push is not granted" in note


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"endpoint": "https://receiver.example/below/pubsub"}, []),
        ({"endpoint": "https://receiver.example/pubsub?token=x"}, []),
        ({"endpoint": "https://receiver.example/cloudevents"}, []),
        ({"endpoint": "https://receiver.example"}, ["event-pushed-elsewhere"]),
        ({"endpoint": "https://receiver.example/pubsub/"}, ["event-pushed-elsewhere"]),
        ({"endpoint": "https://receiver.example/?at=/pubsub"}, ["event-pushed-elsewhere"]),
        ({"endpoint": ""}, ["event-not-pushed"]),
        ({"detached": True}, ["event-subscription-cut-off"]),
        ({"topic": "_deleted-topic_"}, ["event-subscription-cut-off"]),
        ({"account": "", "dead_letter_topic": ""}, ["event-push-unsigned", "event-no-dead-letter"]),
    ],
)
def test_a_subscription_is_judged_by_what_it_is_set_to(change: dict[str, Any], expected: list[str]) -> None:
    look = looked(lambda _, look: judge_subscription(NAME, replace(WHOLE, **change), look))
    assert [code for code, _ in found(look)] == expected


# The bucket


@pytest.mark.parametrize(
    ("more", "silent"),
    [
        ({}, False),
        ({"blob_name_prefix": "scenes/"}, False),
        ({"blob_name_prefix": "scenes/kitchen"}, False),
        ({"event_types": ["OBJECT_FINALIZE", "OBJECT_DELETE"]}, False),
        ({"event_types": ["OBJECT_DELETE"]}, True),
        ({"blob_name_prefix": "dead-letter/"}, True),
        ({"topic": "another"}, True),
    ],
)
def test_the_bucket_must_tell_the_topic_of_new_objects_of_scenes(
    pushed: PipelineEnvironment, shared: Sandbox, more: dict[str, Any], silent: bool
) -> None:
    subscribe(shared)
    made = told(pushed, **more)
    look = seen_by("events", pushed)
    made.delete()
    expected = f"The data bucket {DATA} tells topic {TOPIC} of no new object below scenes/." if silent else ""
    assert said(look, "event-bucket-silent") == expected


def test_one_of_several_notifications_is_enough(pushed: PipelineEnvironment, shared: Sandbox) -> None:
    subscribe(shared)
    made = [told(pushed, event_types=["OBJECT_DELETE"]), told(pushed), told(pushed, topic="another")]
    look = seen_by("events", pushed)
    for one in made:
        one.delete()
    assert "event-bucket-silent" not in codes(look)


def test_a_bucket_that_is_not_there_is_said_by_its_own_part(pushed: PipelineEnvironment, shared: Sandbox) -> None:
    subscribe(shared)
    pushed.data_bucket = "no-such-bucket"
    assert codes(seen_by("events", pushed)) == {"events-not-looked-at"}
