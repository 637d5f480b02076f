"""Which interrupted run is found, whether it is carried on or ended, and what it is weighed against by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import new_run_id
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.kind import Kind
from tasks.remediation.plan import Action, Plan
from tasks.remediation.runner import run
from tests.kernel.fake import (
    APPLY,
    OPS,
    SUBJECT,
    THREE,
    Fake,
    FakeRequest,
    Named,
    an_action,
    begun,
    fake,
    launch,
    put,
    take,
)
from tests.kernel.world import heir, policies, tried

PERSON = dict.fromkeys(("low", "medium", "high"), "person")
see: Kind[Named] = Kind(name="see", params=Named, effect="read", apply=lambda doing, params: "seen")


def written(
    environment: PipelineEnvironment,
    id_: str,
    *actions: Action,
    procedure: str = "fake",
    details: dict[str, Any] | None = None,
    **said: Any,
) -> Journal:
    """An interrupted run with that plan, of which nothing was done."""
    plan = Plan(procedure=procedure, subject=SUBJECT, actions=actions, details=details or {})
    journal = Journal(environment.storage, OPS, SUBJECT, id_, "somebody")
    journal.append("begin", {"plan": plan.model_dump(mode="json"), "digest": plan.digest, **said})
    return journal


@pytest.mark.parametrize(("days", "continued"), [(0.1, True), (2, True), (6.9, True), (7.1, False), (30, False)])
def test_an_interrupted_run_is_looked_for_a_week_back(
    environment: PipelineEnvironment, days: float, continued: bool
) -> None:
    id_ = new_run_id(datetime.now(UTC) - timedelta(days=days))
    written(environment, id_, *THREE)
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, one.id == id_) == ("done", continued)


def test_of_several_the_latest_is_continued(environment: PipelineEnvironment) -> None:
    ids = [new_run_id(datetime.now(UTC) - timedelta(hours=hours)) for hours in (3, 2, 1)]
    for id_ in ids:
        written(environment, id_, *THREE)
    assert run(fake(), heir(environment), APPLY).id == ids[-1]


@pytest.mark.parametrize(
    ("procedure", "details"),
    [("undo", {}), ("resume-intake", {"undoes": "the-run"}), ("resume-intake", {"undoes": ""})],
    ids=["undo", "an undo of another name", "one that undoes nothing named"],
)
def test_once_anything_was_undone_neither_the_run_nor_the_undo_is_carried_on(
    environment: PipelineEnvironment, procedure: str, details: dict[str, Any]
) -> None:
    id_ = begun(environment)
    undo = written(environment, new_run_id(), an_action(take, "a"), procedure=procedure, details=details)
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, one.id in (id_, undo.run)) == ("done", False)
    assert set(one.done) == {"put:a", "launch:b", "put:c", "put:d"}
    assert not read_journal(environment.storage, OPS, SUBJECT, undo.run, "x").ended


def test_a_run_of_another_procedure_is_left_to_it(environment: PipelineEnvironment) -> None:
    other = written(environment, new_run_id(), an_action(put, "x"), procedure="other")
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, one.id != other.run) == ("done", True)
    assert not read_journal(environment.storage, OPS, SUBJECT, other.run, "x").ended


def test_a_procedure_that_may_abandon_does_not_where_it_can_go_on(environment: PipelineEnvironment) -> None:
    id_ = begun(environment)
    one = run(fake(abandons=True), heir(environment), APPLY)
    assert (one.outcome, one.id) == ("done", id_)


def test_one_of_a_version_that_did_not_record_what_was_asked_is_continued(environment: PipelineEnvironment) -> None:
    journal = written(environment, new_run_id(), *THREE)
    assert "asked" not in journal.begin.data
    assert run(fake(), heir(environment), APPLY).id == journal.run


def test_caps_are_of_what_is_left_and_no_share_is_asked(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    taking = fake(actions=(an_action(take, "a", objects=40), an_action(take, "b")))
    id_ = begun(environment, taking)
    policies(environment, max_objects=1)
    one = run(fake(actions=taking.actions, total=0), heir(environment), APPLY)
    assert (one.outcome, one.id) == ("done", id_)


@pytest.mark.parametrize(
    ("last", "goes_on"), [(see, True), (put, False), (launch, False)], ids=["see", "put", "launch"]
)
def test_what_only_looks_is_carried_out_under_any_switch(
    environment: PipelineEnvironment, sandbox: Sandbox, last: Kind[Named], goes_on: bool
) -> None:
    def looking(**more: Any) -> Fake:
        made = fake(actions=(an_action(put, "a"), an_action(last, "b")), **more)
        made.kinds = (*made.kinds, see)
        return made

    begun(environment, looking())
    policies(environment, kill_switch=["by ann: fire"])
    one = run(looking(refuses=("Not now.",)), heir(environment), APPLY)
    assert one.outcome == ("done" if goes_on else "refused")
    assert tried(sandbox) == {"a": 1}


def test_what_only_adds_goes_on_under_the_switch_and_is_asked_by_its_own_guard(
    environment: PipelineEnvironment,
) -> None:
    class Adding(Fake):
        additive = True

    begun(environment, Adding(actions=THREE))
    policies(environment, kill_switch=["by ann: fire"], max_objects=0)
    refused = run(Adding(actions=THREE, refuses=("Not now.",)), heir(environment), APPLY)
    assert (refused.outcome, refused.reasons[0]) == ("refused", "Not now.")
    assert run(Adding(actions=THREE), heir(environment), APPLY).outcome == "done"


@pytest.mark.parametrize(("approved", "word"), [("", "needs_approval"), ("0" * 16, "needs_approval"), (None, "done")])
def test_only_the_approval_of_this_very_plan_holds_when_it_is_continued(
    environment: PipelineEnvironment, approved: str | None, word: str
) -> None:
    digest = Plan(procedure="fake", subject=SUBJECT, actions=THREE).digest
    written(environment, new_run_id(), *THREE, approved_digest=digest if approved is None else approved)
    policies(environment, approval=PERSON)
    assert run(fake(), heir(environment), APPLY).outcome == word


def test_an_interrupted_plan_of_the_asked_digest_is_continued(environment: PipelineEnvironment) -> None:
    id_ = begun(environment)
    digest = Plan(procedure="fake", subject=SUBJECT, actions=THREE).digest
    assert run(fake(), heir(environment), FakeRequest(mode="apply", plan_digest=digest)).id == id_


def test_a_journal_whose_later_actions_cannot_be_carried_out_is_not_even_begun_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    newer = an_action(put, "z").model_copy(update={"params": {"nome": "z"}})
    written(environment, new_run_id(), an_action(put, "a"), newer)
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, tried(sandbox)) == ("refused", {})
