"""A process that restores and may be killed meanwhile. Run as `python -m tests.restore.victim`.

As `tests.recovery.victim`: it imports everything once and forks a child for each order it reads.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import datetime
from typing import Any

from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.remediation.context import Context
from tasks.restore.restore import restore
from tasks.restore.wanted import Wanted


def say(message: dict[str, Any]) -> None:
    """One line to the tests."""
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


def one_restore(order: dict[str, Any]) -> None:
    """What the child does: one restore, as a process of its own would."""
    environment = for_sandbox(Endpoints(**order["endpoints"]), quick_policy(**order["policy"]))
    environment.backup = environment.backup.model_copy(update=order["backup"])
    wanted = dict(order["wanted"])
    if "at" in wanted:
        wanted["at"] = datetime.fromisoformat(wanted["at"])
    result = restore(Context(environment, "victim"), Wanted(**wanted))
    say({"outcome": result.outcome, "reasons": result.reasons, "run": result.run})


def main() -> None:
    """Fork for every order until there are no more."""
    say({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                one_restore(order)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        say({"pid": child})
        _, status = os.waitpid(child, 0)
        say({"exit": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
