"""A process that makes backups and may be killed meanwhile. Run as `python -m tests.backup.victim`."""

from __future__ import annotations

from typing import Any

from blocks.backup import BackupPolicy
from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.remediation.context import Context
from tests.backup.world import back_up
from tests.victims import say, serve


def run(order: dict[str, Any]) -> None:
    """What the child does: one backup, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(lease_seconds=120))
    environment.backup = BackupPolicy.model_validate(order["rules"])
    context = Context(environment, "victim", gone=lambda holder: True)
    result = back_up(context)
    say({"outcome": result.outcome, "reasons": result.reasons})


if __name__ == "__main__":
    serve(run)
