"""Every report in a browser, as a page and as an artifact in both of Prefect's interfaces: nothing of it is cut off at 1,280
or 1,920 pixels, light or dark, and every picture has its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE, temporary_settings

from deployments.sandbox.server import Sandbox
from tasks.diagnosis.check import Diagnose
from tasks.diagnosis.check import Question as Symptoms
from tasks.doctor.check import Doctor
from tasks.doctor.check import Question as Deployed
from tasks.gpu_capacity.capacity_record import capacity_over_time
from tasks.gpu_capacity.check import GpuCheck
from tasks.monitoring.check import MonitoringAudit
from tasks.override_audit.check import OverrideAudit
from tasks.overview.check import Overview, Question
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.recovery.sweep import look_at_all, scene_ids
from tasks.recovery.sweep_page import keep_sweep
from tasks.remediation.check import Check, check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.latest_page import CHECKS, PLANS, keep_report
from tasks.remediation.report import plan_markdown, run_markdown
from tasks.remediation.runner import run
from tasks.retention.check import RetentionWatch
from tasks.runtime_report.check import RuntimeReport
from tasks.runtime_report.window import Question as Window
from tasks.simulator_outage.check import SimulatorCheck
from tasks.simulator_outage.look import HealthQuestion
from tests.deployments.world import RunningStack, living
from tests.override_audit.planted import KINDS
from tests.restore.world import quick
from tests.ui.browser import CHROMIUM, insist, opened
from tests.ui.overview_pages import WIDTHS, bodies

pytestmark = [
    pytest.mark.ui,
    pytest.mark.xdist_group("stacks"),  # the reports are made once, in the process that has a server to show them
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install one, as in apt-get install chromium"),
]

OPS = "sandbox-ops"
HOME = Path(__file__).resolve().parents[2]
CHECKED: tuple[tuple[Check[object], object], ...] = (
    (Diagnose(), Symptoms((), 24.0)),
    (Doctor(), Deployed(HOME)),
    (GpuCheck(), None),
    (MonitoringAudit(), None),
    (OverrideAudit(), 30),
    (RetentionWatch(), None),
    (RuntimeReport(), Window(None, None)),
    (SimulatorCheck(), HealthQuestion()),
)  # type: ignore[assignment]
OFF_SCREEN = """[...document.querySelectorAll('table,img,pre,p,li,h1,h2,h3')].filter(one => {
    const box = one.getBoundingClientRect(), around = one.parentElement;
    return box.width && (box.right > window.innerWidth + 1 || box.left < -1 || one.scrollWidth > around.clientWidth + 1)
}).map(one => one.tagName + ' ' + one.textContent.slice(0, 80))"""
"""What is wider than the window or than what it stands in."""
LONG = "a-scene-with-a-name-that-is-as-long-as-a-name-may-be-and-has-no-place-to-be-broken-at"


@dataclass
class Reports:
    """Every report of a world in which something of everything is the matter."""

    pages: dict[str, Path] = field(default_factory=dict)
    """As files, by their names in the ops bucket."""
    artifacts: list[str] = field(default_factory=list)
    """As Markdown."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """They are many, and made once."""
    folder, artifacts = tmp_path_factory.mktemp("pages"), []
    # The doctor finds no Prefect server, and starts none to ask it.
    alone = temporary_settings({PREFECT_API_URL: None, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False})
    with alone, Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick(sandbox)
        found = bodies(sandbox, environment)
        for scene, plant in KINDS.values():
            plant(sandbox, environment, scene)
        ask = Context(environment, "ann")
        for one, question in CHECKED:
            seen = check(one, ask, question)
            more = [capacity_over_time(environment, seen.facts.facts[0])] if isinstance(one, GpuCheck) else []
            assert "page" in keep_report(seen, [*sections_of(seen), *more]), seen.sentence()
            artifacts.append(run_markdown(seen, [*sections_of(seen), *more]))
        artifacts.append(keep_sweep(environment, look_at_all(environment, list(scene_ids(environment))), 99))
        sandbox.store.put("sandbox-scenes", f"scenes/{LONG}/geniesim/.failed", b"{}", quiet=True)
        planned = run(ExportRecovery(), ask, RecoveryRequest(scene_id=LONG, mode="plan"))
        keep_report(planned, ExportRecovery().sections(planned))
        assert planned.plan is not None
        artifacts += [plan_markdown(planned.plan), run_markdown(planned, ExportRecovery().sections(planned))]
        overview = check(Overview(), ask, Question())
        artifacts.append(run_markdown(overview, sections_of(overview)))
        for root in (CHECKS, PLANS):
            for stored in sandbox.store.list(OPS, root):
                found[stored.name.removeprefix("remediation/")] = environment.storage.read(OPS, stored.name)
        environment.close()
    made = {name: folder / f"{name.replace('/', '_').removesuffix('.html')}.html" for name in found}
    for name, path in made.items():
        path.write_bytes(found[name])
    return Reports(made, artifacts)


@pytest.fixture
def pages(reports: Reports) -> dict[str, Path]:
    return reports.pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    """One for all of them."""
    with opened() as page:
        yield page


def test_every_check_and_the_plan_left_a_page(pages: dict[str, Path]) -> None:
    known = {one.name for one, _ in CHECKED} | {"export-sweep"}
    assert {name.split("/")[1] for name in pages if name.startswith("checks/")} == known
    assert "plans/export-recovery/kitchen_004.html" in pages


@pytest.fixture(scope="module")
def artifact(reports: Reports, stacks: list[RunningStack]) -> tuple[str, str]:
    """One artifact with all of them, one below the other, in the old interface and in the new one."""
    stack = living(stacks)
    body = {"key": "every-report", "type": "markdown", "data": "\n\n".join(reports.artifacts)}
    made = stack.prefect("POST", "artifacts/", body)["id"]
    return f"{stack.ui_url}/artifacts/artifact/{made}", f"{stack.ui_url}/v2/artifacts/artifact/{made}"


@pytest.mark.parametrize("which", [0, 1], ids=["old", "new"])
def test_nothing_of_any_artifact_is_cut_off(
    artifact: tuple[str, str], reports: Reports, browser: Page, which: int
) -> None:
    def look() -> None:
        browser.goto(artifact[which])
        expect(browser.get_by_text("Where the time went").last).to_be_visible()

    insist(browser, look)
    drawn = sum(one.count("data:image/svg") for one in reports.artifacts)
    for width in WIDTHS:
        browser.set_viewport_size({"width": width, "height": 900})
        assert browser.evaluate(OFF_SCREEN) == []
        pictures = browser.locator("img[src^='data:image/svg']").all()
        assert len(pictures) == drawn >= 4
        assert all(one.evaluate("one => one.naturalWidth > 0 && one.alt.length > 20") for one in pictures)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_of_any_page_is_cut_off(pages: dict[str, Path], browser: Page, width: int) -> None:
    browser.set_viewport_size({"width": width, "height": 900})
    wide = {}
    for name, path in pages.items():
        browser.goto(path.as_uri())
        if (seen := browser.evaluate("document.documentElement.scrollWidth")) > browser.evaluate("window.innerWidth"):
            wide[name] = seen
        cut = "[...document.querySelectorAll('td,th,pre,code')].filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth)"
        assert browser.evaluate(f"{cut}.length") == 0, f"{name}: {browser.evaluate(f'{cut}[0].textContent')}"
    assert wide == {}


def test_every_picture_is_told_in_words_and_no_text_leaves_it(pages: dict[str, Path], browser: Page) -> None:
    browser.set_viewport_size({"width": WIDTHS[0], "height": 900})
    drawn = 0
    for name, path in pages.items():
        browser.goto(path.as_uri())
        for svg in browser.locator("figure svg").all():
            drawn += 1
            assert svg.get_attribute("aria-label") or svg.locator("desc").count(), name
            outside = svg.evaluate(
                """one => { const box = one.getBoundingClientRect(); return [...one.querySelectorAll('text')].filter(each => {
                const own = each.getBoundingClientRect(); return own.left < box.left - 1 || own.right > box.right + 1 })
                .map(each => each.textContent) }"""
            )
            assert outside == [], name
    assert drawn >= 6, "a timeline, maps, a calendar, percentiles"


def test_text_is_read_on_its_ground_in_the_light_and_in_the_dark(pages: dict[str, Path], browser: Page) -> None:
    grounds = []
    for colours in ("light", "dark"):
        browser.emulate_media(color_scheme=colours)
        browser.goto(pages["overview"].as_uri())
        grounds.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert grounds[-1] != browser.evaluate("getComputedStyle(document.body).color")
    assert grounds[0] != grounds[1]
