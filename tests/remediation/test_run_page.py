"""The page of a run: of the same sections as its artifact, kept once beside the journal, and safe whatever it names."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.drawing import Picture
from tasks.remediation.grid_picture import Row, State, grid
from tasks.remediation.page import sections_page
from tasks.remediation.report import Section, run_markdown
from tasks.remediation.run import Run
from tasks.remediation.run_page import ROOT, events, keep_page, page_name
from tasks.remediation.runner import run
from tests.kernel.cases import CASES, OPS, environment_of

PICTURE = Picture("<svg><desc>drawn</desc></svg>", "drawn")
EVIL = "<script>alert(1)</script>"


def recovered(sandbox: Sandbox) -> Run:
    """A recovery that was carried out."""
    (case,) = [case for case in CASES if case.name == "export-recovery"]
    environment = environment_of(sandbox)
    procedure, request = case.make(sandbox, environment)
    one = run(procedure, Context(environment, "ann"), request)
    assert one.outcome == "done", one.sentence()
    return one


def test_a_run_leaves_one_page_with_its_sections_its_timeline_and_what_every_report_says(sandbox: Sandbox) -> None:
    one = recovered(sandbox)
    said = keep_page(one, [Section("Mine", "Of mine.", ({"a": "b"},), PICTURE)])
    name = page_name(one)
    assert name == f"{ROOT}{one.subject}/{one.id}/{len(one.journal.entries):06d}.html"
    assert f"gs://{OPS}/{name}" in said
    stored = sandbox.store.get(OPS, name)
    assert stored is not None
    page = stored.data.decode()
    places = [page.index(part) for part in (f"<h1>{one.subject}: done</h1>", "Of mine.", "<desc>drawn", "<td>b</td>")]
    places += [page.index(part) for part in ("<h2>Timeline</h2>", "Undo what can be undone", "Where the time went")]
    assert places == sorted(places)
    assert "http" not in page.replace("http://www.w3.org/2000/svg", ""), "it needs nothing from outside"
    generation = stored.generation
    assert keep_page(one, []) == said
    again = sandbox.store.get(OPS, name)
    assert again is not None
    assert again.generation == generation, "created once"


def test_the_timeline_has_begin_steps_and_end_of_the_journal(sandbox: Sandbox) -> None:
    one = recovered(sandbox)
    told = list(events(one.journal))
    assert len(told) == len(one.journal.entries)
    assert (told[0].kind, told[0].what) == ("begin", "begun by ann: no reason was given")
    assert (told[-1].kind, told[-1].what) == ("outcome", "ended: done")
    assert any(found.kind == "intent" and found.what.endswith("begun") for found in told)


def test_what_only_looked_or_planned_writes_no_page(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    one = Run(Context(environment, "ann"), "p")
    one.subject = "a"
    one.end("planned")
    assert keep_page(one, []) == ""
    assert sandbox.requests.mutating() == {"total": 0}


def test_a_page_that_cannot_be_kept_is_a_sentence_and_no_error(sandbox: Sandbox) -> None:
    one = recovered(sandbox)
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", status=403))
    assert keep_page(one, []).startswith("This report could not be kept as a page: ")


def test_artifact_and_page_show_the_same_sections(context: Context) -> None:
    one = Run(context, "p")
    one.subject = "a"
    one.end("done")
    section = Section("Title", "Text.", ({"name": "value"},), PICTURE)
    shown, page = run_markdown(one, [section]), sections_page("t", "", [section])
    for part in ("Title", "Text.", "value"):
        assert part in shown
        assert part in page
    assert "![drawn](data:image/svg+xml;base64," in shown
    assert PICTURE.svg in page


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        f"[x](javascript:alert(1)) {EVIL}",
        "<img src=x onerror=alert(1)>",
        "&lt;b&gt;",
        "![x](https://example.com/x.png)",
    ],
)
def test_no_text_of_anybody_becomes_a_part_of_the_page(text: str) -> None:
    drawn = grid(text, [text], [Row(text, ("s",))], {"s": State(text, "bad", text)})
    page = sections_page(text, f"# {text}", [Section(text, text, ({text: text},), drawn)])
    for tag in ("<script", "<img", 'href="javascript'):
        assert tag not in page.lower()
