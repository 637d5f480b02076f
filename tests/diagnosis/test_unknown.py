"""What could not be asked is unknown, which is never well: it is said, it hides nothing else, and it takes no longer."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.diagnosis import check as module
from tasks.diagnosis import world as bounds
from tasks.diagnosis.check import Diagnose, Question, ask, word_of
from tasks.diagnosis.probe import Found, Probe
from tasks.diagnosis.probes import PROBES, symptoms
from tasks.diagnosis.symptoms import Nothing
from tasks.diagnosis.world import World
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tests.diagnosis.world import DATA, delete_trigger, diagnosed, manifest_damaged, put, rows, scene


@pytest.mark.parametrize(
    ("service", "method", "said"),
    [
        ("eventarc", "*", "missing triggers: Could not list the triggers"),
        ("executions", "*", "ended executions: Could not list the executions of workflow"),
        ("run", "GetJob", "unready jobs: Could not look at job"),
        ("workflows", "GetWorkflow", "missing workflows: Could not look at workflow"),
        ("logging", "*", "log lines: Could not read the log"),
        ("kubernetes", "*", "pending pods: Could not list the pods"),
        ("storage", "objects.get", "Could not look at gs://"),
        ("storage", "objects.list", "dead letters: Could not list gs://"),
    ],
)
def test_a_service_that_does_not_answer_is_unknown_and_hides_nothing_else(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str, said: str
) -> None:
    sandbox.genie_sim.switch("down")
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=503))
    found = diagnosed(environment)
    assert rows(found) == ["genie-sim-down"]
    assert any(said in one for one in found.unknown), found.unknown
    assert word_of(found) == "partial"


@pytest.mark.parametrize(
    ("service", "method"),
    [("eventarc", "*"), ("executions", "*"), ("run", "*"), ("workflows", "*"), ("logging", "*"), ("kubernetes", "*")],
)
def test_what_may_not_be_read_is_not_missing(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str
) -> None:
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    found = diagnosed(environment)
    assert found.causes == []
    assert found.unknown
    assert all("permission" in one for one in found.unknown)


def test_without_the_log_everything_else_is_found(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    delete_trigger(sandbox)
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=403))
    assert rows(diagnosed(environment)) == ["trigger-missing"]


def test_a_service_that_hangs_is_given_up(sandbox: Sandbox) -> None:
    limits = CallLimits(attempts=1, total_seconds=1.0, call_seconds=0.5, first_wait_seconds=0.01)
    environment = for_sandbox(sandbox.endpoints, limits=limits)
    delete_trigger(sandbox)
    sandbox.faults.add(FaultRule(service="logging", kind="hang", seconds=60))
    found = diagnosed(environment)
    environment.close()
    assert rows(found) == ["trigger-missing"]
    assert [one.partition(":")[0] for one in found.unknown] == ["log lines"]


def test_scenes_are_judged_although_executions_hang(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "AHEAD_SECONDS", 0.2)
    limits = CallLimits(attempts=1, total_seconds=5.0, call_seconds=5.0, first_wait_seconds=0.01)
    environment = for_sandbox(sandbox.endpoints, limits=limits)
    scene(sandbox, "kitchen-1")
    manifest_damaged(sandbox, "kitchen-1")
    sandbox.faults.add(FaultRule(service="executions", kind="hang", seconds=60))
    found = diagnosed(environment, "kitchen-1", seconds=4.0)
    environment.close()
    assert rows(found) == ["manifest-damaged"]
    assert (
        "ended executions: not answered. It was not done within 4 s; what it found by then is shown." in found.unknown
    )


def test_a_probe_that_takes_too_long_is_unknown_and_what_it_has_seen_is_kept(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def slow(world: World, asked: list[Any], found: Found) -> None:
        found.say(asked[0].row, "a", "Seen before.")
        release.wait(60)
        found.say(asked[0].row, "b", "Seen too late.")

    monkeypatch.setitem(PROBES, "missing_triggers", Probe("missing_triggers", Nothing, frozenset(), slow))
    wanted = [row for row in symptoms() if row.symptom.probe in ("missing_triggers", "held_delivery")]
    began = time.monotonic()
    try:
        founds = {one.probe: one for one in ask(World(environment, 24.0), wanted, 0.5)}
    finally:
        release.set()
    assert time.monotonic() - began < 30
    assert [sign.sentence for sign in founds["missing_triggers"].signs] == ["Seen before."]
    assert founds["missing_triggers"].unknown == [
        "missing triggers: not answered. It was not done within 0.5 s; what it found by then is shown."
    ]
    assert founds["held_delivery"].unknown == []


def test_a_fault_of_a_probes_own_is_unknown_and_names_it(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(world: World, asked: list[Any], found: Found) -> None:
        raise KeyError("oops")

    monkeypatch.setitem(PROBES, "dead_letters", Probe("dead_letters", Nothing, frozenset(), broken))
    found = diagnosed(environment)
    assert [one for one in found.unknown if "a fault of its own (KeyError" in one] == found.unknown
    assert len(found.unknown) == 1


def test_a_lock_whose_holder_cannot_be_told_is_unknown(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1")
    put(sandbox, "scenes/kitchen-1/locks/other.lock", {"lock": "other"})
    found = diagnosed(environment, "kitchen-1")
    assert rows(found) == []
    (said,) = found.unknown
    assert "locks/other.lock" in said
    assert "names nobody" in said


def test_a_scene_that_is_not_there_is_said_and_is_not_healthy(environment: PipelineEnvironment) -> None:
    found = diagnosed(environment, "no-such-scene")
    assert found.unknown == [
        f"There is nothing at gs://{DATA}/scenes/no-such-scene/: check the scene's id and the data bucket."
    ]
    assert word_of(found) == "partial"


def test_a_ticket_that_cannot_be_read_is_unknown(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.store.put("sandbox-ops", "remediation/holds/run-1.json", b"{")
    (said,) = diagnosed(environment).unknown
    assert "remediation/holds/run-1.json is no ticket" in said


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question(("kitchen/../x",)), "is not a scene id"),
        (Question(("",)), "is not a scene id"),
        (Question(("*",)), "is not a scene id"),
        (Question(hours=0), "use more than 0"),
        (Question(hours=-1), "use more than 0"),
        (Question(hours=100_000), "at most 720"),
        (Question(hours=float("nan")), "use more than 0"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_a_sentence(
    sandbox: Sandbox, context: Context, question: Question, said: str
) -> None:
    run = check(Diagnose(), context, question)
    assert run.outcome == "refused"
    assert said in run.reasons[0]
    assert sandbox.requests.snapshot() == {}


def test_a_catalogue_that_cannot_be_read_ends_it_with_its_line(environment: PipelineEnvironment) -> None:
    environment.catalogue_overlay = "stages:\n  dwm:\n    timeout: 60\n"
    run = check(Diagnose(), Context(environment, "a test"), Question())
    assert run.outcome == "failed"
    assert "line 3" in run.reasons[0]


def test_the_limit_of_the_probes_is_fifteen_seconds() -> None:
    assert module.PROBE_SECONDS == Question().seconds == 15.0
