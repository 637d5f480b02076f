"""A person mends a scene with nothing but the Prefect user interface: form, plan, approval, report."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tasks.remediation.report import slug
from tests.deployments.world import RunningStack
from tests.ui.browser import CHROMIUM, insist

pytestmark = [
    pytest.mark.ui,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install one, as in apt-get install chromium"),
]

SCENE = "walked_001"


def test_a_scene_is_mended_by_form_plan_approval_and_report(stack: RunningStack, page: Page) -> None:
    stack.scene(SCENE, "export_missing")
    stack.policy(approval={"low": "automatic", "medium": "person", "high": "person"})

    insist(page, lambda: start_a_plan(page, stack.ui_url))
    digest, form = insist(page, lambda: read_the_plan(page))
    assert not stack.is_healthy(SCENE), "a plan changes nothing"

    insist(page, lambda: start_exactly_that(page, stack.ui_url + form, digest))
    insist(page, lambda: expect(page.get_by_text("Suspended", exact=True).first).to_be_visible())
    insist(page, lambda: approve_and_read_the_report(page, digest))
    assert stack.is_healthy(SCENE)


def start_a_plan(page: Page, ui_url: str) -> None:
    """From the first page to the form by what can be clicked; fill in what must be given, and who asks."""
    page.goto(ui_url)
    page.get_by_role("link", name="Deployments", exact=True).click()
    page.locator("a[href*='/deployments/deployment/']").get_by_text("export-recovery", exact=True).click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    page.get_by_role("button", name="Add item").click()
    scenes = page.get_by_role("group").filter(has=page.get_by_role("button", name="Add item"))
    scenes.get_by_role("textbox").fill(SCENE)
    page.get_by_label("requested_by (Optional)").fill("ann")
    expect(page.get_by_role("button", name="Select mode")).to_have_text("plan")
    submit(page)


def submit(page: Page) -> None:
    """Start the run, and go to its page."""
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="View run").click()


def open_artifact(page: Page, name: str) -> None:
    """Wait for the end of the run that is shown, and open what it left under that name, as its description ends."""
    if "/artifact/" in page.url:
        return
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_role("link", name=re.compile(name)).click()


def read_the_plan(page: Page) -> tuple[str, str]:
    """See what the plan would do, why, and under which condition; return its digest and the form that applies it."""
    open_artifact(page, f"plan-{slug(SCENE)} ")
    expect(page.get_by_role("heading", name=f"Plan for {SCENE}")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"\.geniesim_complete generation \d+"))).to_be_in_viewport(ratio=1)
    expect(page.get_by_text("genie-sim-export makes it again")).to_be_visible()
    sentence = page.get_by_text(re.compile(rf"^Plan [0-9a-f]{{16}} for {SCENE}: ")).first.inner_text()
    form = page.get_by_role("link", name="apply exactly this plan").get_attribute("href")
    return sentence.split()[1], str(form)


def start_exactly_that(page: Page, form: str, digest: str) -> None:
    """The plan's own link leads to a form that is filled in."""
    page.goto(form)
    expect(page.get_by_role("button", name="Select mode")).to_have_text("apply")
    expect(page.get_by_label("plan_digest (Optional)")).to_have_value(digest)
    submit(page)


def approve_and_read_the_report(page: Page, digest: str) -> None:
    """Again if need be: Prefect forgets a yes that is given in the second in which the waiting process ends."""
    if "/artifact/" not in page.url:
        approve(page, digest)
    read_the_report(page)


def approve(page: Page, digest: str) -> None:
    """On the page of the run that waits: read the plan again and say yes to it, unless that was done already."""
    state = page.get_by_text(re.compile("^(Suspended|Resuming|Scheduled|Late|Pending|Running|Completed|Failed)$")).first
    expect(state).to_be_visible()
    if state.inner_text() != "Suspended":
        return
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("menuitem", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text(f"Plan {digest} for {SCENE}")).to_be_visible()
    expect(form.get_by_text("Requested by ann.")).to_be_visible()
    expect(form.get_by_label("Plan Digest (Optional)")).to_have_value(digest)
    form.get_by_role("button", name="Select Decision").click()
    page.get_by_role("option", name="approve").click()
    form.get_by_label("Approver (Optional)").fill("bo")
    form.get_by_role("button", name="Resume").click()
    expect(form).to_be_hidden()


def read_the_report(page: Page) -> None:
    """It says what was, what is, and how to take it back."""
    open_artifact(page, f"recovery-{slug(SCENE)} .* {SCENE}: done$")
    expect(page.get_by_role("heading", name=f"{SCENE}: done")).to_be_visible()
    expect(page.get_by_role("row", name="genie-sim-export ❌ missing ✅ complete")).to_be_visible()
    expect(page.get_by_text(f"remediate undo {SCENE} ")).to_be_visible()
