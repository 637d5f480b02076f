"""A run begins with all that whoever continues, undoes or judges it needs, and only under its leases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation import approval
from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.lease import lease_name
from tasks.remediation.plan import Plan
from tasks.remediation.run import Run
from tasks.remediation.runner import run, run_approved
from tests.kernel.fake import APPLY, OPS, SUBJECT, THREE, Fake, FakeRequest, fake
from tests.kernel.world import Killed, heir, journals, killed_at, policies, tried

ALWAYS_A_PERSON = dict.fromkeys(("low", "medium", "high"), "person")
DIGEST = Plan(procedure="fake", subject=SUBJECT, actions=THREE).digest


def beginning(environment: PipelineEnvironment, sandbox: Sandbox) -> dict[str, JsonValue]:
    (journal,) = journals(environment, sandbox, SUBJECT)
    return journal.begin.data


def test_the_beginning_records_the_plan_what_was_asked_and_by_whom(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = Context(environment, "ann", flow_run_id="flow-1")
    one = run(fake(), context, FakeRequest(mode="apply", options="o", reason="a test", case="case-7"))
    assert one.plan is not None
    assert beginning(environment, sandbox) == {
        "plan": one.plan.model_dump(mode="json"),
        "digest": DIGEST,
        "subjects": [SUBJECT, "@second"],
        "asked": {"options": "o"},
        "reason": "a test",
        "case": "case-7",
        "flow_run": "flow-1",
        "approved_by": "",
        "approver_is": "",
        "approved_digest": "",
    }
    (journal,) = journals(environment, sandbox, SUBJECT)
    assert {entry.actor for entry in journal.entries} == {"ann"}


def test_an_approved_run_records_who_approved_which_plan(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    policies(environment, approval=ALWAYS_A_PERSON)
    yes = Approval(decision="approve", approver="bo", plan_digest=DIGEST)
    assert run(fake(), Context(environment, "ann"), FakeRequest(mode="apply", approval=yes)).outcome == "done"
    said = beginning(environment, sandbox)
    assert (said["approved_by"], said["approver_is"], said["approved_digest"]) == ("bo", "claimed", DIGEST)


class Staging(Fake):
    """Puts something in place before its journal begins."""

    def stage(self, run: Run, facts: str, plan: Plan) -> Mapping[str, JsonValue]:
        """One object under the run's id."""
        storage = run.context.environment.storage
        assert list(storage.list(OPS, "remediation/journal/")) == []
        assert (facts, plan.actions, run.id != "") == ("seen", THREE, True)
        storage.create(OPS, f"staged/{run.id}", b"")
        return {"staged": run.id, "reason": "of the procedure"}


def test_what_the_run_needs_is_in_place_before_its_journal_begins_and_recorded_there(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    one = run(Staging(actions=THREE), Context(environment, "ann"), APPLY)
    assert one.outcome == "done"
    said = beginning(environment, sandbox)
    assert (said["staged"], said["reason"]) == (one.id, "of the procedure")
    assert sandbox.store.get(OPS, f"staged/{one.id}") is not None


def test_one_that_dies_before_its_journal_begins_has_changed_nothing_but_that(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    with pytest.raises(Killed), killed_at(1, before=True):
        run(Staging(actions=THREE), Context(environment, "victim"), APPLY)
    assert (tried(sandbox), journals(environment, sandbox, SUBJECT)) == ({}, [])
    assert run(Staging(actions=THREE), heir(environment), APPLY).outcome == "done"


@pytest.mark.parametrize("subject", [SUBJECT, "@second"])
def test_nothing_is_staged_or_begun_once_any_lease_is_somebody_elses(
    environment: PipelineEnvironment, sandbox: Sandbox, subject: str
) -> None:
    class Slow(Staging):
        def guard(self, run: Run, facts: str | None, plan: Plan, request: FakeRequest) -> tuple[str, ...]:
            """While it thinks, somebody takes its lease over."""
            found = sandbox.store.get(OPS, lease_name(subject))
            assert found is not None
            sandbox.store.put(OPS, found.name, found.data, quiet=True)
            return ()

    assert run(Slow(actions=THREE), Context(environment, "ann"), APPLY).outcome == "stopped"
    assert (list(sandbox.store.list(OPS, "staged/")), journals(environment, sandbox, SUBJECT)) == ([], [])


def test_the_leases_are_of_the_run_that_begins(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    class Looking(Fake):
        def observe(self, run: Run, request: FakeRequest) -> str:
            """Remember who holds what."""
            held.extend((lease.subject, lease.holder.run, lease.holder.owner) for lease in run.leases)
            return "seen"

    held: list[tuple[str, str, str]] = []
    one = run(Looking(actions=THREE), Context(environment, "ann"), APPLY)
    assert held == [(SUBJECT, one.id, "ann"), ("@second", one.id, "ann")]


def test_a_run_has_a_folder_of_its_own_that_is_gone_afterwards(context: Context) -> None:
    class Writing(Fake):
        def observe(self, run: Run, request: FakeRequest) -> str:
            """Write something."""
            (run.folder / "list").write_text("x")
            folders.append(run.folder)
            return "seen"

    folders: list[Path] = []
    for request in (APPLY, FakeRequest()):
        run(Writing(actions=THREE), context, request)
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)


@pytest.mark.parametrize(
    ("answer", "outcome"), [({"decision": "approve", "approver": "bo"}, "done"), ({"decision": "reject"}, "refused")]
)
def test_a_person_is_asked_after_they_were_shown_the_plan_and_their_answer_counts(
    environment: PipelineEnvironment,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
    outcome: str,
) -> None:
    order: list[str] = []

    def ask(plan: Plan, policy: Any, requester: str, shown: str, link: str) -> Approval:
        order.append(f"ask {requester}")
        assert (plan.digest in shown, link) == (True, "")
        assert tried(sandbox) == {}
        return Approval(plan_digest=plan.digest, **answer)

    monkeypatch.setattr(approval, "ask", ask)
    policies(environment, approval=ALWAYS_A_PERSON)
    one = run_approved(
        fake(), Context(environment, "ann"), APPLY, publish=lambda one: order.append(f"show {one.outcome}")
    )
    assert (order, one.outcome) == (["show needs_approval", "ask ann"], outcome)


def test_nobody_is_asked_where_no_person_is_wanted(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "ask", lambda *_: pytest.fail("asked"))
    assert run_approved(fake(), context, APPLY, publish=lambda _: pytest.fail("shown")).outcome == "done"


def test_a_plan_is_shown_without_asking_anybody(environment: PipelineEnvironment) -> None:
    policies(environment, approval=ALWAYS_A_PERSON)
    assert run_approved(fake(), Context(environment, "ann"), FakeRequest()).outcome == "planned"
