"""What a Terraform state and its lock are called, and where they are."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment

STATE, LOCK = ".tfstate", ".tflock"


def folder_of(environment: PipelineEnvironment) -> str:
    """The folder of the states: empty, or ending in '/'."""
    prefix = environment.backup.terraform_state_prefix
    return f"{prefix}/" if prefix else ""
