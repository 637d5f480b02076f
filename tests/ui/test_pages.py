"""Every report in a browser, as a page and as an artifact in both of Prefect's interfaces: nothing of it is cut off at 1,280
or 1,920 pixels, light or dark, and every picture has its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tasks.remediation.check import Check
from tests.deployments.world import RunningStack, living
from tests.kernel.registered import every
from tests.ui.browser import CHROMIUM, insist, opened
from tests.ui.check_reports import CHECKED, looked
from tests.ui.overview_pages import WIDTHS
from tests.ui.run_reports import done

pytestmark = [
    pytest.mark.ui,
    pytest.mark.xdist_group("stacks"),  # the reports are made once, in the process that has a server to show them
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install one, as in apt-get install chromium"),
]

OFF_SCREEN = """([beside, height]) => {
    const heads = [...document.querySelectorAll('h1')].map(one => one.getBoundingClientRect().top);
    return [...document.querySelectorAll('table,img,pre,p,li,h1,h2,h3')].filter(one => {
        const box = one.getBoundingClientRect(), around = one.parentElement.getBoundingClientRect();
        if (!box.width) return false;
        const right = Math.max(box.right, box.left + one.scrollWidth);
        const near = heads.some(top => top <= box.top && box.top < top + height);
        const clipped = ['TABLE', 'PRE', 'IMG'].includes(one.tagName);
        return box.left < -1 || right > (clipped ? around.right + 1 : near ? around.right + beside : window.innerWidth);
    }).map(one => one.tagName + ' ' + one.scrollWidth + ' ' + one.textContent.slice(0, 80));
}"""
"""What is cut off: of tables, pictures and code what is wider than their place; of text, whose long words no interface breaks,
what runs out of the window, or below a heading under the box that stands there beside it."""
BESIDE = {"looked": [1, 1_000_000], "done": [24, 320]}
"""Pixels to that box, and how far below a heading it reaches. What only looks keeps within its column everywhere; what was done
has addresses of objects, which must stay whole for whoever copies them."""


@dataclass
class Reports:
    """Every report there is."""

    pages: dict[str, Path] = field(default_factory=dict)
    """As files, by whose they are."""
    artifacts: dict[str, list[str]] = field(default_factory=dict)
    """As Markdown: those of what looks and plans, and those of what was done."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, stacks: list[RunningStack]) -> Reports:
    """They are many, and made once."""
    folder, made = tmp_path_factory.mktemp("pages"), Reports()
    for group, found in (("looked", looked(living(stacks).api_url)), ("done", done())):
        made.artifacts[group] = []
        for name, artifacts, page in found:
            made.artifacts[group] += artifacts
            if page:
                made.pages[name] = folder / f"{name.replace('/', '_').removesuffix('.html')}.html"
                made.pages[name].write_bytes(page)
    return made


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


def test_every_check_is_looked_at() -> None:
    assert {type(one) for one, _ in CHECKED} == every(Check)


@pytest.fixture(scope="module")
def artifacts(reports: Reports, stacks: list[RunningStack]) -> dict[tuple[str, str], str]:
    """The addresses of two artifacts, each with all reports of a group one below the other, in the old and the new UI."""
    stack, found = living(stacks), {}
    for group, listed in reports.artifacts.items():
        body = {"key": f"every-report-{group}", "type": "markdown", "data": "\n\n".join([*listed, "The last line."])}
        made = stack.prefect("POST", "artifacts/", body)["id"]
        found["old", group] = f"{stack.ui_url}/artifacts/artifact/{made}"
        found["new", group] = f"{stack.ui_url}/v2/artifacts/artifact/{made}"
    return found


@pytest.mark.parametrize("group", ["looked", "done"])
@pytest.mark.parametrize("which", ["old", "new"])
def test_nothing_of_any_artifact_is_cut_off(
    artifacts: dict[tuple[str, str], str], reports: Reports, browser: Page, which: str, group: str
) -> None:
    def look() -> None:
        browser.goto(artifacts[which, group])
        expect(browser.get_by_text("The last line.").first).to_be_visible()

    insist(browser, look)
    drawn = sum(one.count("data:image/svg") for one in reports.artifacts[group])
    for width in WIDTHS:
        browser.set_viewport_size({"width": width, "height": 900})
        assert browser.evaluate(OFF_SCREEN, BESIDE[group]) == []
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
