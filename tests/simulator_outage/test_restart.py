"""A restart: once, by what really runs the service, never under somebody's hands, and proved."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.simulator_outage.request import SUBJECT
from tasks.simulator_outage.restart import AGAIN, RESTARTED
from tests.kernel.world import policies
from tests.simulator_outage.servers import http_server
from tests.simulator_outage.world import (
    BEGINS,
    SERVER,
    SPACE,
    deploy_server,
    goes_out,
    just_before,
    logged,
    outage,
    overlaid,
    pods_of,
    rollouts,
)


def template(sandbox: Sandbox, name: str = SERVER) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.cluster.registry.get(BY_PLURAL["deployments"], SPACE, name)["spec"]["template"]
    return found


@pytest.mark.parametrize("state", ["down", "not_serving"])
def test_a_deployment_is_rolled_once_and_serves_and_then_there_is_nothing_to_do(
    sandbox: Sandbox, environment: PipelineEnvironment, state: str
) -> None:
    old = deploy_server(sandbox)
    goes_out(sandbox, state)  # type: ignore[arg-type]
    one = outage(environment)
    assert one.outcome == "done", one.sentence()
    assert one.summary == "genie-sim was restarted and is serving"
    assert pods_of(sandbox) != [old]
    assert outage(environment).outcome == "nothing_to_do"
    assert rollouts(sandbox) == 1


def test_a_server_that_hangs_is_restarted(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy_server(sandbox)
    sandbox.faults.add(FaultRule(service="genie_sim", kind="hang", seconds=30.0))
    sandbox.cluster.controllers.begun.append(lambda _: sandbox.faults.clear())
    one = outage(environment)
    assert one.outcome == "done", one.sentence()
    assert rollouts(sandbox) == 1


def test_undo_puts_the_former_template_back(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy_server(sandbox)
    before = template(sandbox)
    goes_out(sandbox)
    one = outage(environment)
    assert template(sandbox)["metadata"]["annotations"] == {RESTARTED: "1"}
    request = UndoRequest(subject=SUBJECT, run=one.id, mode="apply")
    back = run(undo(), Context(environment, "bo", gone=lambda _: True), request)
    assert back.outcome == "done", back.sentence()
    assert template(sandbox) == before


def test_a_plan_says_what_it_would_do_and_asks_for_no_change(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy_server(sandbox)
    goes_out(sandbox)
    sandbox.requests.reset()
    one = outage(environment, mode="plan", reason="")
    assert one.outcome == "planned", one.sentence()
    assert one.plan is not None
    assert [action.kind for action in one.plan.actions] == ["confirm_outage", "roll_deployment", "prove_serving"]
    assert sandbox.requests.mutating() == {"total": 0}


def test_what_its_client_restarts_is_left_to_it(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy_server(sandbox)
    goes_out(sandbox)
    logged(sandbox, BEGINS, seconds_ago=20)
    one = outage(environment)
    assert one.outcome == "nothing_to_do", one.sentence()
    assert any("is restarting: Its client began" in note for note in one.notes)
    assert rollouts(sandbox) == 0


@pytest.mark.parametrize("why", ["its client begins", "it serves again", "the log cannot be read"])
def test_what_changes_between_the_plan_and_the_restart_ends_it(
    sandbox: Sandbox, environment: PipelineEnvironment, why: str
) -> None:
    deploy_server(sandbox)
    goes_out(sandbox)
    acts = {
        "its client begins": lambda: logged(sandbox, BEGINS),
        "it serves again": lambda: sandbox.genie_sim.switch("serving"),
        "the log cannot be read": lambda: sandbox.faults.add(FaultRule(service="logging", kind="status", status=403)),
    }
    one = outage(environment, context=just_before(environment, "look again", acts[why]))
    assert one.outcome == "failed", one.sentence()
    assert "othing was restarted" in one.sentence() or "nothing is restarted" in one.sentence()
    assert rollouts(sandbox) == 0


def test_a_restart_that_does_not_help_fails_and_is_not_made_again(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy_server(sandbox)
    goes_out(sandbox)
    sandbox.genie_sim.stuck = True
    policies(environment, wait_seconds=0.2)
    one = outage(environment)
    assert one.outcome == "failed", one.sentence()
    assert "after its restart genie-sim is" in one.reasons[0]
    assert any("remediate undo @simulator" in reason for reason in one.reasons), one.reasons
    older_pods(sandbox, minutes=10)
    goes_out(sandbox)
    again = outage(environment)
    assert again.outcome == "escalated", again.sentence()
    assert "another restart does not help" in again.reasons[0]
    assert rollouts(sandbox) == 1
    older_pods(sandbox, minutes=AGAIN.total_seconds() / 60)
    assert outage(environment, mode="plan").outcome == "planned", "long ago: it may be tried again"


def older_pods(sandbox: Sandbox, minutes: float) -> None:
    """Let what was rolled out be older."""
    for plural in ("pods", "replicasets"):
        for item in sandbox.cluster.objects.all(plural, SPACE):
            at = datetime.fromisoformat(item["metadata"]["creationTimestamp"]) - timedelta(minutes=minutes)
            meta = {**item["metadata"], "creationTimestamp": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
            sandbox.cluster.objects.put(plural, {**item, "metadata": meta})


@pytest.mark.parametrize(
    ("change", "said"), [({"paused": True}, "is paused"), ({"replicas": 0}, "is scaled to no replica")]
)
def test_a_deployment_that_somebody_has_stopped_is_a_persons(
    sandbox: Sandbox, environment: PipelineEnvironment, change: dict[str, Any], said: str
) -> None:
    deploy_server(sandbox)
    live = sandbox.cluster.registry.get(BY_PLURAL["deployments"], SPACE, SERVER)
    sandbox.cluster.objects.put("deployments", {**live, "spec": {**live["spec"], **change}})
    goes_out(sandbox)
    one = outage(environment)
    assert (one.outcome, said in one.reasons[0]) == ("escalated", True), one.reasons
    assert rollouts(sandbox) == 0


def test_where_nothing_in_the_cluster_runs_it_a_person_gets_the_exact_command(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    goes_out(sandbox)
    one = outage(environment)
    assert one.outcome == "escalated", one.sentence()
    assert "scripts/vm-start.sh" in one.reasons[0]
    environment.cluster.enabled = False
    assert "scripts/vm-start.sh" in outage(environment).reasons[0]


def test_a_server_of_which_nobody_can_tell_is_not_restarted_on_a_guess(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy_server(sandbox, probe=False)
    sandbox.genie_sim.switch("unimplemented")
    one = outage(environment)
    assert (one.outcome, rollouts(sandbox)) == ("escalated", 0)
    assert "nothing is restarted on a guess" in one.reasons[0]


@pytest.mark.parametrize(("service", "method"), [("kubernetes", "pods.list"), ("logging", "ListLogEntries")])
def test_what_could_not_be_looked_at_keeps_it_from_restarting(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str
) -> None:
    deploy_server(sandbox)
    goes_out(sandbox)
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    one = outage(environment)
    assert (one.outcome, rollouts(sandbox)) == ("escalated", 0)
    assert one.reasons[0].startswith("Not everything could be looked at, so nothing is restarted")


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"service": "nobody"}, "has no service 'nobody'; it has genie-sim"), ({"reason": " "}, "Say why")],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    sandbox: Sandbox, environment: PipelineEnvironment, asked: dict[str, str], said: str
) -> None:
    one = outage(environment, **asked)
    assert (one.outcome, said in one.reasons[0]) == ("refused", True), one.reasons


def test_a_webhook_that_runs_in_the_cluster_is_rolled_and_another_is_a_persons(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    with http_server() as web:
        web.answers["/healthz"] = (503, '{"status": "error"}')
        sandbox.cluster.controllers.begun.append(
            lambda name: (
                web.answers.update({"/healthz": (200, '{"status": "ok"}')}) if name.startswith("hook-") else None
            )
        )
        service: dict[str, Any] = {"speaks": "http", "url": web.url, "by_hand": "run it"}
        here = overlaid(environment, json.dumps({"services": {"mine": service}}))
        by_hand = outage(here, service="mine")
        assert (by_hand.outcome, by_hand.reasons[0].endswith("by hand: run it")) == ("escalated", True)
        deploy_server(sandbox, name="hook")
        web.answers["/healthz"] = (503, '{"status": "error"}')
        here = overlaid(environment, json.dumps({"services": {"mine": service | {"deployments": ["hook"]}}}))
        assert outage(here, service="mine").outcome == "done"
