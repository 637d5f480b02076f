"""What a sender is answered: 2xx only for what is on disk or needs no keeping, and never 5xx for bad input."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from blocks.receiver import EventReceiver
from deployments.receiver import dispatch, spool, writes
from deployments.receiver.app import KEPT_BODY, MAX_BODY
from tests.receiver import messages as m
from tests.receiver.world import World, plain_environment, running, wait_for
from tests.simulator_outage.servers import http_server


def test_an_event_is_on_disk_when_it_is_acknowledged(world: World) -> None:
    assert world.send(m.notification()) == 204
    (row,) = world.rows()
    assert (row.state, row.rule, row.content["scene_id"]) == ("new", "failure-marker", "kitchen_001")
    assert world.number("receiver_accepted_total", rule="failure-marker") == 1
    assert world.number("receiver_spool_waiting") == 1
    assert world.number("receiver_spool_age_seconds") >= 0


def test_an_event_delivered_again_by_any_road_is_kept_once(world: World) -> None:
    assert [world.send(sent) for sent in m.roads().values() for _ in range(2)] == [204] * 10
    assert [row.duplicates for row in world.rows()] == [9]
    assert world.number("receiver_duplicates_total", rule="failure-marker") == 9


def test_the_same_event_at_the_same_time_is_kept_once(world: World) -> None:
    senders = [threading.Thread(target=world.send, args=(m.notification(),)) for _ in range(10)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert [row.duplicates for row in world.rows()] == [9]


def test_what_is_of_no_interest_is_counted_and_not_kept(world: World) -> None:
    assert world.send(m.notification("scenes/kitchen_001/usd/scene.usda")) == 204
    assert world.rows() == []
    assert world.number("receiver_ignored_total", reason="no_rule") == 1


@pytest.mark.parametrize("road", ["/pubsub", "/cloudevents", "/alerts"])
def test_what_nobody_can_read_is_acknowledged_and_kept_with_its_reason(world: World, road: str) -> None:
    """A refusal would have Pub/Sub send it again for days."""
    assert world.send((road, {"authorization": "Bearer s3cr3t"}, b'{"a": \xff')) == 204
    (row,) = world.rows()
    assert (row.state, row.rule, row.word) == ("dead", spool.UNDECODABLE, "undecodable")
    assert row.reason
    assert row.content == {"path": road, "bytes": "7", "body": '{"a": \\xff'}
    assert "s3cr3t" not in json.dumps(row.__dict__)
    assert world.number("receiver_dead_letters_total", reason="undecodable") == 1


def test_a_dead_letter_that_comes_again_is_one(world: World) -> None:
    for body in (b"x", b"x", b"y" * 100_000):
        assert world.send(("/pubsub", {}, body)) == 204
    first, second = world.rows("dead")
    assert first.duplicates == 1
    assert (len(second.content["body"]), second.content["bytes"]) == (KEPT_BODY, "100000")


def test_what_is_too_large_is_refused_while_it_comes_in(world: World) -> None:
    assert world.send(("/pubsub", {}, b"x" * (MAX_BODY + 1))) == 413
    pieces = (b"x" * 2**18 for _ in range(20))
    assert world.client.post("/pubsub", content=pieces).status_code == 413
    assert world.rows() == []
    assert world.number("receiver_unkept_total", reason="too_large") == 2
    assert world.send(("/pubsub", {}, b"x" * MAX_BODY)) == 204


def test_other_paths_and_methods_are_not_there(world: World) -> None:
    assert world.send(("/", {}, b"")) == 404
    assert world.client.get("/pubsub").status_code == 405
    assert world.client.get("/docs").status_code == 404


def test_it_lives_without_prefect_and_is_not_ready(world: World) -> None:
    assert world.client.get("/healthz").json() == {"status": "ok"}
    answer = world.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"spool": "ok", "prefect": "It has not answered lately."}


def test_whoever_looks_at_it_understands_what_it_says(world: World) -> None:
    answer = world.client.get("/readyz")
    with http_server() as web:
        web.answers["/readyz"] = (answer.status_code, answer.text)
        assert EventReceiver(url=web.url).troubles() == {"prefect": "It has not answered lately."}


def test_when_the_disk_refuses_nothing_is_acknowledged(world: World) -> None:
    with spool.opened(world.receiver.path) as other:
        other.execute("DROP TABLE events")
    assert world.send(m.notification()) == 503
    assert "events" in world.client.get("/readyz").json()["spool"]
    assert world.number("receiver_unkept_total") == 1
    with spool.opened(world.receiver.path) as other:
        other.executescript(spool.SCHEMA)
    assert world.send(m.notification()) == 204
    assert world.client.get("/readyz").json()["spool"] == "ok"


def test_after_a_restart_everything_is_there_and_known_again(path: Path, prefect_is_down: None) -> None:
    with running(path, plain_environment()) as world:
        assert [world.send(m.notification(generation=str(number))) for number in (1, 2, 3)] == [204] * 3
    with running(path, plain_environment()) as world:
        assert [world.send(m.notification(generation=str(number))) for number in (3, 2, 4)] == [204] * 3
        found = {row.content["generation"]: row.duplicates for row in world.rows()}
        assert found == {"1": 0, "2": 1, "3": 1, "4": 0}
        assert world.number("receiver_spool_waiting") == 4


def test_the_answer_does_not_wait_for_prefect(world: World) -> None:
    wait_for(lambda: world.number("receiver_prefect_up") == 0, "Prefect to be found away")
    assert world.send(m.notification()) == 204


def test_dead_letters_are_bounded_while_prefect_is_away_too(
    path: Path, prefect_is_down: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "DEAD_LETTERS", 3)
    monkeypatch.setattr(dispatch, "FORGET_SECONDS", 0.0)
    monkeypatch.setattr(dispatch, "FIRST_WAIT", 0.02)
    with running(path, plain_environment()) as world:
        assert {world.send(("/pubsub", {}, f"garbage {number}".encode())) for number in range(10)} == {204}
        wait_for(lambda: len(world.rows("dead")) <= 3, "the oldest dead letters to be forgotten")
        assert world.number("receiver_dead_letters_total", reason="undecodable") == 10
