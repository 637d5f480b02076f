"""Pods that want GPUs in the sandbox: where they run, when a node comes, and what is said when none does."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.cluster.node_pools import NodePool
from deployments.sandbox.cluster.resources import BY_PLURAL
from tests.sandbox.test_services_kubectl import job

SPACE = "blueprint"
GPU_NODE = "gke-sandbox-gpu-pool-0"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster((SPACE,))


def made(cluster: Cluster, name: str, **pod: Any) -> dict[str, Any]:
    """A Job's pod; `pod` are fields of its spec."""
    wanted: Any = job(name)
    wanted["spec"]["template"]["spec"] |= pod
    cluster.create(SPACE, wanted)
    return pod_of(cluster, name)


def pod_of(cluster: Cluster, name: str) -> dict[str, Any]:
    pods = cluster.objects.all("pods", SPACE)
    return next((one for one in pods if one["metadata"]["labels"]["job-name"] == name), {})


def events(cluster: Cluster, reason: str) -> list[str]:
    return [one["message"] for one in cluster.objects.all("events") if one["reason"] == reason]


def nodes(cluster: Cluster) -> int:
    return len(cluster.pools.of("gpu-pool"))


def test_the_first_pod_takes_the_free_gpu_and_the_next_one_gets_a_node(cluster: Cluster) -> None:
    assert made(cluster, "a")["spec"]["nodeName"] == GPU_NODE
    second = made(cluster, "b")
    assert (second["status"]["phase"], nodes(cluster)) == ("Running", 2)
    assert second["spec"]["nodeName"] != GPU_NODE
    assert events(cluster, "TriggeredScaleUp") == ["pod triggered scale-up: [{gpu-pool 1->2 (max: 10)}]"]


def test_at_its_maximum_a_pool_gets_none_until_the_maximum_is_raised(cluster: Cluster) -> None:
    cluster.change_pool("gpu-pool", maximum=1)
    made(cluster, "a")
    assert made(cluster, "b")["status"]["phase"] == "Pending"
    assert "1 max node group size reached" in events(cluster, "NotTriggerScaleUp")[0]
    assert cluster.get(SPACE, "b")["status"] | {"startTime": ""} == {"active": 1, "ready": 0, "startTime": ""}
    cluster.change_pool("gpu-pool", maximum=2)
    assert pod_of(cluster, "b")["status"]["phase"] == "Running"
    assert cluster.get(SPACE, "b")["status"]["ready"] == 1


@pytest.mark.parametrize(
    ("fault", "words", "condition"),
    [("stock_out", "GCE out of resources", "GCE_STOCKOUT"), ("internal", "Internal error", "UNKNOWN")],
)
def test_a_node_that_cannot_be_made_is_said_by_event_and_pool(
    cluster: Cluster, fault: str, words: str, condition: str
) -> None:
    cluster.change_pool("gpu-pool", fault=fault)
    made(cluster, "a")
    made(cluster, "b")
    assert words in events(cluster, "FailedScaleUp")[0]
    assert cluster.pools.pools["gpu-pool"].condition == condition
    cluster.change_pool("gpu-pool", fault="")
    assert pod_of(cluster, "b")["status"]["phase"] == "Running"


@pytest.mark.parametrize(("region", "metric"), [("us-central1", "NVIDIA_T4_GPUS"), ("", "GPUS_ALL_REGIONS")])
def test_a_quota_keeps_nodes_away_and_counts_those_that_are_there(cluster: Cluster, region: str, metric: str) -> None:
    cluster.set_quota(region, metric, 1)
    made(cluster, "a")
    made(cluster, "b")
    assert (cluster.pools.usage(region, metric), nodes(cluster)) == (1, 1)
    assert "GCE quota exceeded" in events(cluster, "FailedScaleUp")[0]


def test_a_scale_up_that_never_comes_is_begun_and_nothing_follows(cluster: Cluster) -> None:
    cluster.change_pool("gpu-pool", fault="never")
    made(cluster, "a")
    assert made(cluster, "b")["status"]["phase"] == "Pending"
    assert events(cluster, "TriggeredScaleUp")
    assert events(cluster, "FailedScaleUp") == []


@pytest.mark.parametrize("state", ["not_ready", "no_driver"])
def test_a_broken_node_gives_no_gpu_until_it_is_well(cluster: Cluster, state: Any) -> None:
    cluster.change_pool("gpu-pool", maximum=1)
    cluster.set_node(GPU_NODE, state)
    assert made(cluster, "a")["status"]["phase"] == "Pending"
    cluster.set_node(GPU_NODE, "ready")
    assert pod_of(cluster, "a")["status"]["phase"] == "Running"


def test_who_ends_is_suspended_or_deleted_leaves_his_gpu_to_the_next(cluster: Cluster) -> None:
    cluster.change_pool("gpu-pool", maximum=1)
    for name in "abcd":
        made(cluster, name)
    cluster.set_state(SPACE, "a", "succeeded")
    assert pod_of(cluster, "b")["status"]["phase"] == "Running"
    off = lambda old: old | {"spec": old["spec"] | {"suspend": True}}  # noqa: E731
    cluster.registry.change(BY_PLURAL["jobs"], SPACE, "b", off)
    assert pod_of(cluster, "c")["status"]["phase"] == "Running"
    cluster.delete(SPACE, "c", {})
    assert pod_of(cluster, "d")["status"]["phase"] == "Running"
    assert pod_of(cluster, "b") == {}


def test_a_node_that_is_taken_away_lets_its_pods_wait(cluster: Cluster) -> None:
    made(cluster, "a")
    cluster.change_pool("gpu-pool", maximum=0, nodes=0)
    pod = pod_of(cluster, "a")
    assert (pod["status"]["phase"], "nodeName" in pod["spec"]) == ("Pending", False)


@pytest.mark.parametrize(
    ("pod", "runs"),
    [
        ({"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}}, True),
        ({"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"}}, False),
        ({"nodeSelector": {"node_type": "gpu"}}, True),
        ({"nodeSelector": {"node_type": "gpu-ci"}}, False),
        (
            {"nodeSelector": {"node_type": "gpu-ci"}, "tolerations": [{"key": "github-actions", "operator": "Exists"}]},
            True,
        ),
        ({"nodeSelector": {"node_type": "gpu-ci"}, "tolerations": [{"key": "github-actions", "value": "ci"}]}, True),
        ({"nodeSelector": {"node_type": "gpu-ci"}, "tolerations": [{"key": "github-actions", "value": "x"}]}, False),
        (
            {"nodeSelector": {"node_type": "gpu-ci"}, "tolerations": [{"operator": "Exists", "effect": "NoExecute"}]},
            False,
        ),
    ],
)
def test_labels_and_taints_decide_where_a_pod_may_run(cluster: Cluster, pod: dict[str, Any], runs: bool) -> None:
    assert (made(cluster, "a", **pod)["status"]["phase"] == "Running") is runs


def test_a_quota_of_the_namespace_keeps_the_pod_of_a_job_away_until_there_is_room(cluster: Cluster) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}}
    cluster.registry.create(BY_PLURAL["resourcequotas"], SPACE, quota)
    made(cluster, "a")
    assert made(cluster, "b") == {}
    assert (
        "exceeded quota: q, requested: requests.nvidia.com/gpu=1, used: requests" in events(cluster, "FailedCreate")[0]
    )
    assert cluster.get(SPACE, "b")["status"]["active"] == 0
    cluster.set_state(SPACE, "a", "succeeded")
    assert pod_of(cluster, "b")["status"]["phase"] == "Running"


def test_a_pool_without_autoscaling_gets_no_node(cluster: Cluster) -> None:
    cluster.pools.pools["gpu-pool"].autoscaling = False
    made(cluster, "a")
    assert made(cluster, "b")["status"]["phase"] == "Pending"


def test_a_second_pool_that_fits_takes_over(cluster: Cluster) -> None:
    cluster.pools.pools["b"] = NodePool("b", "n1-standard-8", 8, "nvidia-tesla-t4", 1, zone="us-central1-b")
    cluster.change_pool("gpu-pool", maximum=1)
    made(cluster, "a")
    assert made(cluster, "b")["spec"]["nodeName"].startswith("gke-sandbox-b-")


@pytest.mark.parametrize("what", ["node", "pool"])
def test_what_is_not_there_is_said(cluster: Cluster, what: str) -> None:
    with pytest.raises(LookupError, match="There is no"):
        cluster.set_node("x", "ready") if what == "node" else cluster.change_pool("x")


@pytest.mark.parametrize(
    "node", [{"metadata": {"name": "n"}}, {"metadata": {"name": "n"}, "spec": {"taints": []}, "status": {}}]
)
def test_a_node_that_says_little_is_no_capacity_and_breaks_nothing(cluster: Cluster, node: dict[str, Any]) -> None:
    cluster.registry.create(BY_PLURAL["nodes"], "", node)
    made(cluster, "a")
    assert made(cluster, "b")["status"]["phase"] == "Running"
