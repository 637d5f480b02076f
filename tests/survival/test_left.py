"""Runs that were left are found, whatever became of their processes, and carried on by exactly one other."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import MARKS
from tasks.remediation.lease import lease_name
from tasks.remediation.runner import run
from tasks.remediation.unfinished import NEVER_BEGUN, unfinished_runs
from tasks.survival.left import Left, continue_all, continue_left, what_is_left
from tests.kernel.cases import CASES, OPS, Case, World, environment_of
from tests.kernel.world import Killed, heir, journals, killed_at

BY_NAME = {case.name: case for case in CASES}
CONTINUED = (
    "export-recovery",
    "restore-objects",
    "restore-state",
    "restore-definition",
    "pause-intake",
    "reconcile-intake",
    "rollback",
    "escalation",
    "gpu-capacity",
    "generate-scene",
    "simulator-outage",
    "end-gpu-relief",
    "job-deploy",
)


def world(case: Case, sandbox: Sandbox) -> World:
    environment = environment_of(sandbox)
    procedure, request = case.make(sandbox, environment)
    return World(sandbox, environment, procedure, request)


def leave(one: World, entry: int = 2) -> None:
    """Its process dies right after a journal entry."""
    with killed_at(entry, before=False), pytest.raises(Killed):
        run(one.procedure, Context(one.environment, "the dead one"), one.request)


def marks(sandbox: Sandbox) -> list[str]:
    return [found.name for found in sandbox.store.list(OPS, MARKS)]


@pytest.mark.parametrize("name", CONTINUED)
def test_a_run_that_was_left_is_found_and_carried_on_to_its_end(sandbox: Sandbox, name: str) -> None:
    one = world(BY_NAME[name], sandbox)
    before = set(marks(sandbox))
    leave(one)
    (left,) = (found for found in what_is_left(heir(one.environment)) if f"{MARKS}{found.found.run}.json" not in before)
    assert (left.found.state, left.found.procedure) == ("left", name)
    done = continue_left(heir(one.environment), left)
    assert done is not None
    goes_on = one.procedure.unfinished == "continue"
    assert (left.outcome, done.continues) == ("done", left.found.run if goes_on else ""), "else it is planned anew"
    assert set(marks(sandbox)) == before
    assert journals(one.environment, sandbox, left.found.subject)[-1].ended


@pytest.mark.parametrize("name", CONTINUED)
def test_what_a_run_was_asked_is_asked_again(sandbox: Sandbox, name: str) -> None:
    """Otherwise the run would be refused, or another plan would be carried out."""
    one = world(BY_NAME[name], sandbox)
    subject = one.procedure.subjects(Context(one.environment, "x"), one.request)[0]
    again = one.procedure.again(subject, one.request.asked(), "why")
    assert again is not None
    assert (again.asked(), again.mode, again.reason) == (one.request.asked(), "apply", "why")
    assert one.procedure.subjects(Context(one.environment, "x"), again)[0] == subject


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - set(CONTINUED)))
def test_what_is_planned_anew_is_left_to_its_schedule_or_a_person(sandbox: Sandbox, name: str) -> None:
    one = world(BY_NAME[name], sandbox)
    leave(one)
    context = heir(one.environment)
    found = [left for left in what_is_left(context) if left.found.procedure == name]
    assert len(found) == 1
    assert continue_left(context, found[0]) is None
    assert "is not continued by itself" in found[0].told
    assert found[0].outcome is None


@pytest.fixture
def recovery(sandbox: Sandbox) -> World:
    return world(BY_NAME["export-recovery"], sandbox)


def test_a_run_whose_holder_lives_is_left_alone(recovery: World) -> None:
    leave(recovery)
    alive = Context(recovery.environment, "x", gone=lambda _: False)
    (one,) = what_is_left(alive)
    assert one.found.state == "at work"
    assert "the dead one" in one.told
    assert continue_left(alive, one) is None
    assert one.outcome is None


def test_a_lease_that_nobody_renews_is_waited_for(recovery: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after a crash on another machine its lease has not ended yet."""
    leave(recovery)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        recovery.sandbox.store.delete(OPS, lease_name("kitchen_001"))

    monkeypatch.setattr("tasks.survival.left.time.sleep", sleep)
    elsewhere = Context(recovery.environment, "x", gone=lambda _: False)
    (one,) = what_is_left(elsewhere, patience=600)
    assert one.found.state == "left"
    assert 100 < slept[0] < 130, "the 120 s of the lease and the skew of clocks"


def test_a_lease_that_outlasts_the_patience_is_not_waited_for(recovery: World, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(recovery)
    monkeypatch.setattr("tasks.survival.left.time.sleep", lambda _: pytest.fail("it waited"))
    (one,) = what_is_left(Context(recovery.environment, "x", gone=lambda _: False), patience=60)
    assert one.found.state == "at work"


def test_looking_changes_nothing(recovery: World) -> None:
    leave(recovery)
    recovery.sandbox.requests.reset()
    what_is_left(heir(recovery.environment))
    assert recovery.sandbox.requests.mutating() == {"total": 0}


def test_a_mark_behind_an_ended_journal_is_removed_and_nothing_is_run(recovery: World) -> None:
    done = run(recovery.procedure, Context(recovery.environment, "x"), recovery.request)
    assert done.outcome == "done"
    assert marks(recovery.sandbox) == [], "a run that ends removes its mark"
    body = b'{"procedure":"export-recovery","subject":"kitchen_001"}'
    recovery.sandbox.store.put(OPS, f"{MARKS}{done.id}.json", body)
    (one,) = what_is_left(heir(recovery.environment))
    assert one.found.state == "over"
    assert continue_left(heir(recovery.environment), one) is None
    assert marks(recovery.sandbox) == []


def test_a_mark_before_a_journal_that_never_began_is_over_after_an_hour(recovery: World) -> None:
    body, name = b'{"procedure":"export-recovery","subject":"kitchen_001"}', f"{MARKS}20260101t000000z-aaaaaaaa.json"
    recovery.sandbox.store.put(OPS, name, body)
    context = heir(recovery.environment)
    assert [one.found.state for one in what_is_left(context)] == ["at work"]
    recovery.sandbox.store.put(OPS, name, body, at=datetime.now(UTC) - NEVER_BEGUN - timedelta(minutes=1))
    assert [one.found.state for one in what_is_left(context)] == ["over"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"subject": 7, "procedure": "x"}'])
def test_what_is_no_mark_is_named_and_kept(environment: PipelineEnvironment, sandbox: Sandbox, body: bytes) -> None:
    sandbox.store.put(OPS, f"{MARKS}x.json", body)
    context = heir(environment)
    (one,) = what_is_left(context)
    assert one.found.state == "damaged"
    assert f"gs://{OPS}/{MARKS}x.json is no mark of a run" in one.told
    assert continue_left(context, one) is None
    assert marks(sandbox) == [f"{MARKS}x.json"]
    assert continue_all(context, [one], lambda _: None) == "failed", "a person must look"


def test_a_damaged_journal_is_a_persons(recovery: World) -> None:
    leave(recovery)
    (first,) = [
        found.name for found in recovery.sandbox.store.list(OPS, "remediation/journal/") if "000001" in found.name
    ]
    recovery.sandbox.store.put(OPS, first, b"{}")
    (one,) = what_is_left(heir(recovery.environment))
    assert one.found.state == "damaged"
    assert first in one.told


def test_a_procedure_of_another_version_is_not_guessed(recovery: World) -> None:
    leave(recovery)
    context = heir(recovery.environment)
    (one,) = what_is_left(context)
    foreign = Left(replace(one.found, procedure="teleport"))
    assert continue_left(context, foreign) is None
    assert foreign.outcome == "refused"
    assert "no procedure 'teleport'" in foreign.told


def test_the_guard_is_asked_again_before_a_run_is_carried_on(recovery: World) -> None:
    leave(recovery)
    policy = recovery.environment.policy.model_copy(update={"kill_switch": ["stop"]})
    recovery.environment.policy = policy
    context = heir(recovery.environment)
    (one,) = what_is_left(context)
    continue_left(context, one)
    assert one.outcome == "refused"
    assert "stop" in one.told
    assert len(marks(recovery.sandbox)) == 1, "it is still unfinished"


def test_of_two_that_carry_on_the_same_run_one_does(recovery: World) -> None:
    leave(recovery)
    recovery.sandbox.store.delete(OPS, lease_name("kitchen_001"))
    words: list[str | None] = []

    def one_of_two() -> None:
        context = Context(recovery.environment, "x", gone=lambda _: False)
        for left in what_is_left(context):
            continue_left(context, left)
            words.append(left.outcome)

    both = [threading.Thread(target=one_of_two) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert words.count("done") == 1
    assert set(words) <= {"done", "busy", "nothing_to_do", None}
    jobs = [
        journal for journal in journals(recovery.environment, recovery.sandbox, "kitchen_001") if journal.plan().actions
    ]
    assert [journal.ended for journal in jobs] == [True]


def test_a_few_are_carried_on_at_a_time(recovery: World) -> None:
    leave(recovery)
    (one,) = what_is_left(heir(recovery.environment))
    recovery.environment.policy = recovery.environment.policy.model_copy(update={"ramp_limit": 3})
    waves: list[int] = []
    continue_all(
        heir(recovery.environment), [Left(one.found) for _ in range(8)], lambda group: waves.append(len(group))
    )
    assert waves == [3, 3, 2]


def test_the_worst_word_is_the_word_of_all(recovery: World) -> None:
    leave(recovery)
    (one,) = what_is_left(heir(recovery.environment))
    words = iter(["done", "busy", "done"])

    def each(group: list[Left]) -> None:
        for left in group:
            left.outcome = next(words)  # type: ignore[assignment]

    assert continue_all(heir(recovery.environment), [Left(one.found) for _ in range(3)], each) == "busy"


def test_marks_are_read_oldest_first(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for run_id in ("20260103t000000z-aaaaaaaa", "20260101t000000z-bbbbbbbb"):
        sandbox.store.put(OPS, f"{MARKS}{run_id}.json", b'{"procedure":"x","subject":"s"}')
    assert [one.run[:8] for one in unfinished_runs(heir(environment))] == ["20260101", "20260103"]
