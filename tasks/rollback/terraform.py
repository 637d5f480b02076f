"""Terraform: nothing is ever applied here; a person gets the exact steps, in their order."""

from __future__ import annotations

from tasks.rollback.evidence import Version
from tasks.rollback.facts import Facts
from tasks.rollback.request import RollbackRequest

ROOT = "infrastructure/terraform"
"""The root module of the pipeline's repository; its own guide names another folder, which has none."""


def look_at_terraform(request: RollbackRequest) -> Facts:
    """Always for a person."""
    return Facts(Version("", ""), escalations=tuple(steps(request.name, request.to)))


def steps(workspace: str, tag: str) -> list[str]:
    """What a person does, one step a sentence."""
    wanted = tag or "TAG"
    find = "" if tag else f" Find TAG: `git log --oneline --decorate -- {ROOT}`, the last one before it broke."
    return [
        "Terraform is never applied by remediation. In a clone of the pipeline's repository, one after the other:",
        f"1. `git worktree add ../rollback {wanted} && cd ../rollback/{ROOT}`.{find}",
        f"2. `terraform init && terraform workspace select {workspace}`. If init stops at a duplicate output definition, "
        "that tag never worked as it is: remove one of the two definitions in the worktree only.",
        "3. `terraform state list` must show what you expect, and `terraform plan -out=rollback.tfplan` only what shall "
        "change. Anything that it would destroy is somebody's work: stop and ask.",
        "4. Somebody else reads the plan and says yes. Then `terraform apply rollback.tfplan`, and plan again: it must be empty.",
        f"If the state itself is damaged, put that back first: `remediate restore terraform-state {workspace}`.",
        "Jobs, workflows, triggers and schedulers are not in Terraform: roll those back by their own kinds.",
    ]
