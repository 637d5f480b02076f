"""What the receiver says of itself, as the doctor takes it: what does not say how it is, is unknown and not wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from blocks.receiver import EventReceiver
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.pubsub_push import PushSubscription
from deployments.sandbox_environment import PUSH, for_sandbox
from tasks.doctor.events import judge_receiver, look_at_events
from tasks.doctor.examine import Look
from tests.doctor.told import World, found, looked
from tests.doctor.world import codes, seen_by
from tests.simulator_outage.servers import Web, http_server

READY = {"spool": "ok", "prefect": "ok"}


@pytest.fixture
def web() -> Iterator[Web]:
    with http_server() as one:
        yield one


def receiver(web: Web, status: int, body: str) -> Look:
    """What is said of a receiver that answers so."""
    web.answers["/readyz"] = (status, body)
    look = Look("events")
    judge_receiver(EventReceiver(url=f"{web.url}/", seconds=5), look)
    return look


@pytest.mark.parametrize(
    ("status", "says", "expected"),
    [
        (200, {}, []),
        (200, {"more": "ok"}, []),
        (503, {"prefect": "It has not answered lately."}, ["receiver-without-prefect"]),
        (503, {"spool": "disk I/O error"}, ["receiver-keeps-nothing"]),
        (503, {"spool": "full", "prefect": "away"}, ["receiver-keeps-nothing", "receiver-without-prefect"]),
    ],
)
def test_a_receiver_is_believed_in_what_it_says_of_itself(
    web: Web, status: int, says: dict[str, str], expected: list[str]
) -> None:
    look = receiver(web, status, json.dumps(READY | says))
    assert [code for code, _ in found(look)] == expected
    assert all(says[one] in " ".join(each.what for each in look.findings) for one in says if one in READY)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "not found"), (200, "<html>"), (200, "[]"), (200, "{}"), (302, ""), (500, json.dumps(READY)), (503, "busy")],
)
def test_what_does_not_say_how_a_receiver_is_is_unknown_and_not_wrong(web: Web, status: int, body: str) -> None:
    look = receiver(web, status, body)
    assert [(one.code.name, one.level) for one in look.findings] == [("receiver-no-answer", "unknown")]
    assert look.good == 0


@pytest.fixture(scope="module")
def pushing() -> Iterator[Sandbox]:
    """A sandbox with a subscription of whose topic no bucket tells."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        whole = {"account": "push@p.iam.gserviceaccount.com", "dead_letter_topic": "second", "bucket": "nobody's"}
        running.push.subscribe(PushSubscription(url="http://127.0.0.1:9/pubsub", **whole))
        yield running


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "nowhere"])
def test_a_receiver_that_cannot_be_reached_hides_nothing_of_its_subscription(pushing: Sandbox, url: str) -> None:
    environment = for_sandbox(pushing.endpoints)
    environment.receiver = EventReceiver(url=url, subscription=PUSH, seconds=1)
    look = seen_by("events", environment)
    environment.close()
    assert codes(look) == {"receiver-no-answer", "event-bucket-silent"}


def test_without_a_subscription_the_receiver_is_looked_at_all_the_same(web: Web) -> None:
    world = World()
    world.environment.receiver = EventReceiver(url=web.url)
    web.answers["/readyz"] = (200, json.dumps(READY))
    look = looked(look_at_events, world)
    assert found(look) == [("events-not-looked-at", "subscription")]
    assert look.good == 2
