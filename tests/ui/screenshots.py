"""The pictures of the documentation, taken of the real thing: `.venv/bin/python -m tests.ui.screenshots`."""

from __future__ import annotations

import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from deployments.stack import Stack, call
from tests.ui.browser import CHROMIUM, insist, opened

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SCENE = "kitchen_001"


def main() -> None:
    """Recover a scene as a person does, back it up, and take pictures of form, plan, approval, run, report, scorecard."""
    if CHROMIUM is None:
        sys.exit("There is no Chromium: install one, as in apt-get install chromium.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with Stack("screenshots") as stack, opened() as page:
        stack.control("POST", "scenes", {"scene_id": SCENE, "kind": "kitchen"})
        stack.control("POST", f"scenes/{SCENE}/damage", {"name": "export_missing"})
        planned = run(stack, "export-recovery", {"scene_ids": [SCENE], "requested_by": "ann"})
        picture(page, artifact(stack, planned, "plan-"), "plan", "only if")
        ask_a_person(stack)
        asked = {"scene_ids": [SCENE], "mode": "apply", "requested_by": "ann"}
        recovered = run(stack, "export-recovery", asked, "PAUSED")
        approval(page, f"{stack.ui_url}/v2/runs/flow-run/{recovered}")
        call("POST", f"{stack.api_url}/flow_runs/{recovered}/resume", {"run_input": answer(stack, planned)})
        ended(stack, recovered, "COMPLETED")
        insist(page, lambda: whole_run(page, f"{stack.ui_url}/v2/runs/flow-run/{recovered}?tab=TaskRuns"))
        picture(page, artifact(stack, recovered, "recovery-"), "report", "Where the time went")
        run(stack, "nightly-backup", {"mode": "apply"})
        run(stack, "restore-drill", {})
        verified = run(stack, "verify-backup", {})
        picture(page, artifact(stack, verified, "check-verify-backup"), "scorecard", "Where the time went")
    shutil.rmtree(stack.folder, ignore_errors=True)


def picture(page: Page, url: str, name: str, sentence: str) -> None:
    """A picture of the upper part of an artifact, once it shows that."""

    def take() -> None:
        page.goto(url)
        expect(page.get_by_text(sentence).first).to_be_visible()
        page.screenshot(path=IMAGES / f"{name}.png")

    insist(page, take)


def whole_run(page: Page, url: str) -> None:
    """The run with its task runs, which Prefect records a moment later than they end."""
    page.goto(url)
    expect(page.locator("body")).to_contain_text(re.compile(r"[5-9] Task runs"))
    expect(page.locator("body")).to_contain_text("rerun genie-sim-export-pipeline")
    page.screenshot(path=IMAGES / "recovery.png")


def approval(page: Page, url: str) -> None:
    """The form of a run that waits for a person."""

    def take() -> None:
        page.goto(url)
        expect(page.get_by_text("Suspended", exact=True).first).to_be_visible()
        page.get_by_role("button", name="Open menu").click()
        page.get_by_role("menuitem", name="Resume").click()
        expect(page.get_by_text("Approve this plan?")).to_be_visible()
        page.screenshot(path=IMAGES / "approval.png")

    insist(page, take)


def ask_a_person(stack: Stack) -> None:
    """The policy wants a person for every plan that is not of low risk."""
    path = "block_types/slug/remediation-environment/block_documents/name/default?include_secrets=true"
    block = call("GET", f"{stack.api_url}/{path}")
    policy = {**block["data"]["policy"], "approval": {"low": "automatic", "medium": "person", "high": "person"}}
    call("PATCH", f"{stack.api_url}/block_documents/{block['id']}", {"data": {"policy": policy}})


def run(stack: Stack, name: str, parameters: dict[str, Any], until: str = "COMPLETED") -> str:
    """One flow run of the deployment of that name, until it is in that state; its id."""
    found = call("GET", f"{stack.api_url}/deployments/name/{name}/{name}")
    body: dict[str, Any] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    made = call("POST", f"{stack.api_url}/deployments/{found['id']}/create_flow_run", body)
    ended(stack, made["id"], until)
    return str(made["id"])


def ended(stack: Stack, flow_run: str, until: str) -> None:
    """Wait until the flow run is in that state."""
    deadline = time.monotonic() + 240
    while (now := call("GET", f"{stack.api_url}/flow_runs/{flow_run}"))["state_type"] != until:
        if now["state_type"] in ("FAILED", "CRASHED") or time.monotonic() > deadline:
            raise SystemExit(f"{now['name']}: {now['state']}")
        time.sleep(0.2)


def found_artifacts(stack: Stack, flow_run: str) -> list[dict[str, Any]]:
    """What a flow run left, the newest first."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [flow_run]}}, "sort": "CREATED_DESC"}
    return list(call("POST", f"{stack.api_url}/artifacts/filter", wanted))


def artifact(stack: Stack, flow_run: str, key: str) -> str:
    """The page of the newest artifact of a flow run whose key begins so."""
    found = next(one["id"] for one in found_artifacts(stack, flow_run) if one["key"].startswith(key))
    return f"{stack.ui_url}/v2/artifacts/artifact/{found}"


def answer(stack: Stack, planned: str) -> dict[str, str]:
    """Yes to the plan."""
    plan = next(one for one in found_artifacts(stack, planned) if one["key"].startswith("plan-"))
    return {"decision": "approve", "approver": "bo", "plan_digest": plan["description"].split()[1]}


if __name__ == "__main__":
    main()
