"""What a tired person sees: the flow run, its plan and its report in Prefect's user interface, in a real browser."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.deployments.world import Run, RunningStack, living, wait_for
from tests.ui.browser import CHROMIUM, insist

pytestmark = [
    pytest.mark.ui,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install one, as in apt-get install chromium"),
]

SCENE = "seen_001"


@dataclass(frozen=True)
class Seen:
    """A recovery that has ended, and the identifiers of its artifacts by key."""

    run: Run
    artifacts: dict[str, str]


@pytest.fixture(scope="module")
def seen(stacks: list[RunningStack]) -> Seen:
    stack = living(stacks)
    stack.scene(SCENE, "export_missing")
    run = stack.ended(stack.start("export-recovery/export-recovery", scene_ids=[SCENE], mode="apply"))
    assert run["state_type"] == "COMPLETED"
    mine = {"flow_runs": {"id": {"any_": [run["id"]]}}, "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    wait_for(lambda: stack.prefect("POST", "task_runs/count", mine) == 5, "Prefect to have recorded the task runs")
    found = stack.prefect("POST", "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    return Seen(run, {one["key"]: one["id"] for one in found})


def shows(page: Page, url: str, *sentences: str | re.Pattern[str]) -> None:
    """Open the page and wait until it shows all of that."""

    def look() -> None:
        page.goto(url)
        for sentence in sentences:
            expect(page.locator("body")).to_contain_text(sentence)

    insist(page, look)


def test_the_page_of_the_run_says_what_it_did_and_how_it_ended(stack: RunningStack, seen: Seen, page: Page) -> None:
    url = f"{stack.ui_url}/v2/runs/flow-run/{seen.run['id']}?tab=Logs"
    shows(page, url, f"recover {SCENE} (apply)", "Completed", "5 Task runs", f"{SCENE}: done")


def test_the_page_of_the_plan_shows_each_action_and_the_digest(stack: RunningStack, seen: Seen, page: Page) -> None:
    url = f"{stack.ui_url}/v2/artifacts/artifact/{seen.artifacts['plan-seen-001']}"
    sentence = re.compile(r"Plan [0-9a-f]{16} for seen_001: \d+ deletions \([\d,]+ bytes\), 1 start, 1 check")
    shows(
        page, url, sentence, f"scenes/{SCENE}/geniesim/", ".geniesim_complete", f"genie-sim-export-pipeline for {SCENE}"
    )


@pytest.mark.parametrize("width", [1400, 1100])
def test_no_column_of_the_plan_is_off_the_screen(stack: RunningStack, seen: Seen, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    shows(page, f"{stack.ui_url}/v2/artifacts/artifact/{seen.artifacts['plan-seen-001']}", "only if")
    for table in page.get_by_role("table").all():
        assert table.evaluate("one => one.scrollWidth <= one.parentElement.clientWidth + 1")


def test_the_page_of_the_report_shows_before_and_after(stack: RunningStack, seen: Seen, page: Page) -> None:
    url = f"{stack.ui_url}/v2/artifacts/artifact/{seen.artifacts['recovery-seen-001']}"
    shows(page, url, f"{SCENE}: done", "genie-sim-export❌ missing✅ complete", f"remediate undo {SCENE} ")


def test_the_form_for_a_run_explains_its_parameters(stack: RunningStack, page: Page) -> None:
    found = stack.prefect("GET", "deployments/name/export-recovery/export-recovery")
    url = f"{stack.ui_url}/v2/deployments/deployment/{found['id']}/run"
    shows(page, url, "The scenes, one an item", '"plan" changes nothing')
