"""What a tired person sees: the flow run, its plan and its report in Prefect's user interface, in a real browser."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deployments.world import Run, RunningStack, living, wait_for
from tests.ui.browser import CHROMIUM, picture_of, text_of

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


def words(url: str) -> str:
    """The page's text without its tags."""
    body = re.sub(r"<(script|style).*?</\1>", " ", text_of(url), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_page_of_the_run_says_what_it_did_and_how_it_ended(stack: RunningStack, seen: Seen) -> None:
    page = words(f"{stack.ui_url}/runs/flow-run/{seen.run['id']}?tab=Details")
    assert f"recover {SCENE} (apply)" in page
    assert "Completed" in page
    assert "5 Task runs" in page
    assert f"{SCENE}: done" in page


def test_the_page_of_the_plan_shows_each_action_and_the_digest(stack: RunningStack, seen: Seen) -> None:
    page = words(f"{stack.ui_url}/artifacts/artifact/{seen.artifacts['plan-seen-001']}")
    assert re.search(r"Plan [0-9a-f]{16} for seen_001: \d+ deletions \([\d,]+ bytes\), 1 start, 1 check", page)
    assert f"scenes/{SCENE}/geniesim/.geniesim_complete" in page
    assert f"genie-sim-export-pipeline for {SCENE}" in page


def test_the_page_of_the_report_shows_before_and_after(stack: RunningStack, seen: Seen) -> None:
    page = words(f"{stack.ui_url}/artifacts/artifact/{seen.artifacts['recovery-seen-001']}")
    assert f"{SCENE}: done" in page
    assert "genie-sim-export ❌ missing ✅ complete" in page
    assert f"remediate undo {SCENE} " in page


def test_the_form_for_a_run_explains_its_parameters(stack: RunningStack) -> None:
    found = stack.prefect("GET", "deployments/name/export-recovery/export-recovery")
    page = words(f"{stack.ui_url}/deployments/deployment/{found['id']}/run")
    assert "The scenes, e.g." in page
    assert '"plan" changes nothing' in page


def test_a_picture_of_the_run_can_be_taken(stack: RunningStack, seen: Seen, tmp_path: Path) -> None:
    """The pictures of the documentation are taken so (tests/ui/screenshots.py)."""
    picture = tmp_path / "run.png"
    picture_of(f"{stack.ui_url}/v2/runs/flow-run/{seen.run['id']}", picture, 1400, 900)
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 50_000, "an empty page is smaller"
