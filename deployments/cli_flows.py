"""`remediate recover` and `remediate undo`: the flows, run in this process, against the Prefect server in use."""

from __future__ import annotations

import os
import sys
from typing import Any

from deployments.state import STATE, running

HEARTBEAT_SECONDS = 30
"""How often a run says that it lives: a third of what deployments/automations.yaml waits before it calls it crashed."""


def use_running_stack() -> None:
    """Talk to the Prefect server of `remediate up` when no other one is named, and keep nothing in the home folder."""
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(HEARTBEAT_SECONDS))
    stack = running("up")
    if "PREFECT_API_URL" not in os.environ and stack is not None and "control" in stack:
        os.environ["PREFECT_API_URL"] = stack["api_url"]
        os.environ.setdefault("PREFECT_HOME", str(STATE / "prefect"))


def run_recovery(scene_ids: list[str], mode: str, environment: str, options: dict[str, Any]) -> int:
    """Run `export-recovery` here. Returns 0 when every scene is well, 1 when one needs a person, 2 when it could not."""
    use_running_stack()
    from flows.export_recovery import export_recovery

    return outcome(export_recovery, scene_ids=scene_ids, mode=mode, environment=environment, **options)


def run_undo(scene_id: str, run: str, mode: str, environment: str, markers: bool) -> int:
    """Run `undo-recovery` here. Returns as `run_recovery`."""
    use_running_stack()
    from flows.undo_recovery import undo_recovery

    return outcome(undo_recovery, scene_id=scene_id, run=run, mode=mode, environment=environment, markers=markers)


def outcome(flow: Any, **parameters: Any) -> int:
    """Run a flow and turn its final state into an exit code; the state's message is the last line printed."""
    try:
        state = flow(return_state=True, **parameters)
    except Exception as error:  # whatever it is, the person on call gets one sentence
        print(f"The flow could not run: {error}", file=sys.stderr)
        return 2
    print(state.message or state.name, file=sys.stdout if state.is_completed() else sys.stderr)
    return 0 if state.is_completed() else 1
