"""Plan mode writes nothing at all, not even a record, and shows what each phase would do."""

from __future__ import annotations

from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Scope
from tasks.remediation.check import check, sections_of
from tasks.remediation.run import Run
from tasks.response.asked import QUESTIONS
from tasks.response.planned import ShowResponse
from tests.response.world import GO_ON, OVER, SCENE, TOLD, broken, carried, heir, incident_of, wanted


def shown(environment: PipelineEnvironment, **changes: Any) -> tuple[Run, str]:
    """A look, and its page."""
    one = check(ShowResponse(), heir(environment), wanted(mode="plan", **changes))
    return one, "\n\n".join(section.document() for section in sections_of(one))


def test_a_new_incident_is_shown_and_nothing_is_written(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken(sandbox, "usd_missing")
    sandbox.requests.reset()
    one, page = shown(environment, pause="yes", severity="sev1")
    assert (one.outcome, sandbox.requests.mutating()) == ("planned", {"total": 0}), one.sentence()
    assert "would be declared" in page
    assert "to pause" in page
    assert f"remediate recover {SCENE}" in page
    for question in QUESTIONS:
        assert f"- {question.name}: {question.what}" in page


def test_an_incident_that_is_there_is_shown_as_it_stands_and_nothing_is_written(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    id_ = incident_of(carried(environment, pause="yes")).id
    sandbox.requests.reset()
    one, page = shown(environment, incident=id_)
    assert (one.outcome, sandbox.requests.mutating()) == ("planned", {"total": 0})
    assert f"{id_} is open, at mitigate" in page
    assert "mitigate, communicate, resolve, review" in page
    assert "remediate intake resume" in page


def test_a_resolved_one_has_only_its_review_left(environment: PipelineEnvironment) -> None:
    id_ = incident_of(carried(environment, GO_ON, TOLD, OVER)).id
    assert "review" in shown(environment, incident=id_)[1]


def test_without_a_title_it_is_refused_as_it_would_be(environment: PipelineEnvironment) -> None:
    one, _ = shown(environment, title="")
    assert (one.outcome, "title" in one.reasons[0]) == ("refused", True)


def test_ten_thousand_scenes_in_the_scope_are_shown_short(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    names = tuple(f"scene_{number:05d}" for number in range(10_000))
    one, page = shown(environment, scope=Scope(scenes=names))
    assert one.outcome == "planned"
    assert "10,000 scenes: scene_00000, scene_00001, scene_00002, scene_00003, scene_00004 ..." in page
    assert "the first 50 were looked at" in page
    assert len(page) < 20_000
