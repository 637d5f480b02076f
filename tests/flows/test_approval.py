"""A person's approval: bound to the plan they saw, and anything but a clear yes by somebody else means no."""

from __future__ import annotations

from typing import Any

import pytest
from prefect import flow
from prefect.flow_runs import resume_flow_run

from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from flows.export_recovery import export_recovery
from tasks.remediation.approval import ask
from tasks.remediation.plan import Plan
from tests.flows.world import BUCKET, Saved, Started, artifacts, generations, run


@pytest.fixture
def broken(saved: Saved, sandbox: Sandbox, kitchen: str) -> str:
    """A scene whose recovery spends GPU time, where the policy wants a person for that."""
    saved.keep(approval={"low": "automatic", "medium": "automatic", "high": "person"})
    damage(sandbox.store, BUCKET, kitchen, "export_corrupt")
    return kitchen


def digest_of(scene_id: str) -> str:
    """The digest a person reads in the plan's artifact."""
    planned = run(export_recovery, scene_ids=[scene_id])
    return str(artifacts(planned)["plan-kitchen-001"].description).split()[1]


def test_the_run_waits_for_a_person_and_recovers_when_they_approve(saved: Saved, sandbox: Sandbox, broken: str) -> None:
    before, digest = generations(sandbox), digest_of(broken)
    started = Started(export_recovery, scene_ids=[broken], mode="apply", requested_by="ann")
    waiting = started.paused()
    assert generations(sandbox) == before
    resume_flow_run(waiting.id, run_input={"decision": "approve", "approver": "bo", "plan_digest": digest})
    state = started.ended()
    assert state.message == "kitchen_001: done"
    begun = [found for found in sandbox.store.list("sandbox-ops", "remediation/journal/") if "000001" in found.name]
    assert len(begun) == 1
    assert b'"approved_by":"bo"' in begun[0].data.replace(b" ", b"")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"decision": "reject", "approver": "bo", "comment": "not today"}, "was rejected by bo: not today."),
        ({}, "was rejected by somebody: no reason."),
        ({"decision": "approve", "approver": " Ann "}, "Ann asked for plan"),
        ({"decision": "approve", "approver": " "}, "was approved without a name"),
        (
            {"decision": "approve", "approver": "bo", "plan_digest": "0123456789abcdef"},
            "approved plan 0123456789abcdef",
        ),
    ],
    ids=["rejected", "an empty form", "the requester", "nobody", "another plan"],
)
def test_anything_but_a_clear_yes_by_somebody_else_is_a_no(
    saved: Saved, sandbox: Sandbox, broken: str, answer: dict[str, str], says: str
) -> None:
    before = generations(sandbox)
    started = Started(export_recovery, scene_ids=[broken], mode="apply", requested_by="ann")
    resume_flow_run(started.paused().id, run_input=answer)
    state = started.ended()
    assert state.is_failed()
    assert state.message is not None
    assert says in state.message
    assert generations(sandbox) == before


def test_an_approval_does_not_hold_for_a_plan_that_changed_meanwhile(
    saved: Saved, sandbox: Sandbox, broken: str
) -> None:
    started = Started(export_recovery, scene_ids=[broken], mode="apply", requested_by="ann")
    waiting = started.paused()
    damage(sandbox.store, BUCKET, broken, "usd_truncated")
    before = generations(sandbox)
    resume_flow_run(waiting.id, run_input={"decision": "approve", "approver": "bo"})
    state = started.ended()
    assert state.is_failed()
    assert state.message is not None
    assert state.message.startswith("kitchen_001: refused - bo approved plan")
    assert generations(sandbox) == before


def test_time_running_out_means_no(saved: Saved) -> None:
    policy = saved.environment.policy.model_copy(update={"approval_minutes": 0.05})

    @flow
    def asking() -> Any:
        return ask(Plan(procedure="p", subject="kitchen_001"), policy, "ann", "a table")

    state = run(asking)
    assert state.is_failed()
    assert state.message is not None
    assert "never resumed" in state.message


def test_several_scenes_do_not_wait_for_anybody(saved: Saved, sandbox: Sandbox, broken: str) -> None:
    """One form cannot approve two plans: such a batch says which scenes need approval, and changes nothing."""
    make_scene(sandbox.store, BUCKET, "office_001", "office", objects=2)
    damage(sandbox.store, BUCKET, "office_001", "export_corrupt")
    before = generations(sandbox)
    state = run(export_recovery, scene_ids=[broken, "office_001"], mode="apply")
    assert state.is_failed()
    assert state.message is not None
    assert "1 needs approval" in state.message
    assert generations(sandbox) == before
