"""What the node pools block does with a real client against the sandbox, with and without faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud import container_v1

from blocks.calls import CallLimits
from blocks.errors import Cause, NotFound, PermanentError, TemporaryError
from blocks.node_pools import GkeNodePools, _pool
from deployments.sandbox.cluster.node_pools import shipped_pools
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.blocks.conftest import PROJECT, QUICK


@pytest.fixture
def pools(sandbox: Sandbox) -> Iterator[GkeNodePools]:
    sandbox.cluster.pools.pools = shipped_pools()
    sandbox.cluster.pools.limits = {}
    sandbox.cluster.change_pool("gpu-pool", nodes=1)
    block = GkeNodePools(project=PROJECT, endpoint=sandbox.endpoints.container, operation_seconds=5, limits=QUICK)
    yield block
    block.close()


def test_every_pool_is_listed_with_its_bounds_gpus_and_taints(pools: GkeNodePools) -> None:
    found = {pool.name: pool for pool in pools.list()}
    assert list(found) == ["default-pool", "gpu-ci-pool", "gpu-pool"]
    gpu, ci = found["gpu-pool"], found["gpu-ci-pool"]
    assert (gpu.accelerator, gpu.per_node, gpu.minimum, gpu.maximum, gpu.most) == ("nvidia-tesla-t4", 1, 0, 10, 10)
    assert (gpu.machine, gpu.zones, gpu.status, gpu.conditions) == ("n1-standard-8", ("us-central1-a",), "RUNNING", ())
    assert ("github-actions", "ci") in ci.taints
    assert (found["default-pool"].accelerator, found["default-pool"].per_node) == ("", 0)


def test_bounds_are_set_and_read_back(pools: GkeNodePools) -> None:
    pools.set_bounds("gpu-pool", 1, 7)
    info = pools.get("gpu-pool")
    assert (info.minimum, info.maximum, info.autoscaling) == (1, 7, True)


def test_a_size_is_there_when_the_call_is_over(pools: GkeNodePools, sandbox: Sandbox) -> None:
    pools.set_size("gpu-pool", 3)
    assert len(sandbox.cluster.pools.of("gpu-pool")) == 3
    pools.set_size("gpu-pool", 0)
    assert sandbox.cluster.pools.of("gpu-pool") == []


def test_two_changes_one_after_the_other_wait_for_each_other(pools: GkeNodePools, sandbox: Sandbox) -> None:
    pools._open().set_node_pool_size(
        request=container_v1.SetNodePoolSizeRequest(name=f"{pools.parent}/nodePools/gpu-pool", node_count=2)
    )
    pools.set_bounds("gpu-pool", 0, 9)
    assert sandbox.requests.count("container", "ListOperations") >= 1


@pytest.mark.parametrize(
    ("fault", "quota", "words", "cause"),
    [
        ("stock_out", None, "ZONE_RESOURCE_POOL_EXHAUSTED", Cause.UNSAID),
        ("", 1, "Quota 'NVIDIA_T4_GPUS' exceeded", Cause.QUOTA),
        ("never", None, "did not start in time", Cause.UNSAID),
    ],
)
def test_a_node_that_does_not_come_is_said_in_googles_words_and_shows_in_the_pools_conditions(
    pools: GkeNodePools, sandbox: Sandbox, fault: str, quota: int | None, words: str, cause: Cause
) -> None:
    sandbox.cluster.change_pool("gpu-pool", fault=fault)
    if quota is not None:
        sandbox.cluster.set_quota("us-central1", "NVIDIA_T4_GPUS", quota)
    with pytest.raises(PermanentError, match=words) as caught:
        pools.set_size("gpu-pool", 4)
    assert caught.value.cause is cause
    assert pools.get("gpu-pool").conditions[0][0] in ("GCE_STOCKOUT", "GCE_QUOTA_EXCEEDED", "UNKNOWN")


def test_what_is_not_there_is_not_found(pools: GkeNodePools) -> None:
    with pytest.raises(NotFound, match="look at node pool other"):
        pools.get("other")
    with pytest.raises(NotFound, match="check project, cluster and location"):
        GkeNodePools(project=PROJECT, cluster="other", endpoint=pools.endpoint, limits=QUICK).list()


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
@pytest.mark.parametrize("method", ["ListNodePools", "SetNodePoolAutoscaling", "GetOperation"])
def test_one_fault_is_not_noticed(pools: GkeNodePools, sandbox: Sandbox, method: str, kind: str) -> None:
    pools.limits = CallLimits(attempts=3, total_seconds=10.0, call_seconds=0.4, first_wait_seconds=0.01)
    rule = {"service": "container", "method": method, "kind": kind, "seconds": 1.0, "times": 1}
    sandbox.faults.add(FaultRule.model_validate(rule))
    pools.list()
    pools.set_bounds("gpu-pool", 0, 8)
    assert pools.get("gpu-pool").maximum == 8


def test_a_service_that_goes_on_failing_is_temporary(pools: GkeNodePools, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="container", method="ListNodePools", kind="reset"))
    with pytest.raises(TemporaryError, match="list the node pools of cluster blueprint-cluster"):
        pools.list()


def test_a_refusal_names_the_permission_to_grant(pools: GkeNodePools, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="container", method="SetNodePoolSize", kind="status", status=403, times=1))
    with pytest.raises(PermanentError, match=r"grant container\.clusters\.update to the account"):
        pools.set_size("gpu-pool", 2)


def test_bounds_that_make_no_sense_are_refused(pools: GkeNodePools) -> None:
    with pytest.raises(PermanentError, match="must be ordered"):
        pools.set_bounds("gpu-pool", 5, 2)


@pytest.mark.parametrize(
    ("bounds", "zones", "most"),
    [
        ({"min_node_count": 1, "max_node_count": 4}, ["a", "b", "c"], 12),
        ({"total_min_node_count": 1, "total_max_node_count": 4}, ["a", "b", "c"], 4),
        ({}, ["a"], 0),
    ],
)
def test_bounds_count_for_each_zone_unless_they_are_for_all(
    bounds: dict[str, int], zones: list[str], most: int
) -> None:
    message = container_v1.NodePool(autoscaling={"enabled": bool(bounds), **bounds}, locations=zones)
    assert _pool(message).most == most
