"""Telling people of one incident: announced before it is sent, recorded after, whatever the sinks do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from prefect.types import SecretDict

from blocks.environment import PipelineEnvironment
from blocks.notifier import Notifier
from blocks.on_call import OnCall
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.escalation.procedure import Escalation
from tasks.incidents.acknowledge import acknowledge
from tasks.incidents.entries import Acknowledged, Closed, Paged, Paging, Reopened, Resolved
from tasks.incidents.incident import read_incident
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.escalation.world import FIRST, an_incident, an_update, came, states, tell

OPS = "sandbox-ops"


def test_a_page_is_announced_before_it_is_sent_and_told_of_after(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = an_incident(environment)
    one = tell(environment, incident)
    assert one.outcome == "done", one.sentence()
    read = read_incident(Context(environment, "x"), incident.id)
    assert [entry.kind for entry in read.case.entries] == ["declared", "paging", "paged"]
    ((_, announced),) = read.all_of(Paging)
    assert (announced.key, announced.to, announced.sink) == (FIRST, "primary", "primary")
    (came_in,) = sandbox.sinks.received()
    assert came_in.text == announced.text
    assert came_in.title == f"[sev2] Exports fail ({incident.id})"
    assert came_in.kind == "failure", "a page wakes people"


def test_an_update_wakes_nobody(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.on_call = OnCall(updates_to=("platform",))
    incident = an_incident(environment)
    incident.say(Acknowledged(by="bo", how="command"))
    incident.say(an_update())
    assert tell(environment, incident).outcome == "done"
    assert [(one.sink, one.kind) for one in sandbox.sinks.received()] == [("platform", "info")]


def test_plan_mode_shows_who_would_be_told_what_and_changes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = an_incident(environment)
    sandbox.requests.reset()
    one = tell(environment, incident, mode="plan")
    assert (one.outcome, sandbox.requests.mutating()) == ("planned", {"total": 0})
    assert one.plan is not None
    (action,) = one.plan.actions
    assert action.target == f"primary: {FIRST}"
    assert "message 1 of 3 to primary" in action.why
    assert "the next one at" in one.summary


def test_what_is_not_due_yet_is_nothing_to_do(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = an_incident(environment)
    tell(environment, incident)
    again = tell(environment, incident, ahead=10)
    assert (again.outcome, came(sandbox)) == ("nothing_to_do", {"primary": 1})


def test_the_whole_chain_tells_each_tier_at_its_time(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = an_incident(environment)
    for ahead in range(0, 80, 5):
        assert tell(environment, incident, ahead=ahead + 0.1).good
    assert came(sandbox) == {"primary": 3, "platform": 3, "simulation": 3}


@pytest.mark.parametrize("how", ["acknowledged", "resolved", "closed"])
def test_once_somebody_has_it_or_it_is_over_nobody_is_paged(
    environment: PipelineEnvironment, sandbox: Sandbox, how: str
) -> None:
    incident = an_incident(environment)
    tell(environment, incident)
    if how == "acknowledged":
        acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    else:
        incident.say(Resolved(how="rolled back") if how == "resolved" else Closed())
    one = tell(environment, incident, ahead=40)
    assert (one.outcome, came(sandbox)) == ("nothing_to_do", {"primary": 1})
    assert "nobody is paged any more" in one.summary


def test_one_that_was_not_over_is_paged_anew(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = an_incident(environment)
    tell(environment, incident)
    acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    incident.say(Resolved(how="rolled back"))
    incident.say(Reopened(why="it is back"))
    assert tell(environment, incident).outcome == "done"
    assert list(states(environment, incident.id)) == [FIRST, "page:again1:1:primary:1:primary"]
    acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    assert tell(environment, incident, ahead=40).outcome == "nothing_to_do", "bo has it again"


def test_somebody_who_takes_it_between_plan_and_page_is_left_in_peace(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = an_incident(environment)

    def say(sentence: str) -> None:
        if sentence.endswith("tell people"):
            acknowledge(Context(environment, "bo"), incident.id, "bo", "link")

    from tasks.escalation.procedure import EscalationRequest
    from tasks.remediation.runner import run

    one = run(Escalation(), Context(environment, "ann", say=say), EscalationRequest(mode="apply", incident=incident.id))
    assert (one.outcome, sandbox.sinks.received()) == ("done", [])
    assert list(one.done.values()) == ["not needed: bo has it"]


FAULTS = {
    "refused": ("failed", {}),
    "500": ("failed", {"kind": "status", "status": 500}),
    "404": ("failed", {"kind": "status", "status": 404}),
    "hang": ("unknown", {"kind": "hang", "seconds": 5}),
    "reset": ("unknown", {"kind": "reset"}),
    "lost answer": ("unknown", {"kind": "lost_answer"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_failing_sink_is_recorded_and_blocks_no_other(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str
) -> None:
    state, fault = FAULTS[name]
    sinks = {**environment.notifier.sinks.get_secret_value()}
    if fault:
        sandbox.faults.add(FaultRule(service="sinks", method="primary", **fault))  # type: ignore[arg-type]
    else:
        sinks["primary"] = "json://127.0.0.1:1/primary"
    environment.notifier = Notifier(sinks=SecretDict(sinks), seconds=0.3)
    incident = an_incident(environment)
    one = tell(environment, incident, ahead=30.1)
    found = states(environment, incident.id)
    assert found == {
        "page:1:primary:3:primary": state,
        "page:2:secondary:2:platform": "sent",
        "page:3:vendor:1:simulation": "sent",
    }
    assert one.outcome == ("partial" if state == "failed" else "unknown")
    assert "primary was not surely told (page:1:primary:3:primary)" in one.reasons[0]
    assert {sink: many for sink, many in came(sandbox).items() if sink != "primary"} == {"platform": 1, "simulation": 1}


def test_of_which_nothing_was_taken_is_sent_again_until_it_is(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="sinks", method="primary", kind="status", status=503, times=2))
    incident = an_incident(environment)
    words = [tell(environment, incident, ahead=ahead).outcome for ahead in (0.1, 2, 4, 6)]
    assert words == ["failed", "failed", "done", "nothing_to_do"]
    assert states(environment, incident.id) == {FIRST: "failed", f"{FIRST}:retry1": "failed", f"{FIRST}:retry2": "sent"}
    assert came(sandbox) == {"primary": 1}


def test_what_may_have_come_is_not_sent_again_within_its_step(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="sinks", method="primary", kind="lost_answer", times=1))
    incident = an_incident(environment)
    words = [tell(environment, incident, ahead=ahead).outcome for ahead in (0.1, 2, 14)]
    assert words == ["unknown", "nothing_to_do", "nothing_to_do"]
    assert came(sandbox) == {"primary": 1}
    tell(environment, incident, ahead=15.1)
    assert came(sandbox) == {"primary": 2, "platform": 1}, "the next one comes at its time"


def test_of_ten_at_once_each_page_is_sent_by_one(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    incident = an_incident(environment)
    with ThreadPoolExecutor(10) as pool:
        runs: list[Run] = list(pool.map(lambda _: tell_honestly(environment, incident.id), range(10)))
    assert came(sandbox) == {"primary": 1}
    assert {one.outcome for one in runs} <= {"done", "busy", "nothing_to_do"}
    assert [one.outcome for one in runs].count("done") == 1


def tell_honestly(environment: PipelineEnvironment, id_: str) -> Run:
    """By a process that takes nobody's lease."""
    from tasks.escalation.procedure import EscalationRequest
    from tasks.remediation.runner import run

    return run(Escalation(), Context(environment, "ann"), EscalationRequest(mode="apply", incident=id_))


def test_ten_at_once_who_all_believe_to_be_alone_still_send_each_page_once(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    """The announcement in the record decides, not the lease."""
    from tasks.actions.paging import Page, page
    from tasks.remediation.kind import Doing

    incident = an_incident(environment)
    params = Page(incident=incident.id, key=FIRST, to="primary", sink="primary", title="t", text="x")
    action = page.action(params, step="s", target="t", precondition="p", undo="u", why="w")
    doing = Doing(Run(Context(environment, "ann"), "escalation"), action)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: page.apply(doing, params), range(10)))
    assert came(sandbox) == {"primary": 1}
    read = read_incident(Context(environment, "x"), incident.id)
    assert (len(read.all_of(Paging)), len(read.all_of(Paged))) == (1, 1)


def test_updates_are_sent_once_each_also_after_somebody_has_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = an_incident(environment)
    acknowledge(Context(environment, "bo"), incident.id, "bo", "command")
    incident.case.refresh()
    incident.say(an_update(impact="half of the exports"))
    for ahead in (0.1, 1, 30):
        assert tell(environment, incident, ahead=ahead).good
    incident.case.refresh()
    incident.say(an_update(impact="none any more"))
    assert tell(environment, incident, ahead=0.1).outcome == "done"
    assert [one.text.split("Impact: ")[1].split("\n")[0] for one in sandbox.sinks.received("updates")] == [
        "half of the exports",
        "none any more",
    ]
    assert came(sandbox) == {"updates": 2}
