"""After an incident its runtime report is made, once, whichever way it was resolved, and never instead of anything else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.flow_runs import resume_flow_run

from deployments.sandbox.server import Sandbox
from flows.incident_response import incident_response
from flows.incident_watch import incident_watch
from tasks.incidents.entries import Resolved
from tasks.incidents.incident import Incident, incident_ids, read_incident
from tasks.response.watch import JUST_NOW, just_resolved
from tests.escalation.world import an_incident
from tests.flows.world import Saved, Started, run
from tests.receiver.world import ask
from tests.response.world import heir

HOUR = timedelta(hours=1)


@pytest.fixture
def deployed(prefect_server: None) -> Iterator[str]:
    """The report's deployment, without a worker: its runs can be counted."""
    flow = ask("POST", "/flows/", {"name": "runtime-report"})["id"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in ("since", "until", "environment")}}
    body = {"name": "runtime-report", "flow_id": flow, "parameter_openapi_schema": schema}
    made = ask("POST", "/deployments/", {**body, "enforce_parameter_schema": True})["id"]
    yield made
    ask("DELETE", f"/deployments/{made}")


def made(deployment: str) -> list[dict[str, Any]]:
    """What the runs that were made of it ask for."""
    wanted = {"deployments": {"id": {"any_": [deployment]}}, "limit": 200}
    return [run["parameters"] for run in ask("POST", "/flow_runs/filter", wanted)]


def resolved(saved: Saved, began: datetime) -> Incident:
    """An incident that somebody resolved by hand."""
    incident = an_incident(saved.environment, began_at=began, commander="bo")
    incident.say(Resolved(how="by hand"))
    return read_incident(heir(saved.environment), incident.id)


def test_the_watch_has_it_made_once_of_the_incident_s_own_hours(saved: Saved, deployed: str) -> None:
    began = datetime.now(UTC) - 3 * HOUR
    one = resolved(saved, began)
    for _ in range(2):
        assert run(incident_watch).is_completed()
    (asked,) = made(deployed)
    assert one.resolved_at is not None
    assert asked["environment"] == "default"
    assert [datetime.fromisoformat(asked[name]) for name in ("since", "until")] == [began, one.resolved_at]


def test_the_response_has_it_made_as_soon_as_somebody_says_resolved(
    saved: Saved, sandbox: Sandbox, deployed: str
) -> None:
    started = Started(incident_response, title="x", mode="apply", pause="no", requested_by="ann")
    for answer in (
        {"choice": "go_on", "by": "bo"},
        {"by": "bo"},
        {"choice": "resolved", "how": "by itself", "by": "bo"},
    ):
        resume_flow_run(started.paused().id, run_input=answer)
    assert started.ended().is_completed()
    assert len(made(deployed)) == 1
    assert run(incident_watch).name
    assert len(made(deployed)) == 1


def test_without_its_deployment_the_watch_is_what_it_is(saved: Saved, prefect_server: None) -> None:
    resolved(saved, datetime.now(UTC) - HOUR)
    assert run(incident_watch).is_completed()


def test_an_incident_that_is_not_over_has_none(saved: Saved, deployed: str) -> None:
    an_incident(saved.environment, commander="bo")
    run(incident_watch)
    assert made(deployed) == []
    (id_,) = incident_ids(heir(saved.environment))
    one = read_incident(heir(saved.environment), id_)
    assert list(just_resolved([one], datetime.now(UTC))) == []


def test_what_was_resolved_long_ago_is_not_asked_for_again(saved: Saved) -> None:
    one = resolved(saved, datetime.now(UTC) - HOUR)
    assert one.resolved_at is not None
    assert list(just_resolved([one], one.resolved_at + JUST_NOW - HOUR)) == [one]
    assert list(just_resolved([one], one.resolved_at + JUST_NOW)) == []
