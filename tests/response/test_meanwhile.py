"""What others say, do or end while a response waits counts."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Closed, Diagnosed, Noted, Reopened, Resolved
from tasks.incidents.incident import declare, incident_ids, read_incident
from tasks.remediation.context import Context
from tasks.response.respond import respond
from tests.response.world import (
    GO_ON,
    OVER,
    RECOVER,
    TOLD,
    Person,
    broken,
    carried,
    heir,
    incident_of,
    wanted,
)


def test_an_incident_that_was_resolved_by_hand_is_only_reviewed(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    incident.say(Resolved(how="it went away"))
    person = Person([])
    assert carried(environment, person=person, incident=incident.id).outcome == "done"
    assert person.pages == []


def test_one_that_is_resolved_while_a_form_waits_is_not_acted_on(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken(sandbox)

    class Late(Person):
        def __call__(self, form, key, page, /):  # type: ignore[no-untyped-def]
            id_ = incident_ids(heir(environment))[0]
            read_incident(Context(environment, "cy"), id_).say(Resolved(how="cy was quicker"))
            return super().__call__(form, key, page)

    one = carried(environment, person=Late([RECOVER]))
    assert one.outcome == "done", one.sentence()
    assert incident_of(one).actions == []


def test_a_resolved_one_that_is_opened_again_is_diagnosed_and_mitigated_anew(environment: PipelineEnvironment) -> None:
    id_ = incident_of(carried(environment, GO_ON, TOLD, OVER)).id
    read_incident(heir(environment), id_).say(Reopened(why="it is back"))
    one = carried(environment, GO_ON, incident=id_)
    incident = incident_of(one)
    assert (one.outcome, incident.status, incident.phase) == ("escalated", "open", "communicate")
    assert len(incident.all_of(Diagnosed)) == 2


def test_a_closed_one_is_left_alone_with_how_to_open_it(environment: PipelineEnvironment) -> None:
    id_ = incident_of(carried(environment, GO_ON, TOLD, OVER)).id
    read_incident(heir(environment), id_).say(Closed())
    one = carried(environment, incident=id_)
    assert (one.outcome, "reopen" in one.reasons[0]) == ("nothing_to_do", True)


def test_notes_that_people_write_meanwhile_change_no_question(environment: PipelineEnvironment) -> None:
    person = Person([])
    id_ = incident_of(carried(environment, person=person)).id
    asked: list[str] = []

    def remember(form, key, page, /):  # type: ignore[no-untyped-def]
        asked.append(key)

    carried(environment, person=remember, incident=id_)  # type: ignore[arg-type]
    read_incident(heir(environment), id_).say(Noted(text="still looking"))
    carried(environment, person=remember, incident=id_)  # type: ignore[arg-type]
    assert asked[0] == asked[1]


def test_while_another_process_works_on_it_it_is_busy(environment: PipelineEnvironment) -> None:
    id_ = incident_of(carried(environment)).id
    with Context(environment, "cy").holding(f"@{id_}", "their-run"):
        one = respond(Context(environment, "ann"), wanted(incident=id_))
    assert (one.outcome, "cy" in one.reasons[0]) == ("busy", True)
