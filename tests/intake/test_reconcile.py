"""After a resume, what was written during the pause and started nothing is found, and started once within the limits."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.delivery.deliver import EVENT_LABEL
from tasks.intake.reconcile import ReconcileIntake, ReconcileRequest
from tasks.procedures import procedure_named
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.intake.world import FLOW, LAYOUT, OBJECTS, USD, only, pause, resume, started
from tests.kernel.world import policies
from tests.restore.world import DATA


def layout(scene: str) -> str:
    return f"scenes/{scene}/layout/scene_layout.json"


def lose(sandbox: Sandbox, *scenes: str) -> None:
    """Layouts of which nobody is told."""
    for scene in scenes:
        sandbox.store.put(DATA, layout(scene), b"{}", quiet=True)


def reconcile(environment: PipelineEnvironment, pause_id: str, **options: object) -> Run:
    """One reconciliation, as a process of its own would do it."""
    request = ReconcileRequest(**({"mode": "apply", "run": pause_id} | options))  # type: ignore[arg-type]
    return run(ReconcileIntake(), Context(environment, "bo", gone=lambda _: True), request)


@pytest.fixture
def paused(environment: PipelineEnvironment, sandbox: Sandbox) -> str:
    """A pause of two triggers; its id."""
    only(sandbox, LAYOUT, USD)
    return pause(environment).id


def test_what_was_lost_is_started_once_with_its_event_and_what_came_is_left(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    sandbox.store.put(DATA, layout("told"), b"{}")
    lose(sandbox, "lost")
    assert resume(environment).outcome == "done"
    assert started(sandbox, OBJECTS) == Counter([layout("told")])
    one = reconcile(environment, paused)
    assert one.outcome == "done", one.sentence()
    assert started(sandbox, OBJECTS) == Counter([layout("told"), layout("lost")])
    assert "2 objects of the pause" in one.summary
    (execution,) = (e for e in sandbox.workflows.executions.newest_first(OBJECTS) if "lost" in (e.argument or ""))
    event, stored = json.loads(execution.argument or "{}"), sandbox.store.get(DATA, layout("lost"))
    assert stored is not None
    assert (event["bucket"], event["data"]["generation"]) == (DATA, str(stored.generation))
    assert EVENT_LABEL in execution.labels
    assert reconcile(environment, paused).outcome == "nothing_to_do"


def test_a_plan_lists_it_with_the_flow_for_a_workflow_that_fails_and_starts_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    lose(sandbox, "lost")
    resume(environment)
    sandbox.requests.reset()
    one = reconcile(environment, paused, mode="plan")
    assert one.outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}
    (section,) = ReconcileIntake().sections(one)
    (row,) = section.rows
    assert (row["trigger"], row["should start"]) == (LAYOUT, OBJECTS)
    assert row["if that fails"] == 'export-recovery {"scene_ids": ["lost"], "mode": "plan"}'


@pytest.mark.parametrize("scenes", [2, 3])
def test_more_scenes_than_the_policy_allows_are_listed_and_not_started(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str, scenes: int
) -> None:
    lose(sandbox, *(f"s_{number}" for number in range(scenes)))
    resume(environment)
    policies(environment, max_scenes=2)
    one = reconcile(environment, paused)
    assert one.outcome == ("done" if scenes == 2 else "refused")
    assert started(sandbox, OBJECTS).total() == (2 if scenes == 2 else 0)
    assert scenes == 2 or "Look for the one cause" in one.reasons[0]


def test_what_was_written_before_the_pause_or_after_it_is_not_looked_at(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    for module in ("tasks.intake.reconcile", "tasks.intake.unanswered"):
        monkeypatch.setattr(f"{module}.CLOCK_SKEW", timedelta(0))
    only(sandbox, LAYOUT)
    lose(sandbox, "before")
    done = pause(environment).id
    resume(environment)
    lose(sandbox, "after")
    assert reconcile(environment, done).outcome == "nothing_to_do"


def test_what_a_person_did_by_hand_counts_by_its_completion_marker(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    sandbox.store.put(DATA, "scenes/a/assets/.regen3d_complete", b"{}", quiet=True)
    sandbox.store.put(DATA, "scenes/a/assets/.simready_complete", b"{}", quiet=True)
    resume(environment)
    assert reconcile(environment, paused).outcome == "nothing_to_do"
    assert started(sandbox, FLOW).total() == 0


def test_a_scene_on_which_somebody_works_is_left_alone_and_named(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    lose(sandbox, "busy", "free")
    resume(environment)
    with Context(environment, "ann").holding("busy", "her-run"):
        request = ReconcileRequest(mode="apply", run=paused)
        one = run(ReconcileIntake(), Context(environment, "bo"), request)
    assert one.outcome == "done", one.sentence()
    assert started(sandbox, OBJECTS) == Counter([layout("free")])
    assert "Nothing is started for busy: a remediation, ann" in " ".join(one.notes)
    assert reconcile(environment, paused).outcome == "done"
    assert started(sandbox, OBJECTS) == Counter([layout("free"), layout("busy")])


def test_a_trigger_that_was_deleted_during_the_pause_loses_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    sandbox.store.put(DATA, layout("lost"), b"{}")
    sandbox.eventarc.deployed.put(LAYOUT, False)
    assert resume(environment).outcome == "done"
    assert started(sandbox, OBJECTS).total() == 0
    assert reconcile(environment, paused).outcome == "done"
    assert started(sandbox, OBJECTS) == Counter([layout("lost")])


def test_what_waits_behind_a_hold_of_somebody_elses_is_not_lost(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    only(sandbox, LAYOUT, USD)
    (by_hand,) = (one.subscription for one in environment.triggers.list() if one.name == LAYOUT)
    environment.delivery.hold(by_hand)
    paused = pause(environment).id
    sandbox.store.put(DATA, layout("a"), b"{}")
    resume(environment)
    one = reconcile(environment, paused)
    assert one.outcome == "nothing_to_do"
    assert f"nobody can tell: triggers {LAYOUT}" in " ".join(one.notes)


def test_an_answer_that_is_refused_is_a_failure_and_not_a_lost_event(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    lose(sandbox, "a")
    resume(environment)
    sandbox.faults.add(FaultRule(service="executions", method="ListExecutions", kind="status", status=403))
    assert reconcile(environment, paused).outcome == "failed"
    assert started(sandbox, OBJECTS).total() == 0


def test_one_that_was_written_again_since_it_was_planned_is_left_to_its_own_event(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    lose(sandbox, "a")
    resume(environment)

    def say(sentence: str) -> None:
        if sentence.endswith("deliver what was missed"):
            sandbox.store.put(DATA, layout("a"), b"{} ")

    context = Context(environment, "bo", say=say)
    one = run(ReconcileIntake(), context, ReconcileRequest(mode="apply", run=paused))
    assert "left alone" in next(iter(one.done.values()))
    assert started(sandbox, OBJECTS) == Counter([layout("a")])


def test_the_kill_switch_stops_it_though_it_stops_no_resume(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    lose(sandbox, "a")
    policies(environment, kill_switch=["fire"])
    assert resume(environment).outcome == "done"
    assert reconcile(environment, paused).outcome == "refused"
    assert started(sandbox, OBJECTS).total() == 0


def test_a_lost_answer_is_found_and_nothing_is_started_twice(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str
) -> None:
    lose(sandbox, "a")
    resume(environment)
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="lost_answer", times=1))
    assert reconcile(environment, paused).outcome == "done"
    assert started(sandbox, OBJECTS) == Counter([layout("a")])


@pytest.mark.parametrize("what", ["open", "no-such-run", "resume", ""])
def test_only_a_pause_that_was_resumed_can_be_reconciled(
    environment: PipelineEnvironment, sandbox: Sandbox, paused: str, what: str
) -> None:
    named = {"open": paused, "resume": resume(environment).id if what == "resume" else ""}.get(what, what)
    one = reconcile(environment, named)
    assert one.outcome == "refused"
    assert ("was not resumed" if what == "open" else "is no pause of intake") in one.reasons[0]


def test_a_run_that_was_left_is_carried_on_by_the_pause_it_asked_for() -> None:
    again = procedure_named("reconcile-intake").again
    assert again("@intake", {"run": "r"}, "why") == ReconcileRequest(mode="apply", run="r", reason="why")
    assert again("@intake", {}, "why") is None
