"""An update that was promised and is not there is told, with how late it is and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from tasks.incidents.entries import Declared, Resolved, Updated
from tasks.incidents.incident import Incident, declare
from tasks.incidents.overdue import overdue
from tasks.remediation.context import Context

NOON = datetime(2026, 1, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def incident(environment: PipelineEnvironment) -> Incident:
    return declare(Context(environment, "ann"), Declared(title="Exports fail"))


def promise(incident: Incident, at: datetime | None) -> None:
    incident.say(Updated(impact="x", mitigation="y", next_update_at=at))


def test_nothing_is_late_that_nobody_has_promised(incident: Incident) -> None:
    assert overdue(incident, NOON) == ""
    promise(incident, None)
    assert overdue(incident, NOON) == ""


def test_a_promise_is_late_from_its_second_on_and_not_before(incident: Incident) -> None:
    promise(incident, NOON)
    assert overdue(incident, NOON) == ""
    said = overdue(incident, NOON + timedelta(minutes=7, seconds=30))
    assert "2026-01-18 12:00 UTC and is 7 minutes late" in said
    assert f"remediate incident update {incident.id}" in said


def test_the_last_promise_counts(incident: Incident) -> None:
    promise(incident, NOON)
    promise(incident, NOON + timedelta(hours=1))
    assert overdue(incident, NOON + timedelta(minutes=30)) == ""
    promise(incident, None)
    assert overdue(incident, NOON + timedelta(days=1)) == ""


def test_of_an_incident_that_is_over_nothing_is_late(incident: Incident) -> None:
    promise(incident, NOON)
    incident.say(Resolved(how="over"))
    assert overdue(incident, NOON + timedelta(days=1)) == ""
