"""A person mends a scene with nothing but the Prefect user interface: form, plan, approval, report."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tasks.remediation.report import slug
from tests.deployments.world import RunningStack
from tests.ui.browser import CHROMIUM, opened

pytestmark = [
    pytest.mark.ui,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install one, as in apt-get install chromium"),
]

SCENE = "walked_001"


@pytest.fixture
def page() -> Iterator[Page]:
    with opened() as page:
        yield page


def test_a_scene_is_mended_by_form_plan_approval_and_report(stack: RunningStack, page: Page) -> None:
    stack.scene(SCENE, "export_missing")
    stack.policy(approval={"low": "automatic", "medium": "person", "high": "person"})

    open_the_form(page, stack.ui_url)
    give_the_scene(page, "ann")
    expect(page.get_by_role("button", name="Select mode")).to_have_text("plan")
    submit(page)
    digest = read_the_plan(page)
    assert not stack.is_healthy(SCENE), "a plan changes nothing"

    page.get_by_role("link", name="apply exactly this plan").click()
    expect(page.get_by_role("button", name="Select mode")).to_have_text("apply")
    expect(page.get_by_label("plan_digest (Optional)")).to_have_value(digest)
    submit(page)
    approve(page, digest, "bo")
    read_the_report(page)
    assert stack.is_healthy(SCENE)


def open_the_form(page: Page, ui_url: str) -> None:
    """From the first page to the form, by what can be clicked."""
    page.goto(ui_url)
    page.get_by_role("link", name="Deployments", exact=True).click()
    page.locator("a[href*='/deployments/deployment/']").get_by_text("export-recovery", exact=True).click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()


def give_the_scene(page: Page, requester: str) -> None:
    """Fill in what must be given, and who asks."""
    page.get_by_role("button", name="Add item").click()
    scenes = page.get_by_role("group").filter(has=page.get_by_role("button", name="Add item"))
    scenes.get_by_role("textbox").fill(SCENE)
    page.get_by_label("requested_by (Optional)").fill(requester)


def submit(page: Page) -> None:
    """Start the run, and go to its page."""
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="View run").click()


def open_artifacts(page: Page) -> None:
    """Wait for the run's end, then look at what it left; the page keeps the list that it read when it was opened."""
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    page.reload()
    page.get_by_role("tab", name="Artifacts").click()


def read_the_plan(page: Page) -> str:
    """Open the plan of the run that is shown, see what it would do and why, and return its digest."""
    open_artifacts(page)
    page.get_by_role("link", name=f"plan-{slug(SCENE)}").click()
    expect(page.get_by_role("heading", name=f"Plan for {SCENE}")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"\.geniesim_complete generation \d+"))).to_be_in_viewport(ratio=1)
    expect(page.get_by_text("genie-sim-export makes it again")).to_be_visible()
    sentence = page.get_by_text(re.compile(rf"^Plan [0-9a-f]{{16}} for {SCENE}: ")).first
    return sentence.inner_text().split()[1]


def approve(page: Page, digest: str, approver: str) -> None:
    """On the page of the run that waits: read the plan again and say yes to it."""
    expect(page.get_by_text("Suspended", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("menuitem", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text(f"Plan {digest} for {SCENE}")).to_be_visible()
    expect(form.get_by_text("Requested by ann.")).to_be_visible()
    expect(form.get_by_label("Plan Digest (Optional)")).to_have_value(digest)
    form.get_by_role("button", name="Select Decision").click()
    page.get_by_role("option", name="approve").click()
    form.get_by_label("Approver (Optional)").fill(approver)
    form.get_by_role("button", name="Resume").click()
    expect(form).to_be_hidden()


def read_the_report(page: Page) -> None:
    """Once it has ended: the report says what was, what is, and how to take it back."""
    open_artifacts(page)
    page.get_by_role("link", name=re.compile(rf"recovery-{slug(SCENE)} .* {SCENE}: done$")).click()
    expect(page.get_by_role("heading", name=f"{SCENE}: done")).to_be_visible()
    expect(page.get_by_role("row", name="genie-sim-export ❌ missing ✅ complete")).to_be_visible()
    expect(page.get_by_text(f"remediate undo {SCENE} ")).to_be_visible()
