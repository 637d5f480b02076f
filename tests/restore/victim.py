"""A process that restores and may be killed meanwhile. Run as `python -m tests.restore.victim`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.remediation.context import Context
from tasks.restore.request import RestoreRequest
from tests.restore.world import restore
from tests.victims import say, serve


def one_restore(order: dict[str, Any]) -> None:
    """What the child does: one restore, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(**order["policy"]))
    environment.backup = environment.backup.model_copy(update=order["backup"])
    wanted = dict(order["wanted"])
    if "at" in wanted:
        wanted["at"] = datetime.fromisoformat(wanted["at"])
    result = restore(Context(environment, "victim"), RestoreRequest(**wanted))
    say({"outcome": result.outcome, "reasons": result.reasons, "run": result.id})


if __name__ == "__main__":
    serve(one_restore)
