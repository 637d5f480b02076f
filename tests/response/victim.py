"""A process that responds to an incident and may be killed meanwhile. Run as `python -m tests.response.victim`."""

from __future__ import annotations

from typing import Any

from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.remediation.context import Context
from tasks.response.respond import respond
from tasks.response.response import Means
from tests.response.world import ANSWERS, FLOW_RUN, QUICK, Person, wanted
from tests.victims import say, serve


def answer(order: dict[str, Any]) -> None:
    """What the child does: the response of a flow run, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(**QUICK))
    context = Context(environment, "ann", flow_run_id=FLOW_RUN)
    one = respond(context, wanted(pause="yes"), Means(ask=Person(ANSWERS)))
    say({"outcome": one.outcome, "reasons": one.reasons})


if __name__ == "__main__":
    serve(answer)
