"""The flows that tell people, acknowledge and audit: what Prefect shows of them, and that they come again by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from flows.acknowledge_incident import acknowledge_incident
from flows.escalation import escalation
from flows.escalation_audit import escalation_audit
from tasks.incidents.entries import Closed
from tasks.incidents.incident import read_incident
from tasks.incidents.open_marks import open_marks
from tasks.incidents.pages import attempts, enough
from tasks.remediation.context import Context
from tests.escalation.world import FIRST, an_incident, came
from tests.flows.world import Saved, actions, artifacts, everything, has_row, run
from tests.receiver.world import ask

pytestmark = pytest.mark.usefixtures("saved")


@pytest.fixture
def deployed(prefect_server: None) -> Iterator[str]:
    """The deployment, without a worker: its runs can be counted."""
    flow = ask("POST", "/flows/", {"name": "escalation"})["id"]
    names = ("mode", "incident", "environment", "requested_by")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    body = {"name": "escalation", "flow_id": flow, "parameter_openapi_schema": schema}
    made = ask("POST", "/deployments/", {**body, "enforce_parameter_schema": True})["id"]
    yield made
    ask("DELETE", f"/deployments/{made}")


def planned(deployment: str) -> list[dict[str, Any]]:
    """The runs that were made of it."""
    wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "ID_DESC", "limit": 200}
    return list(ask("POST", "/flow_runs/filter", wanted))


def test_the_plan_shows_who_would_be_told_what_and_changes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox, deployed: str
) -> None:
    incident = an_incident(environment)
    before = everything(sandbox)
    sandbox.requests.reset()
    shown = run(escalation)
    assert shown.is_completed(), shown.message
    assert everything(sandbox) == before
    assert sandbox.requests.mutating() == {"total": 1, "storage": 1}, "its page"
    assert planned(deployed) == []
    (row,) = actions(artifacts(shown)[f"plan-escalation-{incident.id}"])
    assert row["effect"] == "notify"
    assert row["target"].endswith(FIRST)


def test_applied_it_tells_people_and_has_the_next_run_made_for_the_minute_of_the_next_page(
    environment: PipelineEnvironment, sandbox: Sandbox, deployed: str
) -> None:
    incident = an_incident(environment)
    told = run(escalation, mode="apply", requested_by="ann")
    assert told.is_completed(), told.message
    assert came(sandbox) == {"primary": 1}
    assert has_row(artifacts(told)[f"escalation-escalation-{incident.id}"], "primary", "sent")
    for _ in range(2):
        again = run(escalation, mode="apply")
        assert again.is_completed()
        assert "1 incidents looked at, 0 of them with somebody to tell" in str(again.message)
    (one,) = planned(deployed)
    due = datetime.fromisoformat(one["expected_start_time"])
    assert abs(due - (incident.declared_at + timedelta(minutes=15))) < timedelta(seconds=1)
    assert one["parameters"]["mode"] == "apply"
    assert one["state"]["type"] == "SCHEDULED"


def test_without_that_deployment_it_tells_people_all_the_same(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    an_incident(environment)
    assert run(escalation, mode="apply").is_completed()
    assert came(sandbox) == {"primary": 1}


def test_a_sink_that_fails_fails_the_run_with_its_name_and_the_next_run_is_a_minute_later(
    environment: PipelineEnvironment, sandbox: Sandbox, deployed: str
) -> None:
    sandbox.faults.add(FaultRule(service="sinks", method="primary", kind="status", status=503, times=1))
    incident = an_incident(environment)
    told = run(escalation, mode="apply")
    assert told.is_failed()
    assert "primary was not surely told" in str(told.message)
    (one,) = planned(deployed)
    failed = attempts(read_incident(Context(environment, "x"), incident.id))[FIRST].at
    due = datetime.fromisoformat(one["expected_start_time"])
    assert abs(due - (failed + timedelta(minutes=1))) < timedelta(seconds=1)


def test_with_nothing_open_it_says_so_and_plans_nothing(deployed: str) -> None:
    state = run(escalation, mode="apply")
    assert state.is_completed()
    assert state.message == "0 incidents looked at, 0 of them with somebody to tell"
    assert planned(deployed) == []


def test_one_broken_record_does_not_keep_the_others_from_being_told(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken, _ = an_incident(environment), an_incident(environment)
    environment.storage.create("sandbox-ops", f"{broken.case.prefix}000005.json", b"nonsense")
    state = run(escalation, mode="apply")
    assert state.is_failed()
    assert came(sandbox) == {"primary": 1}


def test_only_what_is_applied_forgets_what_is_closed(environment: PipelineEnvironment) -> None:
    an_incident(environment).say(Closed())
    run(escalation)
    assert len(open_marks(environment)) == 1
    run(escalation, mode="apply")
    assert open_marks(environment) == []


def test_a_person_takes_it_in_the_ui_and_nobody_is_paged_any_more(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = an_incident(environment)
    taken = run(acknowledge_incident, incident=incident.id, by="ann")
    assert taken.is_completed()
    assert taken.message == f"{incident.id}: ann has it."
    again = run(acknowledge_incident, incident=incident.id, by="ann", how="link")
    assert again.is_completed()
    assert "known already" in str(again.message)
    read = read_incident(Context(environment, "x"), incident.id)
    assert (enough(read), read.acknowledged and read.acknowledged.how) == ("ann has it", "ui")
    assert run(escalation, mode="apply").is_completed()
    assert came(sandbox) == {}


@pytest.mark.parametrize(("incident", "by", "said"), [("inc-1", "ann", "incident list"), ("", "ann", "incident list")])
def test_an_incident_that_there_is_not_is_refused_in_one_sentence(incident: str, by: str, said: str) -> None:
    state = run(acknowledge_incident, incident=incident, by=by)
    assert state.is_failed()
    assert said in str(state.message)


def test_the_audit_shows_each_chain(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    run(acknowledge_incident, incident=incident.id, by="ann")
    state = run(escalation_audit)
    assert state.is_completed(), state.message
    assert has_row(artifacts(state)["check-escalation-audit"], incident.id, "ann has it", "0")


def test_the_audit_fails_where_nobody_would_be_told(saved: Saved) -> None:
    from blocks.notifier import Notifier

    saved.environment.notifier = Notifier()
    saved.keep()
    state = run(escalation_audit)
    assert state.is_failed()
    assert "the notifier has no sinks" in str(state.message)


def test_while_the_bucket_does_not_answer_the_run_fails_with_its_sentence(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    an_incident(environment)
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    state = run(escalation, mode="apply")
    assert state.is_failed()
    assert "Could not list" in str(state.message)


def test_when_what_comes_after_cannot_be_done_people_were_told_all_the_same(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import flows.escalation

    def fails(*_: object) -> None:
        raise OSError("the server is away")

    monkeypatch.setattr(flows.escalation, "come_again", fails)
    an_incident(environment)
    state = run(escalation, mode="apply")
    assert state.is_completed()
    assert came(sandbox) == {"primary": 1}


def test_what_somebody_else_was_telling_is_looked_at_again_within_two_minutes(
    environment: PipelineEnvironment, sandbox: Sandbox, deployed: str
) -> None:
    """If that one was killed, its lease has ended by then; the next page may be a quarter of an hour away."""
    incident = an_incident(environment)
    before = datetime.now(UTC)
    with Context(environment, "somebody").holding(f"@escalation-{incident.id}", "their-run"):
        assert run(escalation, mode="apply").is_completed()
    assert came(sandbox) == {}
    (one,) = planned(deployed)
    due = datetime.fromisoformat(one["expected_start_time"])
    assert before < due <= before + timedelta(minutes=2, seconds=30)
