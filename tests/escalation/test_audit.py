"""The audit says what the escalation should have done and did not, and is silent when all of it was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.notifier import Notifier
from blocks.on_call import Chains, OnCall, Tier
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.escalation.audit import GRACE, LATELY, EscalationAudit, wanted
from tasks.incidents.acknowledge import acknowledge
from tasks.incidents.entries import Closed, Declared, Paging, Resolved
from tasks.incidents.incident import Incident, declare, record_of
from tasks.incidents.open_marks import open_marks, remove_open_mark
from tasks.remediation.case import Case
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.escalation.world import FIRST, an_incident, an_update, tell

LATE = GRACE.total_seconds() / 60 + 0.5


def audit(environment: PipelineEnvironment, ahead: float = 0.0) -> Run:
    return check(EscalationAudit(), Context(environment, "x"), datetime.now(UTC) + timedelta(minutes=ahead))


def reasons(environment: PipelineEnvironment, ahead: float = 0.0) -> list[str]:
    one = audit(environment, ahead)
    assert one.outcome == ("failed" if one.reasons else "nothing_to_do")
    return one.reasons


def told_until(environment: PipelineEnvironment, incident: Incident, minute: int) -> None:
    for ahead in range(0, minute + 1, 5):
        tell(environment, incident, ahead=ahead + 0.1)


def test_without_incidents_all_is_well_and_nothing_is_changed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    assert reasons(environment) == []
    assert sandbox.requests.mutating() == {"total": 0}


def test_a_chain_that_goes_on_as_it_should_is_well(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    told_until(environment, incident, 30)
    for ahead in (0, 10, 30, 40):
        assert reasons(environment, ahead) == [], ahead


@pytest.mark.parametrize(("ahead", "told"), [(1.0, 0), (LATE, 1), (15 + LATE, 2), (30 + LATE, 3)])
def test_a_page_that_was_due_and_not_sent_is_named(environment: PipelineEnvironment, ahead: float, told: int) -> None:
    incident = an_incident(environment)
    found = reasons(environment, ahead)
    assert len(found) == told
    for reason, who in zip(found, ("primary", "secondary", "vendor"), strict=False):
        assert reason.startswith(f"{incident.id}: {who} should have been told through")
        assert "does the deployment escalation run?" in reason


def test_who_came_late_and_told_everybody_once_has_missed_nothing(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    tell(environment, incident, ahead=44)
    assert reasons(environment, 44) == []


@pytest.mark.parametrize("who", ["bo", "resolved"])
def test_a_chain_that_ended_in_an_acknowledgement_or_with_the_trouble_is_well(
    environment: PipelineEnvironment, who: str
) -> None:
    incident = an_incident(environment)
    tell(environment, incident)
    if who == "bo":
        acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    else:
        incident.say(Resolved(how="rolled back"))
    assert reasons(environment, 600) == []


def test_a_chain_that_ran_to_its_end_with_nobody_having_it_is_told(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    told_until(environment, incident, 60)
    assert reasons(environment, 60) == []
    assert reasons(environment, 60 + LATE) == [
        f"{incident.id}: everybody was told and nobody has it: call somebody, or acknowledge it."
    ]
    table = "\n".join(one.document() for one in audit(environment, 60 + LATE).facts.sections)
    assert "nobody: it ran to its end" in table


def test_a_sink_that_never_took_it_is_told_even_after_somebody_has_the_incident(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    """Its address is wrong, and the next incident would not reach it either."""
    sandbox.faults.add(FaultRule(service="sinks", method="primary", kind="status", status=404))
    incident = an_incident(environment)
    for ahead in (0.1, 2, 4, 6):
        tell(environment, incident, ahead=ahead)
    acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    assert reasons(environment, 5) == [], "it was just tried"
    (one,) = reasons(environment, LATE)
    assert f"primary was not surely told through primary: {FIRST}:retry3 failed" in one
    assert "answered 404" in one


def test_a_later_message_that_came_makes_good_for_an_earlier_one(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="sinks", method="primary", kind="lost_answer", times=1))
    incident = an_incident(environment)
    tell(environment, incident)
    assert "not surely told" in reasons(environment, LATE)[0]
    tell(environment, incident, ahead=15.1)
    assert reasons(environment, 15.2) == []


def test_a_page_whose_process_ended_while_it_was_sent_is_told(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    incident.say_once(FIRST, Paging(key=FIRST, to="primary", sink="primary", text="x"))
    assert reasons(environment, 1) == []
    (one,) = reasons(environment, LATE)
    assert "was about to be sent when its process ended; ask whether it came" in one


def test_an_update_that_was_not_sent_or_was_promised_and_did_not_come_is_told(
    environment: PipelineEnvironment,
) -> None:
    incident = an_incident(environment)
    tell(environment, incident)
    incident.case.refresh()
    incident.say(an_update(next_update_at=datetime.now(UTC) + timedelta(minutes=30)))
    acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    (one,) = reasons(environment, LATE)
    assert "updates should have been told through updates" in one
    tell(environment, incident)
    assert reasons(environment, 31) == []
    (one,) = reasons(environment, 30 + LATE)
    assert "an update was promised for" in one
    assert "write one" in one


def test_when_it_is_resolved_nobody_waits_for_the_promised_update(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    incident.say(an_update(next_update_at=datetime.now(UTC) + timedelta(minutes=30)))
    incident.say(Resolved(how="rolled back"))
    tell(environment, incident)
    assert reasons(environment, 300) == []


POLICIES: dict[str, tuple[dict[str, Any], str]] = {
    "no sinks at all": ({"notifier": Notifier()}, "the notifier has no sinks"),
    "an empty chain": ({"on_call": OnCall(chains=Chains(data=()))}, "Nobody is on call for data"),
    "a tier of nobody": (
        {"on_call": OnCall(chains=Chains(data=(Tier(label="a"),)))},
        "Tier a of data has no sinks",
    ),
    "a sink that is not there": (
        {"on_call": OnCall(chains=Chains(data=(Tier(label="a", sinks=("pager",)),)))},
        "names pager, which the notifier does not have",
    ),
    "updates to nobody": ({"on_call": OnCall(updates_to=("chat",))}, "Updates go to chat"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_by_which_somebody_would_not_be_told_is_a_finding_before_anything_happens(
    environment: PipelineEnvironment, name: str
) -> None:
    changes, said = POLICIES[name]
    for field, value in changes.items():
        setattr(environment, field, value)
    (one,) = reasons(environment)
    assert said in one


def test_the_default_of_an_installation_that_named_nobody_is_a_finding() -> None:
    blank = PipelineEnvironment()
    from tasks.escalation.audit import nobody_hears

    assert list(nobody_hears(blank)) == [
        "Nobody would be told of an incident: the notifier has no sinks. Add the addresses of the people on call."
    ]


def test_a_record_that_cannot_be_read_is_told_and_stands_in_no_other_ones_way(
    environment: PipelineEnvironment,
) -> None:
    broken, good = an_incident(environment), an_incident(environment)
    prefix = record_of(broken.id)
    environment.storage.create("sandbox-ops", f"{prefix}000005.json", b"nonsense")
    found = reasons(environment, LATE)
    assert len(found) == 2
    assert any(one.startswith(f"{broken.id} could not be looked at: ") and "000005.json" in one for one in found)
    assert any(one.startswith(f"{good.id}: primary should have been told") for one in found)


def test_one_that_was_closed_lately_is_looked_at_and_one_of_long_ago_is_not(
    environment: PipelineEnvironment,
) -> None:
    incident = an_incident(environment)
    incident.say(Closed())
    context = Context(environment, "x")
    for _, mark in open_marks(environment):
        remove_open_mark(environment, mark)
    now = datetime.now(UTC)
    assert wanted(context, now) == ([incident.id], 0)
    assert wanted(context, now + LATELY + timedelta(hours=1)) == ([], 0)


def test_an_open_one_of_long_ago_is_looked_at(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    assert wanted(Context(environment, "x"), datetime.now(UTC) + timedelta(days=400)) == ([incident.id], 0)


def test_its_own_error_fails_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    one = audit(environment)
    assert (one.outcome, one.facts) == ("failed", None)


def test_entries_of_a_newer_version_do_not_disturb_it(environment: PipelineEnvironment) -> None:
    incident = declare(Context(environment, "ann"), Declared(title="x"))
    tell(environment, incident)
    case = Case(environment.storage, "sandbox-ops", record_of(incident.id), incident.id, "newer")
    case.refresh()
    case.record("paged", {"key": FIRST, "outcome": "teleported"})
    case.record("omen", {"bird": "raven"})
    assert reasons(environment, 10) == []
