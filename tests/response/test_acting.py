"""A procedure is carried out for an incident once, and its entry tells what its journal tells."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.pauses import SUBJECT
from tasks.incidents.entries import Acted
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.response.acting import act, recorded, unrecorded
from tasks.response.in_force import gives_back, in_force
from tests.response.world import heir, wanted


@pytest.fixture
def incident(environment: PipelineEnvironment) -> Incident:
    return declare(heir(environment), wanted().declaration())


def pause(environment: PipelineEnvironment, case: str = "") -> Run:
    return run(PauseIntake(), heir(environment), PauseRequest(mode="apply", reason="a test", case=case))


def never() -> Run:
    raise AssertionError("it was carried out again")


def test_what_the_record_has_is_not_done_again(environment: PipelineEnvironment, incident: Incident) -> None:
    first = act(heir(environment), incident, "k", SUBJECT, lambda: pause(environment, incident.id), gives_back)
    again = act(heir(environment), read_incident(heir(environment), incident.id), "k", SUBJECT, never, gives_back)
    assert first == again
    assert (first.outcome, first.subject, first.gives_back) == ("done", SUBJECT, gives_back(first.run))
    assert first.seconds > 0


def test_a_run_of_this_incident_that_was_not_recorded_is_told_by_its_journal(
    environment: PipelineEnvironment, incident: Incident
) -> None:
    done = pause(environment, incident.id)
    said = act(heir(environment), incident, "k", SUBJECT, never, gives_back)
    assert (said.procedure, said.run, said.outcome) == ("pause-intake", done.id, "done")
    assert said.gives_back == gives_back(done.id)
    assert "told by its journal" in said.sentence


def test_a_run_of_nobody_or_of_another_incident_is_not_its_own(
    environment: PipelineEnvironment, incident: Incident
) -> None:
    pause(environment)
    assert unrecorded(heir(environment), incident, SUBJECT) is None
    other = declare(heir(environment), wanted().declaration())
    assert unrecorded(heir(environment), other, SUBJECT) is None


def test_one_run_is_not_told_twice(environment: PipelineEnvironment, incident: Incident) -> None:
    pause(environment, incident.id)
    act(heir(environment), incident, "first", SUBJECT, never)
    with pytest.raises(AssertionError, match="carried out again"):
        act(heir(environment), incident, "second", SUBJECT, never)
    assert recorded(incident, "second") is None


@pytest.mark.parametrize("word", ["refused", "escalated", "busy", "nothing_to_do", "needs_approval"])
def test_what_has_changed_nothing_gives_nothing_back(
    environment: PipelineEnvironment, incident: Incident, word: str
) -> None:
    def refused() -> Run:
        one = Run(heir(environment), "pause-intake")
        one.end(word, "why")  # type: ignore[arg-type]
        return one

    said = act(heir(environment), incident, "k", SUBJECT, refused, gives_back)
    assert (said.outcome, said.run, said.gives_back) == (word, "", "")


def test_a_pause_is_in_force_for_whom_it_was_made_and_for_whose_record_names_it(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    done = pause(environment, incident.id)
    other = declare(heir(environment), wanted().declaration())
    assert gives_back(done.id) in in_force(heir(environment), incident)[0]
    assert in_force(heir(environment), other) == []
    other.say(Acted(procedure="pause-intake", run=done.id, outcome="done", gives_back=gives_back(done.id)))
    assert gives_back(done.id) in in_force(heir(environment), other)[0]
