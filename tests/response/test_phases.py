"""The response goes through the handbook's phases, by what the record says and by what a person decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Closed, Decided, Diagnosed, Entered, Noted, Reopened, Resolved, Scope, Updated
from tasks.incidents.incident import declare, incident_ids, read_incident
from tasks.intake.pauses import open_pauses
from tasks.intake.resume import ResumeIntake, ResumeRequest
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tasks.response.forms import Mitigation, Resolution, Update
from tasks.response.respond import respond
from tasks.response.response import Means
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
    wanted,
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


# Pausing


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


# What others do meanwhile


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


def test_a_pause_that_is_wanted_only_later_is_made_then_and_once(environment: PipelineEnvironment) -> None:
    id_ = incident_of(carried(environment)).id
    assert open_pauses(heir(environment)) == []
    for _ in range(2):
        incident = incident_of(carried(environment, incident=id_, pause="yes"))
        assert [acted.procedure for _, acted in incident.actions] == ["pause-intake"]
    assert len(open_pauses(heir(environment))) == 1


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


def test_while_another_process_works_on_it_it_is_busy(environment: PipelineEnvironment) -> None:
    id_ = incident_of(carried(environment)).id
    with Context(environment, "cy").holding(f"@{id_}", "their-run"):
        one = respond(Context(environment, "ann"), wanted(incident=id_))
    assert (one.outcome, "cy" in one.reasons[0]) == ("busy", True)


def test_people_are_told_of_an_incident_when_it_is_declared_and_not_each_time_it_goes_on(
    environment: PipelineEnvironment,
) -> None:
    told: list[str] = []
    one = respond(heir(environment), wanted(), Means(declared=told.append))
    assert told == incident_ids(heir(environment)) == [one.subject]
    respond(heir(environment), wanted(incident=one.subject), Means(declared=told.append))
    assert told == [one.subject]
