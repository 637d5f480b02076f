"""A fault is told once, looked at again after whatever was done, and right again only when that was seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Diagnosed, Noted, Reopened
from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.response import faults
from tasks.response.faults import mended, right_again
from tasks.response.forms import Mitigation
from tasks.response.review import report_of
from tasks.response.times import began_at, measures
from tests.diagnosis.world import TRIGGER, scene
from tests.response.world import DATA, GO_ON, OVER, SCENE, TOLD, carried, heir, incident_of, wanted
from tests.simulator_outage.world import deploy_server

WAIT = Mitigation(by="bo")
LOCK = f"scenes/{SCENE}/locks/usd-assembly.lock"
AT = datetime(2026, 1, 18, 12, 0, 5, tzinfo=UTC)


def locked(sandbox: Sandbox) -> None:
    """A healthy scene with a lock that nobody holds."""
    scene(sandbox, SCENE, upto="genie-sim-export")
    damage(sandbox.store, DATA, SCENE, "stale_lock")


def fault(**changes: object) -> Fault:
    settings: dict[str, object] = {
        "row": "stale-lock",
        "subject": f"locks/usd-assembly.lock of {SCENE}",
        "scenes": (SCENE,),
    }
    return Fault.model_validate(settings | changes)


def texts(incident: Incident) -> list[str]:
    return [said.text for _, said in incident.all_of(Noted)]


def test_what_somebody_mends_by_hand_is_seen_and_told_with_the_time_of_its_service(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    locked(sandbox)
    id_ = incident_of(carried(environment, WAIT)).id
    incident = read_incident(heir(environment), id_)
    (one,) = incident.still_wrong
    assert (one.row, one.scenes) == ("stale-lock", (SCENE,))
    assert one.object.startswith(f"gs://{DATA}/{LOCK}#")
    assert texts(incident)[-1] == "Looked again: of 1 fault 0 right again, 1 not yet"
    sandbox.store.delete(DATA, LOCK)
    (gone,) = [found.soft_delete_time for found in sandbox.store.list(DATA, LOCK, soft_deleted=True)]
    incident = incident_of(carried(environment, WAIT, incident=id_))
    ((_, end),) = incident.faults
    assert end is not None
    assert (end.ended_at, end.exact) == (gone, True)


def test_where_nothing_is_wrong_nobody_looks_again(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = incident_of(carried(environment, WAIT, GO_ON))
    assert incident.faults == []
    assert not [text for text in texts(incident) if text.startswith("Looked again")]


def test_what_cannot_be_asked_is_not_right_again(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    locked(sandbox)
    sandbox.store.delete(DATA, LOCK)
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    assert right_again(heir(environment), [fault()]) == []
    sandbox.faults.clear()
    assert [one.key for one in right_again(heir(environment), [fault()])] == [fault().key]


def test_a_look_that_fails_is_told_and_stops_no_response(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise ValueError("no table")

    locked(sandbox)
    monkeypatch.setattr(faults, "look_again", fails)
    incident = incident_of(carried(environment, WAIT, GO_ON))
    assert "Looked again, in vain: no table" in texts(incident)
    assert (len(incident.still_wrong), incident.phase) == (1, "communicate")


def test_a_fault_does_not_become_right_by_growing_old(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(faults, "age_hours", lambda *_: 100.0)
    monkeypatch.setattr(
        faults, "look_again", lambda _context, question, _rows: asked.append(question.hours) or (set(), set())
    )
    locked(sandbox)
    carried(environment, WAIT)
    assert asked == [124.0]


def test_a_scene_beyond_those_that_are_looked_at_is_not_taken_to_be_right(environment: PipelineEnvironment) -> None:
    many = [fault(subject=f"lock of s{number:03}", scenes=(f"s{number:03}",)) for number in range(60)]
    assert len(right_again(heir(environment), many)) == faults.MOST_SCENES


def test_a_fault_is_told_once_and_when_it_is_back_again_anew(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    for said in (fault(), fault(), Mended(row="stale-lock", subject=fault().subject, ended_at=AT), fault()):
        incident.say(said)
    read = read_incident(heir(environment), incident.id)
    assert [end.ended_at if end else None for _, end in read.faults] == [AT, None]
    assert read.still_wrong == [fault()]


def test_an_end_of_what_was_never_found_says_nothing(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    incident.say(Mended(row="stale-lock", subject="x", ended_at=AT))
    assert incident.faults == []


def test_an_incident_that_is_opened_again_finds_its_faults_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    locked(sandbox)
    id_ = incident_of(carried(environment, GO_ON, TOLD, OVER)).id
    read_incident(heir(environment), id_).say(Reopened(why="it is still there"))
    incident = incident_of(carried(environment, GO_ON, incident=id_))
    assert len(incident.all_of(Diagnosed)) == 2
    assert len(incident.faults) == 1


def test_a_service_that_tells_an_impossible_time_is_not_believed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    now = datetime.now(UTC)
    later = fault(row="trigger-missing", subject=f"trigger {TRIGGER}", scenes=(), began_at=now + timedelta(hours=1))
    one = mended(heir(environment), later, now)
    assert (one.ended_at, one.exact) == (now, False)
    sandbox.faults.add(FaultRule(service="eventarc", kind="status", status=403))
    one = mended(heir(environment), later.model_copy(update={"began_at": None}), now)
    assert (one.ended_at, one.exact) == (now, False)


def test_where_no_pod_tells_when_genie_sim_went_its_end_is_when_somebody_looked(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    deploy_server(sandbox)  # ready for an hour: that is not when the server came back
    down = fault(row="genie-sim-down", subject=environment.genie_sim.address, scenes=())
    now = datetime.now(UTC)
    one = mended(heir(environment), down, now)
    assert (one.ended_at, one.exact) == (now, False)


def test_genie_sim_is_right_again_since_a_pod_of_it_is_ready(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    deploy_server(sandbox)
    sandbox.record.genie_sim_down()
    began = sandbox.genie_sim.since.replace(microsecond=0)
    down = fault(row="genie-sim-down", subject=environment.genie_sim.address, scenes=(), began_at=began)
    sandbox.simulator_pods.served(began + timedelta(seconds=1))
    one = mended(heir(environment), down, began + timedelta(hours=1))
    assert (one.ended_at, one.exact) == (began + timedelta(seconds=1), True)
    environment.cluster.enabled = False
    assert not mended(heir(environment), down, began + timedelta(hours=1)).exact


def test_an_incident_began_with_its_first_fault_unless_somebody_says_when(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    incident.say(fault(began_at=AT + timedelta(minutes=1)))
    incident.say(fault(subject="another", began_at=AT))
    incident.say(fault(subject="a third"))
    assert began_at(incident) == AT
    assert measures(incident)[0].seconds == int(incident.declared_at.timestamp()) - int(AT.timestamp())
    incident.first = incident.first.model_copy(update={"began_at": AT - timedelta(hours=1)})
    assert began_at(incident) == AT - timedelta(hours=1)


def test_the_report_has_each_fault_from_when_to_when(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    incident.say(fault(began_at=AT))
    incident.say(Mended(row="stale-lock", subject=fault().subject, ended_at=AT + timedelta(seconds=63), exact=True))
    incident.say(fault(row="genie-sim-down", subject="x"))
    said = report_of(heir(environment), incident, datetime.now(UTC))[0].partition("## What was wrong")[2]
    assert "| 2026-01-18 12:00:05 UTC | 2026-01-18 12:01:08 UTC | 1 min 03 s |" in said
    assert "| genie-sim-down | x | unknown | not seen to be right again | unknown |" in said


@pytest.mark.parametrize("thing", ["", "job", "simready-job", "bucket sandbox-scenes", "job ../x", "job a b"])
def test_what_names_nothing_to_roll_back_is_refused_and_changes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox, thing: str
) -> None:
    incident = incident_of(carried(environment, Mitigation(choice="roll_back", thing=thing, by="bo"), GO_ON))
    ((_, acted),) = incident.actions
    assert (acted.procedure, acted.outcome) == ("rollback", "refused")
    assert "job simready-job" in acted.sentence
    assert sandbox.requests.mutating().get("run", 0) == 0
    assert incident.phase == "communicate"
