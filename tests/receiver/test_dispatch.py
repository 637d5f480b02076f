"""From the spool to Prefect: each happening has one effect, whatever dies or comes again, and nothing is lost."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.receiver import dispatch, spool
from deployments.receiver.writes import Accept, Again, End
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import LOCATION
from deployments.sandbox.server import Sandbox
from tests.receiver import messages as m
from tests.receiver.world import DEPLOYMENT, FLOW, World, ask, events, fail, running, scenes

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def world(path: Path, environment: PipelineEnvironment, deployment: str) -> Iterator[World]:
    with running(path, environment) as one:
        yield one


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


@pytest.mark.parametrize("meanwhile", ["gone", "stopped", "quiet"])
def test_a_run_that_was_created_but_not_noted_is_noted_although_nothing_is_to_be_done_by_now(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, runs: Any, meanwhile: str
) -> None:
    """The run may have mended the scene while the receiver was away: that it ran is a fact all the same."""
    with running(path, environment) as world:
        world.send(fail(sandbox, "cut_001"))
        (first,) = world.handled(1)
    with spool.opened(path) as connection:
        connection.execute("UPDATE events SET state = 'new', run = '', subject = '', ended = NULL")
        if meanwhile == "quiet":
            Accept("other", "failure-marker", {})(connection)
            subject = f"{FLOW}/{DEPLOYMENT} blueprint.scene.cut_001"
            End(2, "done", subject=subject, run="another")(connection)
    if meanwhile == "gone":
        sandbox.store.delete(m.DATA, "scenes/cut_001/geniesim/.failed")
    if meanwhile == "stopped":
        sandbox.store.put(m.DATA, "scenes/cut_001/geniesim/.canary_rollback", b"{}", quiet=True)
    with running(path, environment) as world:
        again = world.handled(1)[0]
    assert (again.state, again.word, again.run) == ("done", "", first.run)
    assert len(runs()) == 1


def test_what_was_begun_is_noted_although_even_its_scene_cannot_be_known_any_more(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, runs: Any
) -> None:
    """Here the execution that failed is not there any more."""
    name = "workflows/usd-assembly-pipeline/executions/e-1"
    argument = {"data": {"bucket": m.DATA, "name": "scenes/cut_002/assets/.regen3d_complete"}}
    table = sandbox.workflows.executions
    table.add(f"{LOCATION}/{name}", "usd-assembly-pipeline", argument=json.dumps(argument))
    with running(path, environment) as world:
        world.send(m.pubsub(m.workflow_failed()))
        (first,) = world.handled(1)
    with spool.opened(path) as connection:
        connection.execute("UPDATE events SET state = 'new', run = '', subject = '', ended = NULL")
    del table._by_name[f"{LOCATION}/{name}"]
    with running(path, environment) as world:
        (again,) = world.handled(1)
    assert (again.state, again.run) == ("done", first.run)
    assert first.run
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
