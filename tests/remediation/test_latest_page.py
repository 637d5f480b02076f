"""The page of what only looked or planned: the same sections as its artifact, one a check and day, and the only write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.check import Check, Findings, check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.drawing import Picture
from tasks.remediation.latest_page import CHECKS, PLANS, day_name, keep_report
from tasks.remediation.outcome import Refused
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.run_page import page_name
from tasks.remediation.runner import run
from tests.kernel.cases import CASES, OPS, environment_of

SECTION = Section("What it saw", "A lot.", ({"name": "value"},), Picture("<svg><desc>drawn</desc></svg>", "drawn"))
FOUND = Findings("failed", ["Act now."], ["By the way."], "one thing", [SECTION])


class Looking(Check[Findings]):
    """Answers with what it is asked."""

    name = "looking"

    def look(self, context: Context, question: Findings) -> Findings:
        """As told, or not at all."""
        if question.summary == "nobody knows":
            raise Refused("no")
        return question


def looked(context: Context, found: Findings = FOUND) -> tuple[Run, str]:
    """A check and what it says of its page."""
    one = check(Looking(), context, found)
    return one, keep_report(one, sections_of(one))


def pages(sandbox: Sandbox) -> dict[str, str]:
    """Every page with its text."""
    found = {}
    for root in (CHECKS, PLANS):
        for stored in sandbox.store.list(OPS, root):
            data = sandbox.store.get(OPS, stored.name)
            assert data is not None
            assert data.content_type == "text/html; charset=utf-8"
            found[stored.name] = data.data.decode()
    return found


def planned(sandbox: Sandbox, mode: str = "plan") -> tuple[Run, str]:
    """A recovery that was only shown, or carried out, and what it says of its page."""
    (case,) = [case for case in CASES if case.name == "export-recovery"]
    procedure, request = case.make(sandbox, environment_of(sandbox))
    one = run(procedure, Context(environment_of(sandbox), "ann"), replace(request, mode=mode))
    sandbox.requests.reset()
    return one, keep_report(one, procedure.sections(one))


def test_a_check_leaves_one_page_with_all_that_its_artifact_shows(context: Context, sandbox: Sandbox) -> None:
    _, said = looked(context)
    (name, page), *others = pages(sandbox).items()
    assert others == []
    assert name == day_name("looking", datetime.now(UTC))
    assert f"gs://{OPS}/{name}" in said
    parts = ["<h1>looking: failed</h1>", f"{datetime.now(UTC):%Y-%m-}", "one thing", "Act now.", "By the way."]
    places = [page.index(part) for part in (*parts, "A lot.", "<desc>drawn", "<td>value</td>", "Where the time went")]
    assert places == sorted(places)
    assert sandbox.requests.mutating() == {"total": 1, "storage": 1}, "nothing else was written"


def test_a_later_look_of_the_day_takes_the_place_of_the_earlier_one(context: Context, sandbox: Sandbox) -> None:
    _, first = looked(context)
    _, second = looked(context, replace(FOUND, outcome="nothing_to_do", reasons=[]))
    assert first == second, "its address stays"
    ((_, page),) = pages(sandbox).items()
    assert "<h1>looking: nothing_to_do</h1>" in page
    assert "Act now." not in page


def test_there_are_never_more_pages_of_a_check_than_a_month_has_days() -> None:
    days = [datetime(2026, month, day, tzinfo=UTC) for month in (1, 3) for day in range(1, 32)]
    assert len({day_name("doctor", day) for day in days}) == 31


def test_a_page_that_the_check_kept_by_itself_is_the_only_one(context: Context, sandbox: Sandbox) -> None:
    _, said = looked(context, replace(FOUND, page="It is there."))
    assert said == "It is there."
    assert pages(sandbox) == {}


def test_what_could_not_be_looked_at_leaves_no_page(context: Context, sandbox: Sandbox) -> None:
    one, said = looked(context, Findings(summary="nobody knows"))
    assert (one.outcome, said, pages(sandbox)) == ("refused", "", {})


def test_a_plan_that_was_only_shown_is_a_page_with_every_action(sandbox: Sandbox) -> None:
    one, said = planned(sandbox)
    assert one.outcome == "planned"
    assert one.plan is not None
    ((name, page),) = pages(sandbox).items()
    assert name == f"{PLANS}export-recovery/{one.subject}.html"
    assert f"gs://{OPS}/{name}" in said
    assert one.plan.digest in page
    for action in one.plan.actions:
        assert action.target.rpartition("/")[2] in page
    assert sandbox.requests.mutating() == {"total": 1, "storage": 1}


def test_a_run_that_has_begun_keeps_its_own_page_and_no_other(sandbox: Sandbox) -> None:
    one, said = planned(sandbox, "apply")
    assert one.outcome == "done", one.sentence()
    assert page_name(one) in said
    assert pages(sandbox) == {}


def test_a_subject_that_nobody_has_looked_at_makes_no_page(context: Context, sandbox: Sandbox) -> None:
    one = Run(context, "export-recovery")
    one.subject = "../../anything"
    one.end("refused", "That is no scene.")
    assert keep_report(one, []) == ""
    assert sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize(
    ("rule", "writes"),
    [
        (FaultRule(service="storage", method="objects.insert", kind="status", status=403), 1),
        (FaultRule(service="storage", method="objects.get", kind="status", status=403), 0),
    ],
)
def test_a_page_that_cannot_be_kept_is_a_sentence_and_the_check_counts(
    context: Context, sandbox: Sandbox, rule: FaultRule, writes: int
) -> None:
    sandbox.faults.add(rule)
    one, said = looked(context)
    assert (one.outcome, one.reasons) == ("failed", ["Act now."])
    assert said.startswith("This report could not be kept as a page: ")
    assert sandbox.requests.mutating()["total"] == writes


def test_without_an_ops_bucket_it_says_so(context: Context, environment: PipelineEnvironment) -> None:
    nowhere = environment.model_copy(update={"ops_bucket": ""})
    _, said = looked(Context(nowhere, "ann"))
    assert said == "This report is kept as no page: the environment names no ops bucket."
