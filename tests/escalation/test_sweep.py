"""Every open incident is looked at, whatever is wrong with another, and however many were closed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.escalation import sweep as sweeping
from tasks.escalation.procedure import EscalationRequest
from tasks.escalation.sweep import Sweep, forget_closed, sweep, tell
from tasks.incidents.acknowledge import acknowledge
from tasks.incidents.entries import Closed, Declared
from tasks.incidents.incident import ROOT, declare, record_of
from tasks.incidents.open_marks import MARKS, open_marks
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tests.escalation.world import FIRST, an_incident, an_update, came
from tests.escalation.world import tell as told
from tests.kernel.world import Killed, heir, killed_at

OPS = "sandbox-ops"


def look(environment: PipelineEnvironment, ahead: float = 0.0, only: str = "") -> Sweep:
    return sweep(Context(environment, "x"), datetime.now(UTC) + timedelta(minutes=ahead), only)


def test_it_finds_who_is_due_and_when_to_come_again(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    new, known, taken = (an_incident(environment) for _ in range(3))
    told(environment, known)
    acknowledge(Context(environment, "bo"), taken.id, "bo", "command")
    sandbox.requests.reset()
    found = look(environment)
    assert (found.looked_at, found.due) == (3, [new.id])
    assert found.next_at is not None
    assert found.next_at[0] == min(new.declared_at, known.declared_at) + timedelta(minutes=15)
    assert "3 incidents looked at, 1 of them with somebody to tell; the next message is due at" in found.sentence()
    assert sandbox.requests.mutating() == {"total": 0}


def test_without_incidents_there_is_nothing(environment: PipelineEnvironment) -> None:
    assert look(environment) == Sweep()


def test_one_may_be_named(environment: PipelineEnvironment) -> None:
    first, _ = an_incident(environment), an_incident(environment)
    assert look(environment, only=first.id).due == [first.id]


def test_one_that_cannot_be_read_stands_in_no_other_ones_way(environment: PipelineEnvironment) -> None:
    broken, good = an_incident(environment), an_incident(environment)
    environment.storage.create(OPS, f"{record_of(broken.id)}000005.json", b"nonsense")
    found = look(environment)
    assert found.due == [good.id]
    ((one,),) = (found.failed,)
    assert (one.subject, one.outcome) == (broken.id, "failed")
    assert "000005.json" in one.reasons[0]


def test_a_mark_that_is_none_of_ours_is_told_and_stands_in_nobodys_way(environment: PipelineEnvironment) -> None:
    good = an_incident(environment)
    environment.storage.create(OPS, f"{MARKS}a note of somebody.txt", b"hello")
    found = look(environment)
    assert found.due == [good.id]
    assert [one.outcome for one in found.failed] == ["refused"]


def test_a_closed_one_is_forgotten_once_its_last_update_was_sent(environment: PipelineEnvironment) -> None:
    context, incident = Context(environment, "x"), an_incident(environment)
    incident.say(an_update())
    incident.say(Closed())
    found = look(environment)
    assert (found.due, found.over) == ([incident.id], [])
    forget_closed(context, found)
    assert len(open_marks(environment)) == 1
    assert told(environment, incident).outcome == "done"
    forget_closed(context, look(environment))
    assert open_marks(environment) == []


def test_an_open_one_is_never_forgotten(environment: PipelineEnvironment) -> None:
    incident = an_incident(environment)
    acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    forget_closed(Context(environment, "x"), look(environment, ahead=1e5))
    assert [id_ for id_, _ in open_marks(environment)] == [incident.id]


def test_only_the_newest_are_looked_at_and_how_many_were_not_is_said(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [an_incident(environment).id for _ in range(5)]
    monkeypatch.setattr(sweeping, "MOST", 3)
    found = look(environment)
    assert (found.looked_at, found.left_out) == (3, 2)
    assert found.due == sorted(made, reverse=True)[:3]
    assert "2 older ones were not looked at" in found.sentence()


def test_ten_thousand_closed_ones_are_not_read(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = an_incident(environment)
    for number in range(10_000):
        sandbox.store.put(OPS, f"{ROOT}inc-20250101t000000z-{number:08x}/record/000001.json", b"{}", quiet=True)
    sandbox.requests.reset()
    began = time.monotonic()
    assert look(environment).due == [incident.id]
    asked = sum(sandbox.requests.snapshot().values())
    assert asked <= 5, sandbox.requests.snapshot()
    assert time.monotonic() - began < 30, "it must not hang; how quick it is, the number of requests proves"


def test_what_another_one_is_just_telling_is_left_to_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = an_incident(environment)
    with Context(environment, "somebody").holding(f"@escalation-{incident.id}", "their-run"):
        request = EscalationRequest(mode="apply", incident=incident.id)
        (one,) = tell(Context(environment, "ann"), request)
    assert (one.outcome, came(sandbox)) == ("nothing_to_do", {})
    assert "Another run is telling" in one.reasons[0]


def test_after_a_run_that_was_interrupted_whoever_is_due_now_is_told_too(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = an_incident(environment)
    with pytest.raises(Killed), killed_at(2, before=False):
        told(environment, incident)
    request = EscalationRequest(
        mode="apply", incident=incident.id, now=datetime.now(UTC) + timedelta(minutes=15, seconds=1)
    )
    runs = list(tell(heir(environment), request))
    assert [one.outcome for one in runs] == ["done", "done"]
    assert came(sandbox) == {"primary": 2, "platform": 1}


def test_an_interrupted_run_pages_nobody_when_somebody_has_it_meanwhile(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = an_incident(environment)
    with pytest.raises(Killed), killed_at(2, before=False):
        told(environment, incident)
    acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    request = EscalationRequest(mode="apply", incident=incident.id)
    assert [one.outcome for one in tell(heir(environment), request)] == ["done", "nothing_to_do"]
    assert came(sandbox) == {}


def test_the_run_that_is_carried_on_elsewhere_asks_for_the_same_incident(environment: PipelineEnvironment) -> None:
    from tasks.escalation.procedure import Escalation

    incident = declare(Context(environment, "ann"), Declared(title="x"))
    again = Escalation().again(f"@escalation-{incident.id}", {}, "why")
    assert (again.incident, again.mode, again.reason) == (incident.id, "apply", "why")
    assert run(Escalation(), Context(environment, "ann"), again).done == {f"page:primary: {FIRST}": "sent"}
