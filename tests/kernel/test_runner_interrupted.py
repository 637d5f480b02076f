"""A run that was killed anywhere is continued by the next one with nothing done twice, or gives way as its procedure says."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.plan import Action, Plan
from tasks.remediation.runner import run
from tests.kernel.fake import (
    APPLY,
    OPS,
    SUBJECT,
    THREE,
    Fake,
    FakeRequest,
    an_action,
    begun,
    fake,
    put,
    take,
)
from tests.kernel.world import Killed, heir, journals, killed_at, snapshot, tried


def test_killed_at_any_entry_of_the_journal_it_is_continued_to_the_same_end_with_nothing_twice(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    with killed_at(10**6, before=True) as count:
        assert run(fake(), Context(environment, "x"), APPLY).outcome == "done"
        entries = count()
    assert entries == 8
    for number in range(1, entries + 1):
        for before in (True, False):
            with Sandbox(seed=3) as other:
                fresh = for_sandbox(other.endpoints)
                with pytest.raises(Killed), killed_at(number, before=before):
                    run(fake(), Context(fresh, "victim"), APPLY)
                one = run(fake(), heir(fresh), APPLY)
                if number == entries and not before:
                    continue  # it had written its end: what follows is a run of its own
                assert (one.outcome, tried(other)) == ("done", {"a": 1, "b": 1, "c": 1, "d": 1}), (number, before)
                assert sum(not journal.ended for journal in journals(fresh, other, SUBJECT)) == 0
                fresh.close()


def test_an_interrupted_run_with_other_options_is_refused_or_given_up_as_the_procedure_says(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = begun(environment)
    other = FakeRequest(mode="apply", options="other")
    one = run(fake(), heir(environment), other)
    assert (one.outcome, id_ in one.reasons[0]) == ("refused", True)
    assert run(fake(abandons=True), heir(environment), other).outcome == "done"
    ended = next(journal for journal in journals(environment, sandbox, SUBJECT) if journal.run == id_)
    assert ended.entries[-1].data["outcome"] == "stopped"


def test_an_interrupted_run_of_another_digest_is_not_overwritten(environment: PipelineEnvironment) -> None:
    id_ = begun(environment)
    one = run(fake(), heir(environment), FakeRequest(mode="apply", plan_digest="f" * 16))
    assert (one.outcome, id_ in one.reasons[0]) == ("refused", True)


def test_a_plan_of_a_newer_version_is_not_carried_out_and_blocks_nobody(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    newer: Action = an_action(put, "a").model_copy(update={"kind": "teleport"})
    journal = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "newer")
    journal.append("begin", {"plan": Plan(procedure="fake", subject=SUBJECT, actions=(newer,)).model_dump(mode="json")})
    before = snapshot(sandbox)
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, "teleport" in one.reasons[0], snapshot(sandbox)) == ("refused", True, before)
    assert run(fake(abandons=True), heir(environment), APPLY).outcome == "done"


def test_a_procedure_that_plans_anew_ends_its_interrupted_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    class Anew(Fake):
        unfinished = "replan"

    id_ = begun(environment, Anew(actions=THREE))
    one = run(Anew(actions=THREE), heir(environment), APPLY)
    assert (one.outcome, one.id != id_) == ("done", True)
    assert all(journal.ended for journal in journals(environment, sandbox, SUBJECT))


def test_a_plan_that_was_edited_in_its_journal_is_not_carried_out(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    plan = Plan(procedure="fake", subject=SUBJECT, actions=THREE)
    edited = plan.model_copy(update={"actions": (*THREE, an_action(take, "precious"))})
    journal = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "somebody")
    journal.append("begin", {"plan": edited.model_dump(mode="json"), "digest": plan.digest})
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, "somebody has edited it" in one.reasons[0], tried(sandbox)) == ("refused", True, {})


def test_an_interrupted_run_is_found_behind_later_runs_of_other_procedures(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = begun(environment)
    other = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "another procedure")
    other.append("begin", {"plan": Plan(procedure="other", subject=SUBJECT).model_dump(mode="json")})
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, one.id) == ("done", id_)


def test_after_an_undo_has_begun_the_undone_run_is_not_carried_on(environment: PipelineEnvironment) -> None:
    id_ = begun(environment)
    undoing = Journal(environment.storage, OPS, SUBJECT, "20990101t000000z-1", "undo")
    undoing.append("begin", {"plan": Plan(procedure="undo", subject=SUBJECT).model_dump(mode="json")})
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, one.id != id_) == ("done", True)
