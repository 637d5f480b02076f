"""A process that tells people and may be killed meanwhile. Run as `python -m tests.escalation.victim`."""

from __future__ import annotations

from typing import Any

from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tests.escalation.world import tell
from tests.victims import say, serve


def escalate(order: dict[str, Any]) -> None:
    """What the child does: one escalation, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(lease_seconds=120))
    result = tell(environment, order["incident"], ahead=order["ahead"])
    say({"outcome": result.outcome, "reasons": result.reasons})


if __name__ == "__main__":
    serve(escalate)
