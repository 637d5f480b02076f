"""The watch fails for an incident that somebody must look after, says what to do, and changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Changed, Closed, Declared, Reopened, Resolved, Updated
from tasks.incidents.incident import Incident, declare
from tasks.incidents.open_marks import open_marks, remove_open_mark
from tasks.remediation.check import check, sections_of
from tasks.remediation.run import Run
from tasks.response import watch as watch_module
from tasks.response.watch import IncidentWatch
from tests.response.world import OPS, carried, heir, incident_of, wanted


def look(environment: PipelineEnvironment) -> Run:
    return check(IncidentWatch(), heir(environment), None)


@pytest.fixture
def incident(environment: PipelineEnvironment) -> Incident:
    """One that nobody has to look after."""
    return declare(heir(environment), wanted().declaration())


def test_without_incidents_all_is_well(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = look(environment)
    assert (one.outcome, one.reasons, sandbox.requests.mutating()) == ("nothing_to_do", [], {"total": 0})


def test_an_open_incident_that_is_led_is_shown_and_is_no_alarm(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    sandbox.requests.reset()
    one = look(environment)
    assert (one.outcome, one.summary) == ("nothing_to_do", "1 open incident")
    (table,) = sections_of(one)
    assert incident.id in table.markdown()
    assert sandbox.requests.mutating() == {"total": 0}


def test_one_that_nobody_leads_is_an_alarm_until_somebody_does(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted(commander="").declaration())
    one = look(environment)
    assert one.outcome == "failed"
    assert f"remediate incident change {incident.id} --commander NAME" in one.reasons[0]
    incident.say(Changed(commander="bo"))
    assert look(environment).outcome == "nothing_to_do"


def test_a_late_update_is_an_alarm(environment: PipelineEnvironment, incident: Incident) -> None:
    incident.say(Updated(impact="x", mitigation="y", next_update_at=datetime.now(UTC) - timedelta(minutes=9)))
    one = look(environment)
    assert (one.outcome, "9 minutes late" in one.reasons[0]) == ("failed", True)
    assert "(late)" in sections_of(one)[0].markdown()


def test_a_pause_that_was_not_resumed_is_an_alarm_also_when_the_incident_is_over(
    environment: PipelineEnvironment,
) -> None:
    incident = incident_of(carried(environment, pause="yes"))
    (reason,) = look(environment).reasons
    assert f"remediate intake resume {incident.actions[0][1].run} --apply" in reason
    incident.say(Resolved(how="over"))
    assert len(look(environment).reasons) == 1


def test_one_that_is_over_needs_no_leader_and_no_update(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted(commander="").declaration())
    incident.say(Resolved(how="over"))
    assert look(environment).outcome == "nothing_to_do"
    incident.say(Reopened(why="it is back"))
    assert look(environment).outcome == "failed"


def test_closed_ones_are_not_shown(environment: PipelineEnvironment, incident: Incident) -> None:
    incident.say(Resolved(how="over"))
    incident.say(Closed())
    one = look(environment)
    assert (one.facts.facts, sections_of(one)) == ([], [])


def test_a_damaged_record_is_an_alarm_and_hides_no_other(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    other = declare(heir(environment), wanted(commander="").declaration())
    incident.say(Changed(commander="cy"))
    name = f"{incident.case.prefix}000001.json"
    found = sandbox.store.get(OPS, name)
    assert found is not None
    sandbox.store.put(OPS, name, found.data.replace(b"kitchen", b"pantry"), quiet=True)
    reasons = look(environment).reasons
    assert any(f"remediate incident verify {incident.id}" in one for one in reasons)
    assert any(other.id in one for one in reasons)


def test_of_too_many_incidents_the_newest_are_looked_at_and_that_is_said(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "NEWEST", 2)
    made = [declare(heir(environment), wanted(title=f"number {number}").declaration()).id for number in range(3)]
    one = look(environment)
    assert {found.id for found in one.facts.facts} == set(sorted(made)[1:])
    assert "1 older incidents were not looked at" in one.notes[0]


def test_a_pause_that_cannot_be_read_is_an_alarm_of_its_own(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = incident_of(carried(environment, pause="yes"))
    run = incident.actions[0][1].run
    name = f"remediation/journal/@intake/{run}/000002.json"
    found = sandbox.store.get(OPS, name)
    assert found is not None
    sandbox.store.put(OPS, name, b"not an entry", quiet=True)
    (reason,) = look(environment).reasons
    assert reason.startswith("Whether intake is paused for an incident is not known: ")
    assert name in reason


def test_pauses_are_looked_up_once_however_many_incidents_there_are(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    def asked() -> int:
        sandbox.requests.reset()
        look(environment)
        return sandbox.requests.count("storage", "objects.list")

    declare(heir(environment), wanted().declaration())
    one = asked()
    for _ in range(3):
        declare(heir(environment), wanted().declaration())
    assert asked() == one + 3, "one listing for the record of each"


def test_incidents_that_are_over_cost_no_read_however_many_there_are(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    for number in range(20):
        over = declare(heir(environment), Declared(title=f"over {number}"))
        over.say(Closed())
    for id_, mark in open_marks(environment):
        if id_ != incident.id:
            remove_open_mark(environment, mark)
    sandbox.requests.reset()
    assert look(environment).summary == "1 open incident"
    assert sandbox.requests.count("storage", "objects.media") <= 2
