"""Killed with SIGKILL at any request: no page is lost, and none is sent twice within its step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Paging
from tasks.incidents.incident import Incident, read_incident
from tasks.incidents.pages import attempts
from tasks.remediation.context import Context
from tests.escalation.world import an_incident, an_update, came, tell
from tests.kernel.world import journals
from tests.recovery.killer import Moment, Victims, Watch, at

INSERT = "storage.objects.insert"
SINKS = ("primary", "platform", "simulation", "updates")
LAST = 14
"""Objects that an undisturbed run writes at least: lease, mark, begin, intent, two entries a message, outcome, end."""
MOMENTS = [
    *(at(INSERT, number, done=done) for number in range(1, LAST + 1) for done in (False, True)),
    *(at(f"sinks.{sink}", done=done) for sink in SINKS for done in (False, True)),
]


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    made = Victims("tests.escalation.victim")
    yield made
    made.close()


def declared(environment: PipelineEnvironment) -> Incident:
    """An incident of which, half an hour later, everybody is to be told, and an update beside."""
    incident = an_incident(environment)
    incident.say(an_update())
    return incident


def killed(victims: Victims, sandbox: Sandbox, incident: Incident, moment: Moment, ahead: float) -> None:
    watch = Watch(moment)
    plain = sandbox.faults.draw
    sandbox.faults.draw = watch.draw  # type: ignore[method-assign]
    order = {"endpoints": sandbox.endpoints.model_dump(), "incident": incident.id, "ahead": ahead}
    watch.victim_is(victims.send(order))
    ended = victims.ended()
    sandbox.faults.draw = plain  # type: ignore[method-assign]
    assert (ended["exit"], watch.struck.is_set()) == (-9, True), f"it was never killed: {ended}"


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at_any_moment_another_process_tells_whoever_was_not_told(
    environment: PipelineEnvironment, sandbox: Sandbox, victims: Victims, moment: Moment
) -> None:
    incident = declared(environment)
    killed(victims, sandbox, incident, moment, ahead=30.1)
    for _ in range(3):  # the run that carries it on, and those that find nothing left
        last = tell(environment, incident, ahead=30.2)
        assert last.outcome in ("done", "unknown", "nothing_to_do"), last.sentence()
    assert last.outcome == "nothing_to_do"
    read = read_incident(Context(environment, "x"), incident.id)
    known = {one.sink: one for one in attempts(read).values()}
    assert set(known) == set(SINKS), "everybody's message was announced"
    assert len(read.all_of(Paging)) == len(SINKS), "and each once"
    for sink, many in came(sandbox).items():
        assert many == 1, f"{sink} was told {many} times in one step"
    for sink in SINKS:
        assert known[sink].state in ("sent", "unknown")
        assert sandbox.sinks.received(sink) or known[sink].state == "unknown", f"{sink} was never told"
    assert all(one.ended for one in journals(environment, sandbox, f"@escalation-{incident.id}"))
    assert tell(environment, incident, ahead=45.1).outcome == "done"
    assert set(came(sandbox)) >= {"platform", "simulation"}, "whoever may have missed it is told at the next step"


def test_killed_again_and_again_everybody_is_told_in_the_end(
    environment: PipelineEnvironment, sandbox: Sandbox, victims: Victims
) -> None:
    incident = declared(environment)
    for number in (1, 2, 3, 4, 5):
        killed(victims, sandbox, incident, at(INSERT, number, done=True), ahead=30.1)
    for _ in range(2):
        tell(environment, incident, ahead=30.2)
    read = read_incident(Context(environment, "x"), incident.id)
    assert {one.sink for one in attempts(read).values()} == set(SINKS)
    assert all(many == 1 for many in came(sandbox).values())
