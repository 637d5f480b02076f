"""An incident's record tells where it stands, to whoever reads it, in whatever order people and flows have written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import (
    SAID,
    Acknowledged,
    Acted,
    Changed,
    Closed,
    Declared,
    Entered,
    FollowUp,
    Noted,
    Paging,
    Reopened,
    Resolved,
    Scope,
    Updated,
)
from tasks.incidents.incident import ID, Incident, declare, incident_ids, read_incident
from tasks.incidents.said import Said
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused

NOON = datetime(2026, 1, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def context(environment: PipelineEnvironment) -> Context:
    return Context(environment, "ann")


@pytest.fixture
def incident(context: Context) -> Incident:
    return declare(context, Declared(title="Exports fail", severity="sev2", scope=Scope(scenes=("kitchen_001",))))


def test_what_was_declared_is_read_again_by_anybody(context: Context, incident: Incident) -> None:
    read = read_incident(Context(context.environment, "bo"), incident.id)
    assert (read.first, read.status, read.phase) == (incident.first, "open", "declare")
    assert read.declared_at == incident.declared_at
    assert ID.fullmatch(read.id)


def test_an_incident_without_a_title_is_refused_and_nothing_is_written(context: Context, sandbox: Sandbox) -> None:
    with pytest.raises(Refused, match="title"):
        declare(context, Declared(title="  "))
    assert incident_ids(context) == []
    assert sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize(
    "name", ["", "inc-1", "../journal", "inc-20260118t120000z-0123456", "INC-20260118t120000z-01234567"]
)
def test_what_is_no_id_is_refused_with_what_to_do(context: Context, name: str) -> None:
    with pytest.raises(Refused, match="incident list"):
        read_incident(context, name)


def test_an_id_that_nobody_declared_is_refused(context: Context) -> None:
    with pytest.raises(Refused, match="There is no incident inc-20260118t120000z-01234567"):
        read_incident(context, "inc-20260118t120000z-01234567")


def test_they_are_listed_newest_first(context: Context) -> None:
    made = [declare(context, Declared(title=f"number {number}")).id for number in range(3)]
    assert incident_ids(context) == sorted(made, reverse=True)


def test_what_is_written_and_what_is_read_tell_the_same(context: Context, incident: Incident) -> None:
    for said in (
        Entered(phase="stabilise"),
        Changed(severity="sev1", commander="bo"),
        Acknowledged(by="bo", how="command"),
        Acted(procedure="pause-intake", outcome="done"),
        Updated(impact="no export", mitigation="rerun", next_update_at=NOON),
        FollowUp(text="alert on it", owner="cy"),
        Resolved(how="rolled back"),
        Closed(report="r.html"),
    ):
        incident.say(said)
    read = read_incident(context, incident.id)
    for field in ("first", "phase", "acknowledged", "acknowledged_at", "resolved", "resolved_at", "closed", "updates", "actions", "follow_ups", "status", "next_update_at"):  # fmt: skip
        assert getattr(read, field) == getattr(incident, field), field
    assert (read.first.severity, read.first.commander, read.first.title) == ("sev1", "bo", "Exports fail")
    assert read.first.scope == Scope(scenes=("kitchen_001",)), "what a change does not name stays"
    assert read.next_update_at == NOON


def test_the_first_acknowledgement_counts(incident: Incident) -> None:
    incident.say(Acknowledged(by="bo", how="link", identity="verified"))
    incident.say(Acknowledged(by="cy", how="command"))
    assert incident.acknowledged is not None
    assert (incident.acknowledged.by, incident.acknowledged_at) == ("bo", incident.case.entries[1].at)


def test_one_that_was_resolved_too_early_is_opened_again(incident: Incident) -> None:
    incident.say(Resolved(how="it looked well"))
    assert incident.status == "resolved"
    incident.say(Reopened(why="it is not"))
    assert (incident.status, incident.resolved_at) == ("open", None)


def test_a_person_may_say_when_it_was_over(incident: Incident) -> None:
    incident.say(Resolved(how="power came back", at=NOON))
    assert incident.resolved_at == NOON


def test_two_who_write_at_once_are_both_in_the_record(context: Context, incident: Incident) -> None:
    other = read_incident(Context(context.environment, "bo"), incident.id)
    incident.say(Noted(text="one"))
    other.say(Noted(text="two"))
    read = read_incident(context, incident.id)
    assert [(entry.actor, said.text) for entry, said in read.all_of(Noted)] == [("ann", "one"), ("bo", "two")]


def test_what_is_said_once_is_said_by_one_of_two(context: Context, incident: Incident) -> None:
    other = read_incident(context, incident.id)
    page = Paging(key="page:primary:1", to="ann", sink="mail", text="wake up")
    assert [incident.say_once(page.key, page), other.say_once(page.key, page)] == [True, False]
    assert len(read_incident(context, incident.id).all_of(Paging)) == 1


def test_an_entry_of_a_newer_version_is_kept_and_passed_over(context: Context, incident: Incident) -> None:
    incident.case.record("omen", {"bird": "raven"})
    incident.case.record("phase", {"phase": "meditate"})
    incident.case.record("changed", {"severity": "sev0"})
    incident.say(Entered(phase="diagnose"))
    read = read_incident(context, incident.id)
    assert (read.phase, read.first.severity, len(read.case.entries)) == ("diagnose", "sev2", 5)


def test_a_record_that_begins_with_something_else_is_refused_with_its_place(
    context: Context, incident: Incident
) -> None:
    from tasks.remediation.case import Case

    id_ = "inc-20260118t120000z-01234567"
    Case(context.environment.storage, "sandbox-ops", f"remediation/incidents/{id_}/record/", id_, "x").record(
        "note", {"text": "?"}
    )
    with pytest.raises(Refused, match="does not begin with a declaration"):
        read_incident(context, id_)


def test_scope_is_told_in_one_phrase() -> None:
    assert Scope().words() == "not known"
    assert Scope(scenes=("a", "b"), jobs=("c",)).words() == "2 scenes: a, b; 1 job: c"
    assert Scope(scenes=tuple("abcdefg")).words() == "7 scenes: a, b, c, d, e ..."


def test_every_kind_of_entry_is_known_by_its_name() -> None:
    below = {one.kind: one for one in Said.__subclasses__()}
    assert below == SAID


def test_an_update_promises_the_next_one(incident: Incident) -> None:
    assert incident.next_update_at is None
    soon = datetime.now(UTC) + timedelta(minutes=30)
    incident.say(Updated(impact="none", mitigation="none", next_update_at=soon))
    assert incident.next_update_at == soon
