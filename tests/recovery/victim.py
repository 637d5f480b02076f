"""A process that recovers a scene and may be killed meanwhile. Run as `python -m tests.recovery.victim`."""

from __future__ import annotations

from typing import Any

from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.remediation.context import Context
from tests.recovery.world import Wanted, recover_scene
from tests.victims import say, serve


def recover(order: dict[str, Any]) -> None:
    """What the child does: one recovery, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(**order["policy"]))
    context = Context(environment, order["actor"], gone=lambda holder: holder.owner in order["dead"])
    result = recover_scene(context, order["scene_id"], Wanted(**order["wanted"]))
    say({"outcome": result.outcome, "reasons": result.reasons, "run": result.id})


if __name__ == "__main__":
    serve(recover)
