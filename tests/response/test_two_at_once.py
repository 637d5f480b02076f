"""Two processes with one incident: one works and the other says who does; whatever the moment, each thing happens once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.pauses import open_pauses
from tasks.incidents.entries import Diagnosed, Entered, Noted
from tasks.incidents.incident import declare, read_incident
from tasks.incidents.verify import verify_incident
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.response.evidence import capture
from tasks.response.respond import respond
from tests.response.world import heir, wanted


def test_of_several_responses_at_once_each_phase_is_worked_once(environment: PipelineEnvironment) -> None:
    id_ = declare(heir(environment), wanted().declaration()).id
    together = threading.Barrier(4)

    def go(number: int) -> Run:
        together.wait()
        return respond(Context(environment, f"process {number}"), wanted(incident=id_, pause="yes"))

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(go, range(4)))
    words = sorted(one.outcome for one in runs)
    assert set(words) <= {"busy", "escalated"}
    assert "escalated" in words
    incident = read_incident(heir(environment), id_)
    assert [said.phase for _, said in incident.all_of(Entered)] == ["stabilise", "diagnose", "mitigate"]
    assert len(incident.all_of(Diagnosed)) == len(incident.actions) == len(open_pauses(heir(environment))) == 1
    assert len({one.name for one in incident.evidence}) == len(incident.evidence)
    assert verify_incident(heir(environment), id_) == []


def test_two_captures_at_once_keep_one_bundle(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    id_ = declare(heir(environment), wanted().declaration()).id
    together = threading.Barrier(2)

    def go(actor: str) -> None:
        context = Context(environment, actor)
        incident = read_incident(context, id_)
        together.wait()
        capture(context, incident)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(go, ("ann", "bo")))
    incident = read_incident(heir(environment), id_)
    assert len({one.name for one in incident.evidence}) == len(incident.evidence)
    assert verify_incident(heir(environment), id_) == []


def test_people_write_while_it_works_and_nothing_is_lost(environment: PipelineEnvironment) -> None:
    id_ = declare(heir(environment), wanted().declaration()).id
    ready = threading.Event()

    def notes() -> None:
        person = read_incident(Context(environment, "cy"), id_)
        ready.set()
        for number in range(20):
            person.say(Noted(text=f"note {number}"))

    writer = threading.Thread(target=notes)
    writer.start()
    ready.wait()
    one = respond(heir(environment), wanted(incident=id_))
    writer.join()
    assert one.outcome == "escalated", one.sentence()
    incident = read_incident(heir(environment), id_)
    said = [note.text for entry, note in incident.all_of(Noted) if entry.actor == "cy"]
    assert said == [f"note {number}" for number in range(20)]
    assert incident.phase == "mitigate"
