"""The pages that checks have left are named on the screen, on the page and in the data: of each the newest, by one request."""

from __future__ import annotations

from datetime import UTC, datetime

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.overview.pages import ask_pages
from tasks.overview.report import as_data, sections, text
from tasks.overview.state import State
from tasks.remediation.context import Context
from tasks.remediation.latest_page import CHECKS, PLANS

OPS = "sandbox-ops"


def asked(environment: PipelineEnvironment) -> State:
    state = State(datetime.now(UTC))
    ask_pages(Context(environment, "look"), state)
    return state


def test_of_each_check_the_newest_page_is_named_and_no_plan_is(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    for name in ("doctor/31", "doctor/01", "diagnose/07"):
        sandbox.store.put(OPS, f"{CHECKS}{name}.html", b"x", quiet=True)
    sandbox.store.put(OPS, f"{PLANS}undo/a.html", b"x", quiet=True)
    sandbox.requests.reset()
    state = asked(environment)
    assert {one.check: one.name for one in state.pages} == {
        "doctor": f"{CHECKS}doctor/01.html",
        "diagnose": f"{CHECKS}diagnose/07.html",
    }
    assert sum(sandbox.requests.snapshot().values()) == 1
    shown = list(sections(state, load_catalogue()))[-1]
    assert shown.title == "Pages of the checks"
    assert f"gs://{OPS}/{CHECKS}doctor/01.html" in shown.markdown()
    assert f"gs://{OPS}/{CHECKS}<check>/<day>.html" in text(state)
    assert "doctor " in text(state)
    assert {one["check"]: one["page"] for one in as_data(state)["pages"]}[
        "doctor"
    ] == f"gs://{OPS}/{CHECKS}doctor/01.html"


def test_where_no_check_has_left_a_page_nothing_is_said(environment: PipelineEnvironment) -> None:
    state = asked(environment)
    assert state.pages == []
    assert all(one.title != "Pages of the checks" for one in sections(state, load_catalogue()))
    assert "PAGES OF THE CHECKS" not in text(state)
    assert as_data(state)["pages"] == []
