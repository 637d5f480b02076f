"""Pods: whose they are, what they wait for, and how their containers were ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client as kubernetes

from blocks.errors import PermanentError
from blocks.gke import GkeCluster
from blocks.gke_pods import pod_from
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.blocks.conftest import QUICK
from tests.blocks.test_gke import manifest

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One of its own for each test, unlike most tests of blocks."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        yield running


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[GkeCluster]:
    block = GkeCluster(endpoint=sandbox.endpoints.kubernetes, limits=QUICK)
    yield block
    block.close()


def test_a_pod_is_of_its_job_and_carries_its_labels(sandbox: Sandbox, cluster: GkeCluster) -> None:
    one = manifest("geniesim-gpu-kitchen-1-1")
    one["spec"]["template"]["metadata"] = {"labels": {"scene-id": "kitchen_1"}}
    sandbox.cluster.create("blueprint", one)
    (pod,) = cluster.pods()
    assert (pod.job, pod.phase, pod.waits, pod.killed) == ("geniesim-gpu-kitchen-1-1", "Running", "", "")
    assert pod.labels["scene-id"] == "kitchen_1"
    assert pod.created.tzinfo is not None


def test_a_pod_without_a_node_says_why(sandbox: Sandbox, cluster: GkeCluster) -> None:
    sandbox.cluster.create("blueprint", manifest("a-1"))
    sandbox.cluster.set_state("blueprint", "a-1", "pending")
    (pod,) = cluster.pods()
    assert (pod.phase, pod.waits) == (
        "Pending",
        "Unschedulable: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu.",
    )


@pytest.mark.parametrize(
    ("state", "killed"),
    [("oom_killed", "OOMKilled, exit code 137"), ("failed", "Error, exit code 1"), ("succeeded", "")],
)
def test_a_pod_that_was_ended_says_how(sandbox: Sandbox, cluster: GkeCluster, state: Any, killed: str) -> None:
    sandbox.cluster.create("blueprint", manifest("a-1"))
    sandbox.cluster.set_state("blueprint", "a-1", state)
    (pod,) = cluster.pods()
    assert pod.killed == killed
    assert pod.phase == ("Succeeded" if state == "succeeded" else "Failed")
    assert (pod.killed_at is not None) is bool(killed)


def test_pods_are_listed_by_name_and_only_those_of_the_namespace(sandbox: Sandbox, cluster: GkeCluster) -> None:
    for name in ("b-1", "a-1"):
        sandbox.cluster.create("blueprint", manifest(name))
    sandbox.cluster.create("default", manifest("c-1"))
    assert [pod.job for pod in cluster.pods()] == ["a-1", "b-1"]


def test_a_cluster_that_is_off_has_none(sandbox: Sandbox) -> None:
    assert GkeCluster(enabled=False).pods() == []
    assert sandbox.requests.snapshot() == {}


def test_what_may_not_be_listed_is_an_error_and_names_the_permission(sandbox: Sandbox, cluster: GkeCluster) -> None:
    sandbox.faults.add(FaultRule(service="kubernetes", kind="status", status=403))
    with pytest.raises(PermanentError, match="list on pods"):
        cluster.pods()


def made(status: kubernetes.V1PodStatus) -> kubernetes.V1Pod:
    metadata = kubernetes.V1ObjectMeta(name="p", creation_timestamp=NOON)
    spec = kubernetes.V1PodSpec(containers=[kubernetes.V1Container(name="c")])
    return kubernetes.V1Pod(metadata=metadata, spec=spec, status=status)


def container(**states: Any) -> kubernetes.V1ContainerStatus:
    return kubernetes.V1ContainerStatus(name="c", image="i", image_id="i", ready=False, restart_count=1, **states)


def test_a_container_that_was_restarted_says_how_it_ended_last() -> None:
    end = kubernetes.V1ContainerStateTerminated(exit_code=137, reason="OOMKilled", finished_at=NOON)
    running = kubernetes.V1ContainerState(running=kubernetes.V1ContainerStateRunning(started_at=NOON))
    status = container(state=running, last_state=kubernetes.V1ContainerState(terminated=end))
    pod = pod_from(made(kubernetes.V1PodStatus(phase="Running", container_statuses=[status])))
    assert (pod.killed, pod.killed_at) == ("OOMKilled, exit code 137", NOON)


def test_a_container_that_does_not_start_says_what_it_waits_for() -> None:
    waiting = kubernetes.V1ContainerStateWaiting(reason="ImagePullBackOff", message="no such image")
    status = container(state=kubernetes.V1ContainerState(waiting=waiting))
    pod = pod_from(made(kubernetes.V1PodStatus(phase="Pending", container_statuses=[status])))
    assert pod.waits == "ImagePullBackOff: no such image"


def test_a_pod_of_which_nothing_is_known_yet_is_read() -> None:
    pod = pod_from(made(kubernetes.V1PodStatus()))
    assert (pod.job, pod.phase, pod.waits, pod.killed, pod.killed_at) == ("", "Unknown", "", "", None)
    assert (pod.ready, pod.ready_changed) == (False, None)


@pytest.mark.parametrize("status", ["True", "False"])
def test_a_pod_says_since_when_it_is_ready_or_not(status: str) -> None:
    other = kubernetes.V1PodCondition(type="Initialized", status="True", last_transition_time=NOON - timedelta(hours=1))
    ready = kubernetes.V1PodCondition(type="Ready", status=status, last_transition_time=NOON)
    pod = pod_from(made(kubernetes.V1PodStatus(conditions=[other, ready])))
    assert (pod.ready, pod.ready_changed) == (status == "True", NOON)
