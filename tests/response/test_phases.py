"""The response goes through the handbook's phases, by what the record says and by what a person decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.pauses import open_pauses
from tasks.incidents.entries import Decided, Diagnosed, Entered, Resolved, Scope, Updated
from tasks.incidents.incident import incident_ids, read_incident
from tasks.response.forms import Mitigation, Resolution, Update
from tests.kernel.world import policies
from tests.response.world import (
    GO_ON,
    OVER,
    RECOVER,
    SCENE,
    TOLD,
    Person,
    broken,
    carried,
    heir,
    incident_of,
    kinds,
    objects,
)


def test_from_declaring_to_the_review_with_a_person_at_each_turn(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken(sandbox)
    one = carried(environment, RECOVER, GO_ON, TOLD, OVER)
    assert one.outcome == "done", one.sentence()
    incident = incident_of(one)
    assert [said.phase for _, said in incident.all_of(Entered)] == [
        "stabilise", "diagnose", "mitigate", "communicate", "resolve", "review",
    ]  # fmt: skip
    assert kinds(incident) == [
        "declared", "phase", "note", "evidence", "phase", "fault", "diagnosis", "phase",
        "decision", "action", "mended", "note", "decision", "phase", "update", "phase", "resolved", "phase",
    ]  # fmt: skip
    ((_, acted),) = incident.actions
    assert (acted.procedure, acted.subject, acted.outcome) == ("export-recovery", SCENE, "done")
    assert acted.run
    assert (incident.status, incident.phase) == ("resolved", "review")
    number = f"{len(incident.case.entries):06d}"
    assert [name.rpartition("/")[2] for name in objects(sandbox) if "/report/" in name] == [
        f"{number}.html", f"{number}.md", f"{number}.svg",
    ]  # fmt: skip


def test_without_a_person_it_ends_at_the_first_question_and_says_how_to_go_on(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken(sandbox)
    one = carried(environment)
    assert one.outcome == "escalated"
    incident = incident_of(one)
    assert (incident.phase, incident.status) == ("mitigate", "open")
    assert incident.id in one.reasons[0]
    assert "incident-response" in one.reasons[0]
    assert "remediate incident resolve" in one.reasons[0]


def test_another_process_goes_on_where_the_record_stands(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken(sandbox)
    first = carried(environment)
    id_ = incident_of(first).id
    assert carried(environment, GO_ON, incident=id_).outcome == "escalated"
    assert read_incident(heir(environment), id_).phase == "communicate"
    assert carried(environment, TOLD, OVER, incident=id_).outcome == "done"
    incident = read_incident(heir(environment), id_)
    for kind in (Diagnosed, Updated, Resolved):
        assert len(incident.all_of(kind)) == 1, kind
    assert len({evidence.name for evidence in incident.evidence}) == len(incident.evidence)
    assert incident_ids(heir(environment)) == [id_]


def test_what_a_person_did_by_hand_is_recorded_in_their_words(environment: PipelineEnvironment) -> None:
    hand = Mitigation(choice="by_hand", text="restarted the node pool", by="cy")
    incident = incident_of(carried(environment, hand, GO_ON))
    ((_, acted),) = incident.actions
    assert (acted.procedure, acted.subject, acted.sentence) == ("by hand", "cy", "restarted the node pool")


def test_by_hand_needs_a_sentence(environment: PipelineEnvironment) -> None:
    person = Person([Mitigation(choice="by_hand", text=" ", by="cy"), GO_ON])
    incident = incident_of(carried(environment, person=person))
    assert incident.actions == []
    assert "> Say in a sentence what you did by hand." in person.pages[1]


def test_what_needs_approval_is_not_waited_for_where_nobody_is(environment: PipelineEnvironment) -> None:
    policies(environment, approval={"low": "person", "medium": "person", "high": "person"})
    incident = incident_of(carried(environment, pause="yes"))
    ((_, acted),) = incident.actions
    assert (acted.outcome, acted.gives_back, open_pauses(heir(environment))) == ("needs_approval", "", [])
    assert incident.phase == "mitigate"


def test_a_form_that_was_left_as_it_is_means_to_be_asked_again(environment: PipelineEnvironment) -> None:
    person = Person([Mitigation(), Mitigation(), GO_ON])
    incident = incident_of(carried(environment, person=person))
    assert incident.phase == "communicate"
    assert [said.choice for _, said in incident.all_of(Decided)] == ["wait", "wait", "go_on"]
    assert len(set(person.given)) == 3, "each question has a key of its own"


def test_scenes_that_the_form_names_are_recovered_and_not_those_of_the_scope(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken(sandbox)
    named = Mitigation(choice="recover", scenes=[SCENE], by="bo")
    incident = incident_of(carried(environment, named, GO_ON, scope=Scope(scenes=("office_001",))))
    assert [acted.subject for _, acted in incident.actions] == [SCENE]


def test_to_recover_without_any_scene_is_refused_and_never_means_all(environment: PipelineEnvironment) -> None:
    incident = incident_of(carried(environment, RECOVER, GO_ON, scope=Scope()))
    ((_, acted),) = incident.actions
    assert acted.outcome == "refused"
    assert "never means all" in acted.sentence
    assert incident.phase == "communicate"


def test_a_status_update_promises_the_next_one(environment: PipelineEnvironment) -> None:
    before = datetime.now(UTC)
    told = Update(impact="no exports", mitigation="none yet", next_update_minutes=30, by="bo")
    incident = incident_of(carried(environment, GO_ON, told))
    promised = incident.next_update_at
    assert promised is not None
    assert timedelta(minutes=30) <= promised - before < timedelta(minutes=31)


def test_no_impact_means_no_update(environment: PipelineEnvironment) -> None:
    incident = incident_of(carried(environment, GO_ON, Update(by="bo")))
    assert (incident.updates, incident.phase) == ([], "resolve")


def test_what_is_not_over_goes_back_to_mitigating_and_is_asked_anew(environment: PipelineEnvironment) -> None:
    not_yet = Resolution(choice="not_yet", by="bo")
    one = carried(environment, GO_ON, TOLD, not_yet, GO_ON, TOLD, OVER)
    assert one.outcome == "done", one.sentence()
    incident = incident_of(one)
    assert [said.phase for _, said in incident.all_of(Entered)][2:] == [
        "mitigate", "communicate", "resolve", "mitigate", "communicate", "resolve", "review",
    ]  # fmt: skip
    assert len(incident.updates) == 2


def test_resolving_needs_a_sentence(environment: PipelineEnvironment) -> None:
    person = Person([GO_ON, TOLD, Resolution(choice="resolved"), OVER])
    incident = incident_of(carried(environment, person=person))
    assert "Say how it ended" in person.pages[-1]
    assert incident.status == "resolved"


def test_a_person_may_say_when_it_was_over(environment: PipelineEnvironment) -> None:
    at = datetime(2026, 1, 18, 12, 0, 5, tzinfo=UTC)
    incident = incident_of(carried(environment, GO_ON, TOLD, OVER.model_copy(update={"at": at})))
    assert incident.resolved_at == at
