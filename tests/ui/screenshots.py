"""The pictures of the documentation, taken of the real thing: `.venv/bin/python -m tests.ui.screenshots`."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

from deployments.stack import Stack, call
from tests.ui.browser import CHROMIUM, picture_of

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SCENE = "kitchen_001"


def main() -> None:
    """Recover a scene, back it up, and take pictures of the plan, the flow run and the scorecard."""
    if CHROMIUM is None:
        sys.exit("There is no Chromium: install one, as in apt-get install chromium.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with Stack("screenshots") as stack:
        stack.control("POST", "scenes", {"scene_id": SCENE, "kind": "kitchen"})
        stack.control("POST", f"scenes/{SCENE}/damage", {"name": "export_missing"})
        planned = run(stack, "export-recovery", {"scene_ids": [SCENE], "mode": "plan"})
        plan = f"{stack.ui_url}/v2/artifacts/artifact/{artifact(stack, planned)}"
        picture_of(plan, IMAGES / "plan.png", 1700, 760)
        recovered = run(stack, "export-recovery", {"scene_ids": [SCENE], "mode": "apply"})
        time.sleep(2)  # the server writes task runs and logs a moment later than it answers
        page = f"{stack.ui_url}/v2/runs/flow-run/{recovered}?tab=TaskRuns"
        picture_of(page, IMAGES / "recovery.png", 1400, 900)
        run(stack, "nightly-backup", {"mode": "apply"})
        run(stack, "restore-drill", {})
        verified = run(stack, "verify-backup", {})
        card = f"{stack.ui_url}/v2/artifacts/artifact/{artifact(stack, verified, 'check-verify-backup')}"
        picture_of(card, IMAGES / "scorecard.png", 1700, 620)
    shutil.rmtree(stack.folder, ignore_errors=True)


def run(stack: Stack, name: str, parameters: dict[str, Any]) -> str:
    """One flow run of the deployment of that name to its end; its id."""
    found = call("GET", f"{stack.api_url}/deployments/name/{name}/{name}")
    body: dict[str, Any] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    made = call("POST", f"{stack.api_url}/deployments/{found['id']}/create_flow_run", body)
    deadline = time.monotonic() + 120
    while (now := call("GET", f"{stack.api_url}/flow_runs/{made['id']}"))["state_type"] != "COMPLETED":
        if now["state_type"] in ("FAILED", "CRASHED") or time.monotonic() > deadline:
            raise SystemExit(f"{now['name']}: {now['state']}")
        time.sleep(0.2)
    return str(made["id"])


def artifact(stack: Stack, flow_run: str, key: str = "") -> str:
    """The table artifact of a flow run (the one with this key)."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [flow_run]}, "type": {"any_": ["table"]}}}
    found = call("POST", f"{stack.api_url}/artifacts/filter", wanted)
    return next(str(one["id"]) for one in found if key in one["key"])


if __name__ == "__main__":
    main()
