"""The flow of the response as a person meets it: a form at each turn, artifacts, and the state it ends in."""

from __future__ import annotations

from prefect.flow_runs import resume_flow_run

from deployments.sandbox.server import Sandbox
from flows.incident_response import incident_response
from flows.incident_watch import incident_watch
from tasks.incidents.incident import incident_ids, read_incident
from tests.flows.world import Saved, Started, artifacts, run
from tests.response.world import SCENE, broken, heir


def test_plan_mode_shows_what_each_phase_would_do_and_writes_its_page_alone(saved: Saved, sandbox: Sandbox) -> None:
    broken(sandbox, "usd_missing")
    sandbox.requests.reset()
    state = run(incident_response, title="Exports fail", scenes=[SCENE], severity="sev1")
    assert state.is_completed(), state.message
    assert sandbox.requests.mutating() == {"total": 1, "storage": 1}, "its page"
    page = str(artifacts(state)["incident-incident-response"].data)
    assert f"remediate recover {SCENE}" in page
    assert "to pause" in page


def test_a_person_is_asked_at_each_turn_and_the_report_is_an_artifact(saved: Saved, sandbox: Sandbox) -> None:
    broken(sandbox)
    started = Started(
        incident_response, title="Exports fail", scenes=[SCENE], mode="apply", commander="bo", requested_by="ann"
    )
    answers = (
        {"choice": "recover", "by": "bo"},
        {"choice": "go_on", "by": "bo"},
        {"impact": "no export", "mitigation": "recovered", "by": "bo"},
        {"choice": "resolved", "how": "exported again", "by": "bo"},
    )
    for answer in answers:
        resume_flow_run(started.paused().id, run_input=answer)
    state = started.ended()
    assert state.is_completed(), state.message
    (id_,) = incident_ids(heir(saved.environment))
    incident = read_incident(heir(saved.environment), id_)
    assert (incident.status, incident.actions[0][1].outcome) == ("resolved", "done")
    report = str(artifacts(state)[f"review-{id_}"].data)
    assert incident.actions[0][1].run in report
    assert incident.first.flow_run


def test_unattended_it_ends_at_the_first_question_and_says_how_to_go_on(saved: Saved, sandbox: Sandbox) -> None:
    state = run(incident_response, title="Exports fail", mode="apply", unattended=True)
    assert state.is_failed()
    assert state.message is not None
    assert "escalated" in state.message
    assert "remediate incident resolve" in state.message


def test_an_approval_that_the_policy_wants_is_asked_for_within_the_response(saved: Saved, sandbox: Sandbox) -> None:
    broken(sandbox)
    saved.keep(approval={"low": "automatic", "medium": "automatic", "high": "person"})
    started = Started(incident_response, title="x", scenes=[SCENE], mode="apply", requested_by="ann")
    resume_flow_run(started.paused().id, run_input={"choice": "recover", "by": "bo"})
    resume_flow_run(started.paused().id, run_input={"decision": "reject", "approver": "bo"})
    resume_flow_run(started.paused().id, run_input={"choice": "go_on", "by": "bo"})
    started.paused()
    (id_,) = incident_ids(heir(saved.environment))
    ((_, acted),) = read_incident(heir(saved.environment), id_).actions
    assert acted.outcome == "refused"
    assert "was rejected by bo" in acted.sentence


def test_the_watch_fails_for_an_incident_that_nobody_leads(saved: Saved, sandbox: Sandbox) -> None:
    assert run(incident_watch).is_completed()
    run(incident_response, title="Exports fail", mode="apply", unattended=True)
    state = run(incident_watch)
    assert state.is_failed()
    assert "nobody leads it" in str(state.message)
