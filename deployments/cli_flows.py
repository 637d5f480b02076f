"""Flows run in this process, against the Prefect server in use, and their outcomes as exit codes."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from blocks.error_details import one_line
from deployments.state import STATE, running

MOST_BYTES = 500_000
"""Of parameters of one flow run: Prefect refuses over 524,288."""
HEARTBEAT_SECONDS = 30
"""How often a run says that it lives: a third of what deployments/automations.yaml waits before it calls it crashed."""


def use_running_stack() -> None:
    """Talk to the Prefect server of `remediate up` when no other one is named, and keep nothing in the home folder."""
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(HEARTBEAT_SECONDS))
    stack = running("up")
    if "PREFECT_API_URL" not in os.environ and stack is not None and "control" in stack:
        os.environ["PREFECT_API_URL"] = stack["api_url"]
        os.environ.setdefault("PREFECT_HOME", str(STATE / "prefect"))


def outcome(flow: Any, **parameters: Any) -> int:
    """Run a flow and turn its outcome into an exit code; the state's message is the last line printed.

    Returns the code of the outcome's word (`tasks.remediation.outcome.EXIT`), and 2 when the flow could not run.
    """
    from tasks.remediation.outcome import EXIT

    size = len(json.dumps(parameters, default=str))
    if size > MOST_BYTES:
        name, many = max(parameters.items(), key=lambda item: len(str(item[1])))
        count = f"{len(many):,} {name.replace('_', ' ')}" if isinstance(many, list) else name
        said = f"{count} in one command are {size // 1000:,} kB; a flow run takes {MOST_BYTES // 1000} kB at most"
        print(f"{said}, and the policy allows far fewer: name fewer.", file=sys.stderr)
        return 2
    without_tracebacks()
    try:
        state = flow(return_state=True, **parameters)
        said = state.result(raise_on_failure=False)
    except Exception as error:  # whatever it is, the person on call gets one sentence
        print(f"The flow could not run: {one_line(error)}.", file=sys.stderr)
        return 2
    message = " ".join((state.message or state.name).split())
    if not isinstance(said, dict) or said.get("outcome") not in EXIT:
        print(f"The flow could not run: {message}", file=sys.stderr)
        return 2
    print(message, file=sys.stdout if state.is_completed() else sys.stderr)
    return EXIT[said["outcome"]]


def without_tracebacks() -> None:
    """Let Prefect's log on this terminal say what a flow raised in one line; the server's record keeps the traceback."""
    for handler in [*logging.getLogger("prefect").handlers, *logging.getLogger().handlers]:  # 3.9 logs by the root
        if _in_one_line not in handler.filters:
            handler.addFilter(_in_one_line)


def _in_one_line(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[1] is not None:
        record.msg, record.args = f"{record.getMessage().strip()} {one_line(record.exc_info[1])}.", ()
        record.exc_info = record.exc_text = None
    return True
