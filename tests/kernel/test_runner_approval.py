"""A plan that needs a person waits for one: a clear yes to this very plan by somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.plan import Plan
from tasks.remediation.runner import run
from tests.kernel.fake import (
    APPLY,
    SUBJECT,
    THREE,
    FakeRequest,
    fake,
)
from tests.kernel.world import Killed, heir, killed_at, policies, snapshot


def test_an_approval_given_at_the_beginning_holds_for_the_same_plan_when_it_is_continued(
    environment: PipelineEnvironment,
) -> None:
    policies(environment, approval=dict.fromkeys(("low", "medium", "high"), "person"))
    asked = run(fake(), Context(environment, "ann"), APPLY)
    assert asked.plan is not None
    yes = Approval(decision="approve", approver="bo", plan_digest=asked.plan.digest)
    with pytest.raises(Killed), killed_at(3, before=False):
        run(fake(), Context(environment, "ann"), FakeRequest(mode="apply", approval=yes))
    assert run(fake(), heir(environment), APPLY).outcome == "done"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"decision": "reject", "approver": "bo"}, "was rejected by bo"),
        ({"decision": "approve", "approver": ""}, "without a name"),
        ({"decision": "approve", "approver": " ANN "}, "cannot approve it too"),
        ({"decision": "approve", "approver": "bo", "plan_digest": "0" * 16}, "but the plan is now"),
    ],
)
def test_anything_but_a_clear_yes_to_this_plan_by_somebody_else_is_a_no(
    environment: PipelineEnvironment, sandbox: Sandbox, answer: dict[str, Any], says: str
) -> None:
    before = snapshot(sandbox)
    for risk in ("person", "automatic"):
        policies(environment, approval=dict.fromkeys(("low", "medium", "high"), risk))
        digest = Plan(procedure="fake", subject=SUBJECT, actions=THREE).digest
        answered = Approval(**({"plan_digest": digest} | answer))
        one = run(fake(), Context(environment, "ann"), FakeRequest(mode="apply", approval=answered))
        assert (one.outcome, says in one.reasons[0]) == ("refused", True)
    assert snapshot(sandbox) == before
