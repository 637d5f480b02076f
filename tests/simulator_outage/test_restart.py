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
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.simulator_outage.procedure import SUBJECT, OutageRequest, SimulatorOutage
from tasks.simulator_outage.restart import AGAIN, RESTARTED
from tests.gpu_capacity.world import job, older
from tests.kernel.world import policies
from tests.simulator_outage.servers import http_server
from tests.simulator_outage.world import BEGINS, SERVER, SPACE, deploy_server, logged, overlaid, pods_of

GPU_JOB = "geniesim-gpu-kitchen-1700000000"


def outage(environment: PipelineEnvironment, **options: Any) -> Run:
    context = options.pop("context", None) or Context(environment, "ann", gone=lambda _: True)
    request = OutageRequest(**{"mode": "apply", "reason": "exports fail", **options})
    return run(SimulatorOutage(), context, request)


def template(sandbox: Sandbox, name: str = SERVER) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.cluster.registry.get(BY_PLURAL["deployments"], SPACE, name)["spec"]["template"]
    return found


def rollouts(sandbox: Sandbox) -> int:
    return sandbox.requests.count("kubernetes", "deployments.patch")


def jobs_of(sandbox: Sandbox) -> list[str]:
    return sorted(str(one["metadata"]["name"]) for one in sandbox.cluster.objects.all("jobs", SPACE))


def just_before(environment: PipelineEnvironment, step: str, act: Any) -> Context:
    return Context(environment, "ann", say=lambda said: act() if said.endswith(step) else None, gone=lambda _: True)


@pytest.mark.parametrize("state", ["down", "not_serving"])
def test_a_deployment_is_rolled_once_and_serves_and_then_there_is_nothing_to_do(
    sandbox: Sandbox, environment: PipelineEnvironment, state: str
) -> None:
    old = deploy_server(sandbox)
    sandbox.genie_sim.switch(state)  # type: ignore[arg-type]
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
    sandbox.genie_sim.switch("down")
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
    sandbox.genie_sim.switch("down")
    sandbox.requests.reset()
    one = outage(environment, mode="plan", reason="")
    assert one.outcome == "planned", one.sentence()
    assert one.plan is not None
    assert [action.kind for action in one.plan.actions] == ["confirm_outage", "roll_deployment", "prove_serving"]
    assert sandbox.requests.mutating() == {"total": 0}


def test_what_its_client_restarts_is_left_to_it(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy_server(sandbox)
    sandbox.genie_sim.switch("down")
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
    sandbox.genie_sim.switch("down")
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
    sandbox.genie_sim.switch("down")
    sandbox.genie_sim.stuck = True
    policies(environment, wait_seconds=0.2)
    one = outage(environment)
    assert one.outcome == "failed", one.sentence()
    assert "after its restart genie-sim is" in one.reasons[0]
    assert any("remediate undo @simulator" in reason for reason in one.reasons), one.reasons
    older_pods(sandbox, minutes=10)
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
    sandbox.genie_sim.switch("down")
    one = outage(environment)
    assert (one.outcome, said in one.reasons[0]) == ("escalated", True), one.reasons
    assert rollouts(sandbox) == 0


def test_a_job_that_failed_is_created_again_under_a_new_name_and_undo_suspends_nothing_that_runs(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    job(sandbox, GPU_JOB)
    older(sandbox, 30)
    sandbox.cluster.set_state(SPACE, GPU_JOB, "failed")
    sandbox.genie_sim.switch("down")
    serves = just_before(environment, "prove serving", lambda: sandbox.genie_sim.switch("serving"))
    one = outage(environment, context=serves)
    assert one.outcome == "done", one.sentence()
    assert jobs_of(sandbox) == [GPU_JOB, "geniesim-gpu-kitchen-1700000001"]
    made = sandbox.cluster.get(SPACE, "geniesim-gpu-kitchen-1700000001")
    assert made["metadata"]["labels"]["remediation-run"] == one.id
    assert (
        made["spec"]["template"]["spec"]["containers"]
        == sandbox.cluster.get(SPACE, GPU_JOB)["spec"]["template"]["spec"]["containers"]
    )
    request = UndoRequest(subject=SUBJECT, run=one.id, mode="apply")
    back = run(undo(), Context(environment, "bo", gone=lambda _: True), request)
    assert "is at work" in back.sentence()
    assert not sandbox.cluster.get(SPACE, "geniesim-gpu-kitchen-1700000001")["spec"].get("suspend")


def test_a_running_job_is_never_ended_and_none_is_created_beside_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    job(sandbox, GPU_JOB)
    job(sandbox, "geniesim-gpu-office-1700000007")
    older(sandbox, 30)
    sandbox.cluster.set_state(SPACE, GPU_JOB, "failed")
    sandbox.genie_sim.switch("down")
    sandbox.requests.reset()
    one = outage(environment)
    assert one.outcome == "escalated", one.sentence()
    assert "kubectl delete job geniesim-gpu-office-1700000007" in one.reasons[0]
    assert len(jobs_of(sandbox)) == 2
    assert (
        sandbox.requests.count("kubernetes", "jobs.create") + sandbox.requests.count("kubernetes", "jobs.delete") == 0
    )


def test_one_that_begins_meanwhile_keeps_another_from_being_created(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    job(sandbox, GPU_JOB)
    older(sandbox, 30)
    sandbox.cluster.set_state(SPACE, GPU_JOB, "failed")
    sandbox.genie_sim.switch("down")
    begins = just_before(environment, "2 restart", lambda: job(sandbox, "geniesim-gpu-office-1700000007"))
    one = outage(environment, context=begins)
    assert one.outcome == "failed", one.sentence()
    assert "none is created beside it" in one.reasons[0]
    assert len(jobs_of(sandbox)) == 2


def test_where_nothing_in_the_cluster_runs_it_a_person_gets_the_exact_command(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.genie_sim.switch("down")
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
    sandbox.genie_sim.switch("down")
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
