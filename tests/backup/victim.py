"""A process that makes backups and may be killed meanwhile. Run as `python -m tests.backup.victim`.

It imports everything once, before any thread exists, and forks a child for each order it reads (one JSON object a
line). Of each child it prints the process id, the outcome if it comes that far, and how it ended.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from blocks.backup import BackupPolicy
from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.backup.backup import back_up
from tasks.remediation.context import Context
from tests.recovery.victim import say


def run(order: dict[str, Any]) -> None:
    """What the child does: one backup, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(lease_seconds=120))
    environment.backup = BackupPolicy.model_validate(order["rules"])
    context = Context(environment, "victim", holder_is_alive=lambda holder: False)
    result = back_up(context, "apply")
    say({"outcome": result.outcome, "reasons": result.reasons})


def main() -> None:
    """Fork for every order until there are no more."""
    say({"ready": True})
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        say({"pid": child})
        _, status = os.waitpid(child, 0)
        say({"exit": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
