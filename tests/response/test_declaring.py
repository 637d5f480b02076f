"""What is declared is clear, once, and told once; what is not is refused and writes nothing."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Scope
from tasks.incidents.incident import declare, incident_ids
from tasks.remediation.context import Context
from tasks.response.respond import respond
from tasks.response.response import Means
from tests.response.world import (
    SCENE,
    carried,
    heir,
    wanted,
)


def test_a_flow_run_that_begins_again_declares_no_second_incident(environment: PipelineEnvironment) -> None:
    first = declare(Context(environment, "ann", flow_run_id="0199-a"), wanted().declaration())
    again = declare(Context(environment, "ann", flow_run_id="0199-a"), wanted().declaration())
    other = declare(Context(environment, "ann", flow_run_id="0199-b"), wanted().declaration())
    assert first.id == again.id != other.id


def test_a_title_is_needed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = carried(environment, title=" \n ")
    assert (one.outcome, "title" in one.reasons[0]) == ("refused", True)
    assert sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize("scene", ["", "a b", "../x", "scenes/kitchen", "x" * 129])
def test_what_can_be_no_scene_is_refused_before_anything_is_written(
    environment: PipelineEnvironment, sandbox: Sandbox, scene: str
) -> None:
    one = carried(environment, scope=Scope(scenes=(SCENE, scene)))
    assert one.outcome == "refused"
    assert sandbox.requests.mutating() == {"total": 0}


def test_an_incident_that_is_not_there_is_refused(environment: PipelineEnvironment) -> None:
    one = carried(environment, incident="inc-20260118t120000z-01234567")
    assert (one.outcome, "incident list" in one.reasons[0]) == ("refused", True)


def test_people_are_told_of_an_incident_when_it_is_declared_and_not_each_time_it_goes_on(
    environment: PipelineEnvironment,
) -> None:
    told: list[str] = []
    one = respond(heir(environment), wanted(), Means(declared=told.append))
    assert told == incident_ids(heir(environment)) == [one.subject]
    respond(heir(environment), wanted(incident=one.subject), Means(declared=told.append))
    assert told == [one.subject]
