"""A process that recovers a scene and may be killed meanwhile. Run as `python -m tests.recovery.victim`.

It imports everything once, before any thread exists, and forks a child for each order it reads (one JSON object a
line): a process of its own for each case costs milliseconds instead of seconds. Of each child it prints the process id,
the outcome if it comes that far, and how it ended.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.recovery.recover import Wanted, recover_scene
from tasks.remediation.context import Context


def say(message: dict[str, Any]) -> None:
    """One line to the tests."""
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


def recover(order: dict[str, Any]) -> None:
    """What the child does: one recovery, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(**order["policy"]))
    context = Context(
        environment, order["actor"], holder_is_alive=lambda holder: False if holder.owner in order["dead"] else None
    )
    result = recover_scene(context, order["scene_id"], Wanted(**order["wanted"]))
    say({"outcome": result.outcome, "reasons": result.reasons, "run": result.run})


def main() -> None:
    """Fork for every order until there are no more."""
    say({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                recover(order)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        say({"pid": child})
        _, status = os.waitpid(child, 0)
        say({"exit": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
