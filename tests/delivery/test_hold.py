"""Delivery is held while objects are written: nothing starts because of a restore, and nobody else's event is lost."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.restore.request import RestoreRequest
from tests.recovery.world import live, without_triggers
from tests.restore.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    contents,
    delete_all,
    do,
    executions,
    make_night,
    pushing,
    restore,
    scene,
    started_for,
)

EVERYWHERE = ("genie-sim-export-trigger", "episode-generation-trigger", "dwm-preparation-trigger")
EXPORT, ASSEMBLY = "genie-sim-export-pipeline", "usd-assembly-pipeline"
FOREIGN = f"{PREFIX}usd/of-somebody-else.bin"


@pytest.fixture
def lost(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """A scene that is in the backup and gone."""
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)


class Meanwhile:
    """Does something once, in the middle of a restore: when its first object is written."""

    def __init__(self, sandbox: Sandbox, act: Any) -> None:
        self._act, self._lock, self.done = act, threading.Lock(), False
        sandbox.store.on_finalize(self._written)

    def _written(self, bucket: str, version: Any) -> None:
        with self._lock:
            if bucket != DATA or self.done:
                return
            self.done = True
        self._act()


def test_the_restore_starts_nothing_and_delivery_is_as_before(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    before, ran = pushing(environment), len(executions(sandbox))
    assert do(environment).outcome == "done"
    assert len(executions(sandbox)) == ran
    assert pushing(environment) == before
    for trigger in EVERYWHERE:
        assert sandbox.eventarc.subscriptions.backlog(trigger).pull(100) == []


def test_the_ticket_with_the_exact_configuration_is_there_before_anything_is_held(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    before, tickets = pushing(environment), []
    draw = sandbox.faults.draw

    def watch(service: str, method: str, kinds: Any = None) -> FaultRule | None:
        if (service, method) == ("pubsub", "ModifyPushConfig") and not tickets:
            tickets.extend(json.loads(found.data) for found in sandbox.store.list(OPS, "remediation/holds/"))
        return draw(service, method, kinds)

    sandbox.faults.draw = watch  # type: ignore[method-assign]
    result = do(environment)
    (ticket,) = tickets
    assert {held["subscription"]: held["push_config"] for held in ticket["held"]} == {
        name: config for name, config in before.items() if any(trigger in name for trigger in EVERYWHERE)
    }
    assert f"remediation/holds/{result.id}.redeemed.json" in live(sandbox.store, OPS)


def test_an_event_of_somebody_else_during_the_hold_is_delivered_exactly_once(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    meanwhile = Meanwhile(sandbox, lambda: sandbox.store.put(DATA, FOREIGN, b"theirs"))
    assert do(environment).outcome == "done"
    assert meanwhile.done
    for trigger in EVERYWHERE:
        workflow = sandbox.catalogue.triggers[trigger].workflow
        assert started_for(sandbox, workflow) == [FOREIGN]
    (started,) = sandbox.workflows.executions.newest_first(EXPORT)
    argument = json.loads(started.argument or "")
    assert argument["type"] == "google.cloud.storage.object.v1.finalized"
    assert argument["data"]["generation"] == str(live(sandbox.store)[FOREIGN])


def test_a_newer_generation_of_a_restored_object_is_somebody_elses_event(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    name: list[str] = []

    def overwrite() -> None:
        name.append(next(iter(contents(sandbox.store))))
        sandbox.store.put(DATA, name[0], b"theirs")

    Meanwhile(sandbox, overwrite)
    do(environment)
    assert started_for(sandbox, EXPORT) == name
    assert contents(sandbox.store)[name[0]] == b"theirs"


def test_a_start_whose_answer_was_lost_is_found_and_not_made_twice(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    Meanwhile(sandbox, lambda: sandbox.store.put(DATA, FOREIGN, b"theirs"))
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="lost_answer", times=1))
    environment.policy.settle_seconds = 2
    assert do(environment).outcome == "done"
    assert started_for(sandbox, EXPORT) == [FOREIGN]


def test_an_event_that_is_delivered_twice_is_dropped_twice(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    sandbox.eventarc.copies = 2
    assert do(environment).outcome == "done"
    assert executions(sandbox) == []


def test_events_of_restored_markers_are_delivered_when_markers_were_asked_for(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    sandbox.eventarc.deployed.put("usd-assembly-trigger", False)
    assert do(environment, markers=True).outcome == "done"
    assert started_for(sandbox, EXPORT) == [f"{PREFIX}assets/.regen3d_complete"]


def test_what_was_started_is_delivered_at_the_policys_rate(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    def many() -> None:
        for number in range(5):
            sandbox.store.put(DATA, f"{FOREIGN}{number}", b"theirs")

    for trigger in EVERYWHERE[1:]:
        sandbox.eventarc.deployed.put(trigger, False)
    Meanwhile(sandbox, many)
    environment.policy.release_per_minute = 300.0
    result = do(environment)
    assert len(started_for(sandbox, EXPORT)) == 5
    release = next(seconds for step, seconds in result.run.seconds.items() if "release" in step)
    assert release >= 4 / 5.0, "the first goes at once"


def test_work_on_the_scene_is_a_reason_not_to_begin(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    argument = {"data": {"bucket": DATA, "name": f"{PREFIX}assets/.regen3d_complete"}}
    environment.policy.poll_seconds = 0.02
    sandbox.simulator.jobs.job_seconds = 5
    environment.workflows.start(ASSEMBLY, argument, labels={})
    result = do(environment)
    assert result.outcome == "refused"
    assert ASSEMBLY in result.reasons[0]
    assert contents(sandbox.store, f"{PREFIX}regen3d/") == {}


def test_a_subscription_that_cannot_be_held_refuses_unless_told_otherwise(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    sandbox.faults.add(FaultRule(service="pubsub", method="GetSubscription", kind="status", status=403))
    result = do(environment)
    assert result.outcome == "refused"
    assert "without_hold" in result.reasons[0]
    assert contents(sandbox.store) == {}
    assert do(environment, without_hold=True).outcome == "done"
    assert len(executions(sandbox)) > 0


def test_a_delivery_that_somebody_else_holds_is_left_alone(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    subscription = next(name for name in pushing(environment) if EVERYWHERE[0] in name)
    environment.delivery.hold(subscription)
    result = do(environment)
    assert result.outcome == "refused"
    assert "no ticket says by whom" in " ".join(result.reasons)
    assert environment.delivery.push_config(subscription) == {}


def test_without_deployed_triggers_nothing_is_held(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    without_triggers(sandbox)
    assert do(environment).outcome == "done"
    assert [name for name in live(sandbox.store, OPS) if "/holds/" in name] == []


def test_a_list_whose_bytes_changed_since_approval_is_refused_and_delivery_is_given_back(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    before = pushing(environment)

    def say(sentence: str) -> None:
        if "restore data" in sentence:
            (part,) = [one for one in sandbox.store.list(OPS, "remediation/restore/") if "/data/" in one.name]
            lines = gzip.decompress(part.data).splitlines(keepends=True)
            sandbox.store.put(OPS, part.name, gzip.compress(b"".join(reversed(lines))))

    request = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test")
    result = restore(Context(environment, "a test", say=say), request)
    assert result.outcome == "failed"
    assert "is not the one of the plan" in result.reasons[0]
    assert pushing(environment) == before
    assert contents(sandbox.store) == {}


def test_what_somebody_let_push_meanwhile_ends_the_restore_before_it_starts_workflows(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    before = pushing(environment)

    def say(sentence: str) -> None:
        if "restore data" in sentence:
            for name, config in before.items():
                environment.delivery.release(name, dict(config))  # type: ignore[call-overload]

    request = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test")
    result = restore(Context(environment, "a test", say=say), request)
    assert result.outcome == "failed"
    assert "is not held any more" in result.reasons[0]
    assert (contents(sandbox.store), executions(sandbox)) == ({}, [])


def test_a_restore_ends_before_its_hold_would_lose_events(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    before = pushing(environment)
    environment.backup = environment.backup.model_copy(update={"hold_hours": 1e-9})
    result = do(environment)
    assert result.outcome == "failed"
    assert "had to be over" in result.reasons[0]
    assert pushing(environment) == before
    assert contents(sandbox.store) == {}


def test_what_an_event_of_a_moment_ago_has_started_is_waited_for(
    environment: PipelineEnvironment, sandbox: Sandbox, lost: None
) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=ASSEMBLY, kind="hold"))
    draw, begun = sandbox.faults.draw, []
    argument = json.dumps({"data": {"bucket": DATA, "name": f"{PREFIX}assets/.regen3d_complete"}})

    def at_the_hold(service: str, method: str, kinds: Any = None) -> FaultRule | None:
        if (service, method) == ("pubsub", "ModifyPushConfig") and not begun:
            begun.append(sandbox.workflows.start(ASSEMBLY, argument))
            threading.Timer(0.5, sandbox.simulator.forgive).start()
        return draw(service, method, kinds)

    sandbox.faults.draw = at_the_hold  # type: ignore[method-assign]
    while_it_ran: list[str] = []

    def written(bucket: str, version: Any) -> None:
        (execution,) = sandbox.workflows.executions.newest_first(ASSEMBLY)
        if bucket == DATA and "/regen3d/" in version.name and execution.ended is None:
            while_it_ran.append(version.name)

    sandbox.store.on_finalize(written)
    assert do(environment).outcome == "done"
    assert begun
    assert while_it_ran == []
