"""What must keep a service from being restarted, or from being called well, although it was out a moment ago."""

from __future__ import annotations

import json

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.simulator_outage.request import SUBJECT
from tests.kernel.world import Killed, journals, killed_at, policies
from tests.simulator_outage.servers import http_server
from tests.simulator_outage.world import change_pod, deploy_server, goes_out, outage, overlaid, rollouts


@pytest.mark.parametrize("entry", range(2, 5))
def test_a_run_that_was_killed_before_the_restart_restarts_nothing_that_serves_by_then(
    sandbox: Sandbox, environment: PipelineEnvironment, entry: int
) -> None:
    deploy_server(sandbox)
    goes_out(sandbox)
    with pytest.raises(Killed), killed_at(entry, before=False):
        outage(environment)
    sandbox.genie_sim.switch("serving")
    one = outage(environment)
    assert one.outcome == "nothing_to_do", one.sentence()
    assert rollouts(sandbox) == 0
    assert all(journal.ended for journal in journals(environment, sandbox, SUBJECT)), "none is left interrupted"


def test_a_server_that_kubernetes_calls_ready_and_that_cannot_be_reached_is_not_restarted(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    pod = deploy_server(sandbox)
    sandbox.genie_sim.switch("down")
    one = outage(environment)
    assert (one.outcome, rollouts(sandbox)) == ("escalated", 0), one.sentence()
    assert f"its pod {pod} ready, and it cannot be reached from here: look at its address" in one.reasons[0]
    change_pod(sandbox, pod, ready=False)
    assert outage(environment, mode="plan").outcome == "planned", "its probe has failed, too"


def test_a_trial_that_is_none_is_refused_before_anything_is_restarted(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy_server(sandbox)
    goes_out(sandbox)
    one = outage(environment, trial="kitchen_001")
    assert (one.outcome, rollouts(sandbox)) == ("refused", 0), one.sentence()
    assert "kitchen_001 is no trial's id" in one.reasons[0]
    assert outage(environment, mode="plan", trial="test_kitchen").outcome == "planned"


def test_a_webhook_of_which_nobody_can_tell_is_not_proved_by_that(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    with http_server() as web:
        web.answers["/healthz"] = (503, '{"status": "error"}')
        sandbox.cluster.controllers.begun.append(lambda _: web.answers.update({"/healthz": (200, "hello")}))
        service = {"speaks": "http", "url": web.url, "deployments": ["hook"]}
        here = overlaid(environment, json.dumps({"services": {"mine": service}}))
        deploy_server(sandbox, name="hook")
        web.answers["/healthz"] = (503, '{"status": "error"}')
        policies(here, wait_seconds=0.2)
        one = outage(here, service="mine")
    assert one.outcome == "failed", one.sentence()
    assert "after its restart mine is unknown" in one.reasons[0]
