"""From the spool to Prefect: each happening has one effect, whatever dies or comes again, and nothing is lost."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.receiver import dispatch, serve, spool
from deployments.receiver.writes import Accept, Again
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.stack import call
from tests.receiver import messages as m
from tests.receiver.world import Bridge, World, running, wait_for

FLOW, DEPLOYMENT = "export-recovery", "export-recovery-on-failure"


def ask(method: str, path: str, body: Any = None) -> Any:
    """Prefect's API; asked again while the server is busy."""
    return call(method, f"{PREFECT_API_URL.value()}{path}", body)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    for name in ("FIRST_WAIT", "IDLE_SECONDS"):
        monkeypatch.setattr(dispatch, name, 0.02)


@pytest.fixture
def deployment(prefect_server: None) -> Iterator[str]:
    """The deployment that rules name, without a worker: its runs can be counted."""
    flow = ask("POST", "/flows/", {"name": FLOW})["id"]
    schema = {"type": "object", "properties": {"scene_ids": {"type": "array", "items": {"type": "string"}}}}
    body = {"name": DEPLOYMENT, "flow_id": flow, "parameters": {"mode": "apply"}, "parameter_openapi_schema": schema}
    yield ask("POST", "/deployments/", {**body, "enforce_parameter_schema": True})["id"]
    for one in ask("POST", "/deployments/filter", {"deployments": {"name": {"any_": [DEPLOYMENT]}}}):
        ask("DELETE", f"/deployments/{one['id']}")


@pytest.fixture
def runs(deployment: str) -> Callable[[], list[dict[str, Any]]]:
    """The flow runs there are."""

    def look() -> list[dict[str, Any]]:
        wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "ID_DESC", "limit": 200}
        return list(ask("POST", "/flow_runs/filter", wanted))

    return look


@pytest.fixture
def world(path: Path, environment: PipelineEnvironment, deployment: str) -> Iterator[World]:
    with running(path, environment) as one:
        yield one


def fail(sandbox: Sandbox, scene: str = "kitchen_001", path: str = "geniesim/.failed") -> m.Sent:
    """A failure marker that is there, and what Cloud Storage tells of it."""
    name = f"scenes/{scene}/{path}"
    return m.notification(name, str(sandbox.store.put(m.DATA, name, b"{}", quiet=True).generation))


def scenes(found: list[dict[str, Any]]) -> list[str]:
    return sorted(run["parameters"]["scene_ids"][0] for run in found)


def events(of: str) -> list[dict[str, Any]]:
    """Prefect's events about a resource, once there are any."""
    wanted = {"filter": {"any_resource": {"id": [of]}}, "limit": 50}
    return list(wait_for(lambda: ask("POST", "/events/filter", wanted)["events"], f"an event of {of}"))


def test_a_failure_marker_becomes_a_run_and_an_event_and_an_alert_an_event_only(
    world: World, sandbox: Sandbox, runs: Any
) -> None:
    assert world.send(fail(sandbox, "run_001")) == 204
    assert world.send(m.alert(policy="only_001")) == 204
    first, second = world.handled(2)
    (run,) = runs()
    assert run["parameters"] == {"mode": "apply", "scene_ids": ["run_001"], "requested_by": "receiver"}
    assert (first.state, first.run) == ("done", run["id"])
    assert (second.state, second.run) == ("done", "")
    assert world.client.get("/readyz").status_code == 200
    assert world.number("receiver_flow_runs_total") == 1
    (event,) = events("blueprint.scene.run_001")
    assert event["event"] == "pipeline.stage.failed"
    assert event["payload"]["flow_run"] == run["id"]
    (event,) = events("blueprint.alert-policy.only_001")
    assert event["event"] == "pipeline.alert.open"


def test_an_event_that_comes_again_after_it_was_handled_has_no_second_effect(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, runs: Any
) -> None:
    sent = fail(sandbox)
    for _ in range(2):  # the second time after a restart
        with running(path, environment) as world:
            assert [world.send(sent) for _ in range(3)] == [204] * 3
            world.handled(1)
    assert len(runs()) == 1


def test_a_run_that_was_created_but_not_noted_is_found_again(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, runs: Any
) -> None:
    """Killed between the two, it does both again."""
    with running(path, environment) as world:
        world.send(fail(sandbox))
        (first,) = world.handled(1)
    with spool.opened(path) as connection:
        connection.execute("UPDATE events SET state = 'new', run = '', subject = '', ended = NULL")
    with running(path, environment) as world:
        (second,) = world.handled(1)
    assert second.run == first.run
    assert len(runs()) == 1


def test_many_failures_of_one_scene_within_a_minute_make_one_run(world: World, sandbox: Sandbox, runs: Any) -> None:
    sent = [fail(sandbox, scene, path) for scene in ("a_1", "a_2") for path in ("geniesim/.failed", "assets/.failed")]
    sent += [fail(sandbox, "a_1", f"{job}/.failed") for job in ("simready-job", "usd-assembly-job")]
    random.shuffle(sent)
    assert {world.send(one) for one in sent} == {204}
    found = world.handled(6)
    assert scenes(runs()) == ["a_1", "a_2"]
    assert sorted(row.word for row in found) == ["", "", "quiet", "quiet", "quiet", "quiet"]
    assert world.number("receiver_ignored_total", reason="quiet") == 4


def test_a_failure_after_the_quiet_time_makes_another_run(world: World, sandbox: Sandbox, runs: Any) -> None:
    world.send(fail(sandbox))
    world.handled(1)
    with spool.opened(world.receiver.path) as connection:
        connection.execute("UPDATE events SET received = received - 61")
    world.send(fail(sandbox))
    world.handled(2)
    assert scenes(runs()) == ["kitchen_001"] * 2


def test_a_marker_that_is_not_there_any_more_starts_nothing(world: World, sandbox: Sandbox, runs: Any) -> None:
    assert world.send(m.notification("scenes/gone_001/geniesim/.failed", "7")) == 204
    (row,) = world.handled(1)
    assert (row.state, row.word) == ("ignored", "gone")
    assert runs() == []
    assert world.number("receiver_ignored_total", reason="gone") == 1


def test_older_and_newer_generations_in_any_order_make_one_run(world: World, sandbox: Sandbox, runs: Any) -> None:
    first, second = fail(sandbox), fail(sandbox)
    for sent in (second, first, second, first):
        assert world.send(sent) == 204
    found = world.handled(2)
    assert sorted(row.state for row in found) == ["done", "ignored"]
    assert len(runs()) == 1


def test_a_persons_stop_is_respected(world: World, sandbox: Sandbox, runs: Any) -> None:
    sandbox.store.put(m.DATA, "scenes/held_001/geniesim/.canary_rollback", b"{}", quiet=True)
    world.send(fail(sandbox, "held_001"))
    (row,) = world.handled(1)
    assert (row.state, row.word) == ("ignored", "stopped")
    assert "by a person" in row.reason
    assert runs() == []


def test_what_prefect_refuses_ends_as_a_dead_letter_with_its_words(
    path: Path,
    environment: PipelineEnvironment,
    sandbox: Sandbox,
    prefect_server: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running(path, environment) as world:  # there is no such deployment
        world.send(fail(sandbox))
        (row,) = world.handled(1)
        assert (row.state, row.word, row.attempts) == ("dead", "refused", dispatch.REFUSALS)
        assert f"{FLOW}/{DEPLOYMENT}" in row.reason
        assert world.number("receiver_dead_letters_total", reason="refused") == 1


def test_what_cloud_storage_refuses_is_a_dead_letter_until_a_person_has_mended_it(
    world: World, sandbox: Sandbox, runs: Any
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.get", kind="status", status=403))
    world.send(fail(sandbox))
    (row,) = world.handled(1)
    assert (row.state, row.word) == ("dead", "fact")
    assert "storage.objects.get" in row.reason
    sandbox.faults.clear()
    with spool.opened(world.receiver.path) as connection:
        assert Again(row.number)(connection)
    assert world.handled(1)[0].state == "done"
    assert len(runs()) == 1


def test_what_nobody_foresaw_stands_in_no_other_events_way(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, runs: Any
) -> None:
    """A row of another version lacks what its rule needs now."""
    spool.prepare(path).close()
    with spool.opened(path) as connection:
        Accept("old", "failure-marker", {"object": "other names"})(connection)
        Accept("older", "a-rule-of-long-ago", {})(connection)
    with running(path, environment) as world:
        world.send(fail(sandbox))
        first, second, third = world.handled(3)
    assert (first.state, first.word) == ("dead", "fault")
    assert (second.state, second.word) == ("dead", "no_rule")
    assert third.state == "done"
    assert len(runs()) == 1


def test_a_deployment_that_is_made_anew_is_found_again(world: World, sandbox: Sandbox, deployment: str) -> None:
    world.send(fail(sandbox, "before_001"))
    world.handled(1)
    before = ask("GET", f"/deployments/{deployment}")
    ask("DELETE", f"/deployments/{deployment}")
    again = ask("POST", "/deployments/", {"name": DEPLOYMENT, "flow_id": before["flow_id"]})
    world.send(fail(sandbox, "after_001"))
    found = world.handled(2)
    assert [row.state for row in found] == ["done", "done"]
    assert ask("GET", f"/flow_runs/{found[1].run}")["deployment_id"] == again["id"]


def test_while_cloud_storage_is_away_the_event_waits(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, runs: Any
) -> None:
    sent = fail(sandbox)
    bridge = Bridge(urlsplit(sandbox.endpoints.storage).port or 0)
    bridge.up()
    environment.storage.endpoint = f"http://127.0.0.1:{bridge.port}"
    environment.storage.limits = environment.storage.limits.model_copy(update={"attempts": 1})
    bridge.down()
    with running(path, environment) as world:
        world.send(sent)
        wait_for(lambda: world.rows("new")[0].attempts, "the first attempt")
        assert world.number("receiver_retries_total", **{"for": "fact"}) >= 1
        bridge.up()
        (row,) = world.handled(1)
    bridge.down()
    assert row.state == "done"
    assert len(runs()) == 1


@pytest.fixture
def bridge(deployment: str) -> Iterator[Bridge]:
    """The way to Prefect, down until the test puts it up."""
    url = urlsplit(str(PREFECT_API_URL.value()))
    one = Bridge(url.port or 0)
    one.up()
    one.down()
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{one.port}{url.path}"}):
        yield one


def test_what_comes_while_prefect_is_away_is_handled_when_it_is_back(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, deployment: str, bridge: Bridge, monkeypatch: Any
) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_WAIT", 0.2)
    with running(path, environment) as world:
        sent = [fail(sandbox, f"away_{number}") for number in range(5)]
        assert {world.send(one) for one in sent} == {204}
        assert world.client.get("/readyz").status_code == 503
        assert [row.attempts for row in world.rows("new")] == [0] * 5, "an outage uses up nobody's attempts"
        bridge.up()
        first = wait_for(lambda: world.rows("done"), "the first event to be handled")
        bridge.down()  # and once more in the middle
        more = [fail(sandbox, f"late_{number}") for number in range(5)]
        assert {world.send(one) for one in more} == {204}
        bridge.up()
        found = world.handled(10)
        assert {row.state for row in found} == {"done"}
        assert len({row.run for row in found}) == 10
        assert first
    wanted = {"deployments": {"id": {"any_": [deployment]}}, "limit": 200}
    assert len(ask("POST", "/flow_runs/filter", wanted)) == 10
    bridge.down()


def test_it_waits_for_prefect_while_both_are_just_starting(bridge: Bridge) -> None:
    coming = threading.Timer(0.5, bridge.up)
    coming.start()
    with pytest.raises(PermanentError, match="Unable to find block document named no-such"):
        serve.load("no-such", "http://prefect")
    coming.join()
    bridge.down()


def test_a_storm_is_absorbed_and_all_of_it_is_counted(world: World, sandbox: Sandbox, runs: Any) -> None:
    """Genuine failures of five scenes, told many times by many roads, among garbage and what is of no interest."""
    genuine = [fail(sandbox, f"storm_{number % 5}", f"job-{number}/.failed") for number in range(25)]
    gone = [m.notification(f"scenes/storm_gone_{number}/geniesim/.failed", "7") for number in range(10)]
    garbage = [("/pubsub", {}, f"garbage {number}".encode()) for number in range(10)]
    dull = [m.notification(f"scenes/storm_1/usd/{number}.usda") for number in range(50)]
    sent = [*genuine * 10, *gone * 3, *garbage * 2, *dull]
    random.shuffle(sent)
    assert {world.send(one) for one in sent} == {204}
    found = world.handled(45)
    assert scenes(runs()) == [f"storm_{number}" for number in range(5)]
    words = [row.word for row in found]
    assert (words.count(""), words.count("quiet"), words.count("gone"), words.count("undecodable")) == (5, 20, 10, 10)
    assert world.number("receiver_accepted_total") == 35
    assert world.number("receiver_duplicates_total") == 9 * 25 + 2 * 10 + 10
    assert world.number("receiver_ignored_total", reason="no_rule") == 50
    assert json.dumps(sorted(words))
