"""Intake is paused for an incident once, where that is wanted, and it is not resolved while that is in force."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.pauses import open_pauses
from tasks.intake.resume import ResumeIntake, ResumeRequest
from tasks.remediation.runner import run
from tests.response.world import (
    GO_ON,
    OVER,
    TOLD,
    Person,
    carried,
    heir,
    incident_of,
)


def test_intake_is_paused_for_the_incident_and_how_to_resume_is_recorded(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = incident_of(carried(environment, pause="yes"))
    (pause,) = open_pauses(heir(environment))
    assert pause.journal.begin.data["case"] == incident.id
    ((_, acted),) = incident.actions
    assert (acted.procedure, acted.run, acted.outcome) == ("pause-intake", pause.run, "done")
    assert acted.gives_back == f"remediate intake resume {pause.run} --apply"


@pytest.mark.parametrize(
    ("severity", "pause", "pauses"),
    [("sev1", "by severity", 1), ("sev2", "by severity", 1), ("sev3", "by severity", 0), ("sev4", "by severity", 0), ("sev1", "no", 0), ("sev4", "yes", 1)],
)  # fmt: skip
def test_intake_is_paused_by_itself_only_where_something_is_not_delivered(
    environment: PipelineEnvironment, severity: str, pause: str, pauses: int
) -> None:
    carried(environment, severity=severity, pause=pause)
    assert len(open_pauses(heir(environment))) == pauses


def test_it_is_not_resolved_while_its_pause_is_in_force(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    person = Person([GO_ON, TOLD, OVER])
    one = carried(environment, person=person, pause="yes")
    incident = incident_of(one)
    assert (one.outcome, incident.status, incident.phase) == ("escalated", "open", "resolve")
    (pause,) = open_pauses(heir(environment))
    assert f"remediate intake resume {pause.run} --apply" in person.pages[-1]
    for trigger in sandbox.eventarc.deployed.all():
        trigger.backlog.ack_deadline = 0.2
    resumed = run(ResumeIntake(), heir(environment), ResumeRequest(run=pause.run, mode="apply"))
    assert resumed.outcome == "done", resumed.sentence()
    assert carried(environment, OVER, incident=incident.id).outcome == "done"


def test_it_is_resolved_although_intake_is_paused_when_a_person_says_so(environment: PipelineEnvironment) -> None:
    over = OVER.model_copy(update={"although_paused": True})
    assert carried(environment, GO_ON, TOLD, over, pause="yes").outcome == "done"


def test_a_pause_that_is_wanted_only_later_is_made_then_and_once(environment: PipelineEnvironment) -> None:
    id_ = incident_of(carried(environment)).id
    assert open_pauses(heir(environment)) == []
    for _ in range(2):
        incident = incident_of(carried(environment, incident=id_, pause="yes"))
        assert [acted.procedure for _, acted in incident.actions] == ["pause-intake"]
    assert len(open_pauses(heir(environment))) == 1
