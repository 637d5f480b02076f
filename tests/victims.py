"""A process that is killed while it works: it forks a child for each order it reads (one JSON object a line).

It imports everything once, before any thread exists: a process of its own for each case costs milliseconds instead of
seconds. Of each child it prints the process id, the outcome if it comes that far, and how it ended.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from blocks.clients import load_libraries


def say(message: dict[str, Any]) -> None:
    """One line to the tests."""
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


def serve(carry_out: Callable[[dict[str, Any]], None]) -> None:
    """Fork for every order until there are no more."""
    load_libraries()
    say({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                carry_out(order)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        say({"pid": child})
        _, status = os.waitpid(child, 0)
        say({"exit": os.waitstatus_to_exitcode(status)})
