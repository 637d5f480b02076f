"""What Kubernetes has of the simulator's pods follows from what its server does, with the same second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.sandbox.server import Sandbox
from tests.simulator_outage.world import SPACE, deploy_server

AT = datetime(2026, 1, 18, 12, 0, 5, 700_000, tzinfo=UTC)


@pytest.fixture
def cold() -> Sandbox:
    """A sandbox whose ports are closed: only its state is looked at."""
    return Sandbox(seed=1)


def pod_of(sandbox: Sandbox, name: str) -> Any:
    (found,) = [one for one in sandbox.cluster.objects.all("pods", SPACE) if one["metadata"]["name"] == name]
    return found


def ready(pod: Any) -> tuple[str, str]:
    (one,) = [one for one in pod["status"]["conditions"] if one["type"] == "Ready"]
    return one["status"], one["lastTransitionTime"]


def test_a_server_that_ended_leaves_its_end_in_the_container_and_in_the_condition(cold: Sandbox) -> None:
    name = deploy_server(cold)
    began = pod_of(cold, name)["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    cold.simulator_pods.ended(AT)
    pod = pod_of(cold, name)
    assert ready(pod) == ("False", "2026-01-18T12:00:05Z")
    (container,) = pod["status"]["containerStatuses"]
    last = container["lastState"]["terminated"]
    assert (last["startedAt"], last["finishedAt"], last["exitCode"]) == (began, "2026-01-18T12:00:05Z", 1)
    assert (container["ready"], container["restartCount"]) == (False, 1)
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"


def test_one_that_serves_again_is_ready_since_then_and_keeps_its_last_end(cold: Sandbox) -> None:
    name = deploy_server(cold)
    cold.simulator_pods.ended(AT)
    cold.simulator_pods.served(AT + timedelta(minutes=1))
    pod = pod_of(cold, name)
    assert ready(pod) == ("True", "2026-01-18T12:01:05Z")
    (container,) = pod["status"]["containerStatuses"]
    assert container["state"] == {"running": {"startedAt": "2026-01-18T12:01:05Z"}}
    assert container["lastState"]["terminated"]["finishedAt"] == "2026-01-18T12:00:05Z"


def test_what_stays_as_it_is_does_not_change_since_when(cold: Sandbox) -> None:
    name = deploy_server(cold)
    before = pod_of(cold, name)
    cold.simulator_pods.served(AT)
    assert pod_of(cold, name) == before
    for minutes in (0, 5):
        cold.simulator_pods.ended(AT + timedelta(minutes=minutes))
    assert ready(pod_of(cold, name))[1] == "2026-01-18T12:00:05Z"


def test_pods_of_anything_else_are_left_alone(cold: Sandbox) -> None:
    name = deploy_server(cold, name="geniesim-server-b")
    cold.simulator_pods.ended(AT)
    assert ready(pod_of(cold, name))[0] == "True"


def test_the_record_and_kubernetes_have_the_same_second(sandbox: Sandbox) -> None:
    name = deploy_server(sandbox)
    sandbox.record.genie_sim_down()
    (fault,) = sandbox.record.faults()
    assert ready(pod_of(sandbox, name)) == ("False", f"{fault.began:%Y-%m-%dT%H:%M:%SZ}")
    sandbox.genie_sim.switch("not_serving")
    assert ready(pod_of(sandbox, name))[0] == "False"
    sandbox.genie_sim.switch("serving")
    (fault,) = sandbox.record.faults()
    assert ready(pod_of(sandbox, name)) == ("True", f"{fault.ended:%Y-%m-%dT%H:%M:%SZ}")
