"""Flows run in this process, against the Prefect server in use, and their outcomes as exit codes."""

from __future__ import annotations

import os
import sys
from typing import Any

from deployments.state import STATE, running


def use_running_stack() -> None:
    """Talk to the Prefect server of `remediate up` when no other one is named, and keep nothing in the home folder."""
    stack = running("up")
    if "PREFECT_API_URL" not in os.environ and stack is not None and "control" in stack:
        os.environ["PREFECT_API_URL"] = stack["api_url"]
        os.environ.setdefault("PREFECT_HOME", str(STATE / "prefect"))


def outcome(flow: Any, **parameters: Any) -> int:
    """Run a flow and turn its outcome into an exit code; the state's message is the last line printed.

    Returns the code of the outcome's word (`tasks.remediation.outcome.EXIT`), and 2 when the flow could not run.
    """
    from tasks.remediation.outcome import EXIT

    try:
        state = flow(return_state=True, **parameters)
        said = state.result(raise_on_failure=False)
    except Exception as error:  # whatever it is, the person on call gets one sentence
        print(f"The flow could not run: {error}", file=sys.stderr)
        return 2
    if not isinstance(said, dict) or said.get("outcome") not in EXIT:
        print(f"The flow could not run: {state.message or state.name}", file=sys.stderr)
        return 2
    print(state.message or state.name, file=sys.stdout if state.is_completed() else sys.stderr)
    return EXIT[said["outcome"]]
