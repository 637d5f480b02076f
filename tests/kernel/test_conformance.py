"""Every procedure keeps the promises of the one lifecycle. A procedure gets these tests by being listed (cases.py)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from blocks.policy import RemediationPolicy
from deployments.sandbox.server import Sandbox
from tasks.procedures import PROCEDURES, kinds_of
from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.lease import lease_name
from tasks.remediation.outcome import GOOD
from tasks.remediation.procedure import Procedure
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRun
from tests.kernel.cases import CASES, Case, World, environment_of
from tests.kernel.registered import every
from tests.kernel.world import Killed, Losing, deaths, heir, journals, killed_at, policies, snapshot

OPS = "sandbox-ops"
RISKS = ("low", "medium", "high")
each = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture
def world(case: Case) -> Iterator[World]:
    """The case's procedure with something to do, in a sandbox of its own."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = environment_of(sandbox)
        procedure, request = case.make(sandbox, environment)
        sandbox.requests.reset()
        yield World(sandbox, environment, procedure, request)
        environment.close()


def carried_out(world: World, context: Context | None = None, **changes: Any) -> Run:
    """One run."""
    return run(world.procedure, context or Context(world.environment, "ann"), world.asked(**changes))


def digest(world: World) -> str:
    """Of the plan that it would carry out now."""
    plan = carried_out(world, mode="plan").plan
    assert plan is not None
    return plan.digest


def refused(world: World, word: str, **changes: Any) -> str:
    """It ends in that word with nothing changed at all; its first sentence."""
    before = snapshot(world.sandbox)
    one = carried_out(world, **changes)
    assert one.outcome == word, one.sentence()
    assert snapshot(world.sandbox) == before
    assert world.sandbox.store.get(OPS, lease_name(one.subject)) is None
    return one.reasons[0]


@each
def test_it_does_its_work_and_then_there_is_nothing_left_to_do(world: World) -> None:
    one = carried_out(world)
    assert one.outcome == "done", one.sentence()
    assert carried_out(world).outcome in GOOD


@each
def test_plan_mode_asks_for_no_change_of_anything(world: World) -> None:
    assert carried_out(world, mode="plan").outcome == "planned"
    assert world.sandbox.requests.mutating() == {"total": 0}


@each
def test_what_is_applied_is_what_was_planned(world: World) -> None:
    planned = digest(world)
    one = carried_out(world, plan_digest=planned)
    assert one.outcome == "done", one.sentence()
    assert one.plan is not None
    assert one.plan.digest == planned


@each
def test_the_kill_switch_refuses_what_takes_away(case: Case, world: World) -> None:
    policies(world.environment, kill_switch=["by bo: fire"])
    if case.stops:
        assert "by bo: fire" in refused(world, "refused")
    else:
        assert carried_out(world).outcome == "done"


@each
def test_outside_the_window_nothing_begins(case: Case, world: World) -> None:
    now = datetime.now(UTC)
    policies(world.environment, window_days=(now + timedelta(days=3)).strftime("%a").lower())
    if case.stops:
        assert "outside the change window" in refused(world, "refused")
    else:
        assert carried_out(world).outcome == "done"


@each
@pytest.mark.parametrize("cap", ["max_objects", "max_bytes"])
def test_a_cap_of_nothing_refuses_whatever_deletes_or_replaces(case: Case, world: World, cap: str) -> None:
    policies(world.environment, **{cap: 0})
    if case.takes:
        assert cap in refused(world, "refused")
    else:
        assert carried_out(world).outcome == "done"


@each
def test_where_the_policy_wants_a_person_nothing_happens_without_one(world: World) -> None:
    policies(world.environment, approval=dict.fromkeys(RISKS, "person"))
    wanted = digest(world)
    assert wanted in refused(world, "needs_approval")
    yes = Approval(decision="approve", approver="bo", plan_digest=wanted)
    assert carried_out(world, approval=yes).outcome == "done"


@each
@pytest.mark.parametrize(
    "answer", [{"approver": "ann"}, {"plan_digest": "0" * 16}, {"decision": "reject"}], ids=lambda a: next(iter(a))
)
def test_an_approval_by_the_requester_of_another_plan_or_a_no_does_not_count(
    world: World, answer: dict[str, Any]
) -> None:
    policies(world.environment, approval=dict.fromkeys(RISKS, "person"))
    given = {"decision": "approve", "approver": "bo", "plan_digest": digest(world)} | answer
    refused(world, "refused", approval=Approval(**given))


@each
def test_another_digest_than_the_reviewed_one_is_refused(world: World) -> None:
    assert "something has changed" in refused(world, "refused", plan_digest="0" * 16)


@each
def test_while_somebody_holds_its_subject_nothing_happens(world: World) -> None:
    subject = world.procedure.subjects(Context(world.environment, "x"), world.request)[0]
    before = snapshot(world.sandbox)
    with Context(world.environment, "somebody").holding(subject, "their-run"):
        one = carried_out(world)
    assert (one.outcome, "somebody" in one.reasons[0]) == ("busy", True)
    assert snapshot(world.sandbox) == before


def deaths_of(case: Case) -> list[tuple[int, bool]]:
    """When a run of it can die."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = environment_of(sandbox)
        procedure, request = case.make(sandbox, environment)
        found = deaths(sandbox, lambda: run(procedure, Context(environment, "ann"), request))
        environment.close()
    return found


def names(sandbox: Sandbox) -> dict[str, frozenset[str]]:
    """What is there, by bucket, without what tells of the runs themselves."""
    return {
        bucket.name: frozenset(
            found.name for found in sandbox.store.list(bucket.name, "") if not found.name.startswith("remediation/")
        )
        for bucket in sandbox.store.buckets()
    }


@each
def test_killed_before_or_after_any_entry_of_its_journal_another_process_brings_it_to_its_end(case: Case) -> None:
    for number, before in deaths_of(case):
        with Sandbox(job_seconds=0.02, seed=7) as sandbox:
            environment = environment_of(sandbox)
            procedure, request = case.make(sandbox, environment)
            started = starts(sandbox)
            with pytest.raises(Killed), killed_at(number, before=before):
                run(procedure, Context(environment, "victim"), request)
            one = run(procedure, heir(environment), request)
            assert one.outcome in GOOD, (number, before, one.sentence())
            assert starts(sandbox) - started <= 1, f"started twice when killed at entry {number}"
            subject = procedure.subjects(Context(environment, "x"), request)[0]
            mine = [
                journal
                for journal in journals(environment, sandbox, subject)
                if journal.plan().procedure == procedure.name
            ]
            assert all(journal.ended for journal in mine)
            environment.close()


def starts(sandbox: Sandbox) -> int:
    """Executions and job runs that were started."""
    return sandbox.requests.count("executions", "CreateExecution") + sandbox.requests.count("run", "RunJob")


class Counting:
    """Loses the lease when the `number`th step is announced, and remembers what there was then."""

    def __init__(self, sandbox: Sandbox, number: int) -> None:
        self.sandbox, self.number, self.steps = sandbox, number, 0
        self.seen: frozenset[tuple[str, str, int]] | None = None
        self.context: Losing | None = None

    def say(self, subject: str, sentence: str) -> None:
        """Told before each step (`subject: step`), and while it goes on."""
        step = sentence.removeprefix(f"{subject}: ")
        if step == sentence or ": " in step:
            return
        self.steps += 1
        if self.steps == self.number and self.context is not None:
            self.context.lose()
            self.seen = snapshot(self.sandbox)


@each
def test_a_lease_that_is_lost_before_a_step_stops_before_its_action(case: Case) -> None:
    number = 0
    while True:
        number += 1
        with Sandbox(job_seconds=0.02, seed=7) as sandbox:
            environment = environment_of(sandbox)
            procedure, request = case.make(sandbox, environment)
            subject = procedure.subjects(Context(environment, "x"), request)[0]
            counting = Counting(sandbox, number)
            counting.context = context = Losing(environment, "ann", say=partial(counting.say, subject))
            one = run(procedure, context, request)
            environment.close()
            if counting.seen is None:
                break
            assert one.outcome == "stopped", (number, one.sentence())
            assert snapshot(sandbox) == counting.seen, number
    assert number > 1, "it has no step at all"


@each
def test_ended_runs_of_a_newer_version_stand_in_nobodys_way(world: World) -> None:
    subject = world.procedure.subjects(Context(world.environment, "x"), world.request)[0]
    newer = Journal(world.environment.storage, OPS, subject, "20990101t000000z-1", "newer")
    newer.append("begin", {"plan": {"procedure": world.procedure.name, "actions": 7, "mood": "new"}})
    newer.append("end", {"outcome": "transcended"})
    assert carried_out(world).outcome == "done"


@each
def test_its_actions_are_of_its_kinds_and_can_be_found_for_an_undo(world: World) -> None:
    plan = carried_out(world, mode="plan").plan
    assert plan is not None
    known = {kind.name for kind in world.procedure.kinds}
    assert {action.kind for action in plan.actions} <= known
    assert known <= {kind.name for kind in kinds_of(world.procedure.name)} | {
        kind.name for kind in world.procedure.kinds
    }


@each
def test_every_action_says_what_why_under_which_condition_and_how_back(world: World) -> None:
    plan = carried_out(world, mode="plan").plan
    assert plan is not None
    for action in plan.actions:
        assert action.target
        assert action.why
        assert action.effect in ("read", "start") or (action.precondition and action.undo), action


def test_every_procedure_is_listed_and_is_in_this_suite() -> None:
    found = every(Procedure)
    assert found == {*PROCEDURES, UndoRun}
    assert {one.name for one in found} == {case.name for case in CASES}


def test_no_two_procedures_share_a_name_and_no_subject_can_be_a_scene() -> None:
    assert len({one.name for one in PROCEDURES}) == len(PROCEDURES)
    assert RemediationPolicy().approval.keys() == set(RISKS)
