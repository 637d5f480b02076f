"""Terraform is never applied: a person gets the steps, in their order, with what to ask before each."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.rollback.world import page, rollback


def test_a_person_gets_the_steps_and_nothing_is_asked_for_or_changed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    one = rollback(environment, "terraform", "prod", mode="plan", reason="")
    assert one.outcome == "escalated"
    assert sandbox.requests.mutating() == {"total": 0}
    text = page(one)
    order = [
        "git worktree add",
        "terraform init",
        "terraform state list",
        "terraform plan",
        "terraform apply rollback.tfplan",
    ]
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)
    assert "terraform workspace select prod" in text
    assert "remediate restore terraform-state prod" in text
    assert "Somebody else reads the plan and says yes" in text
    assert "## Versions" not in text
    assert "canary" not in text


def test_a_tag_that_is_named_is_in_the_commands(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = rollback(environment, "terraform", "prod", to="v1.4")
    assert one.outcome == "escalated"
    assert "git worktree add ../rollback v1.4" in page(one)
    assert "TAG" not in page(one)
    assert [found.name for found in sandbox.store.list("sandbox-ops", "remediation/journal/")] == []
