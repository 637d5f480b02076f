"""Capacity from elsewhere: pools that stand in, a first node, and what only a person can ask for."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.cluster.node_pools import NodePool
from deployments.sandbox.server import Sandbox
from tests.gpu_capacity.test_relief import taken_back
from tests.gpu_capacity.world import CRITICAL, actions, job, older, policy, relieve, states


def test_a_pool_that_stands_in_takes_over_when_the_zone_has_none(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    pools = sandbox.cluster.pools.pools
    pools["gpu-pool-b"] = NodePool(
        "gpu-pool-b", "n1-standard-8", 8, "nvidia-tesla-t4", 1, zone="us-central1-b", maximum=0
    )
    environment.catalogue_overlay = (
        "gpu: {pools: {gpu-pool-b: {metric: NVIDIA_T4_GPUS, region: us-central1, stands_in_for: [gpu-pool]}}}"
    )
    sandbox.cluster.change_pool("gpu-pool", fault="stock_out")
    job(sandbox, f"{CRITICAL}-0")
    job(sandbox, CRITICAL)
    older(sandbox, 20)
    policy(environment)
    one = relieve(environment)
    assert one.outcome == "done", one.sentence()
    assert actions(one) == ["node pool gpu-pool-b of blueprint-cluster: 0 to 1 nodes"]
    assert states(sandbox) == {CRITICAL: "Running", f"{CRITICAL}-0": "Running"}


def test_a_zone_without_gpus_and_nothing_to_turn_off_is_a_persons(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.cluster.change_pool("gpu-pool", fault="stock_out")
    job(sandbox, f"{CRITICAL}-0")
    job(sandbox, CRITICAL)
    older(sandbox, 20)
    policy(environment)
    one = relieve(environment)
    assert one.outcome == "escalated"
    assert "another pool or zone" in one.reasons[0]


def test_a_quota_request_is_drafted_with_its_figures_and_never_sent(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.cluster.set_quota("us-central1", "NVIDIA_T4_GPUS", 1)
    job(sandbox, f"{CRITICAL}-0")
    job(sandbox, CRITICAL)
    older(sandbox, 20)
    sandbox.requests.reset()
    one = relieve(environment)
    assert one.outcome == "escalated"
    assert "NVIDIA_T4_GPUS in us-central1 from 1 to 2" in one.reasons[0]
    assert "1 of 1 are used" in one.reasons[0]
    assert "container" not in sandbox.requests.mutating()


def test_builds_that_look_for_a_node_get_one_and_the_pool_goes_back_to_zero(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.cluster.change_pool("gpu-pool", nodes=0)
    assert relieve(environment, "plan").outcome == "nothing_to_do", "an idle pool is no shortage"
    refused(sandbox, "ERROR: No GPU nodes found with accelerator label nvidia-tesla-t4")
    policy(environment)
    one = relieve(environment)
    assert one.outcome == "done", one.sentence()
    assert actions(one) == ["node pool gpu-pool of blueprint-cluster: 1 to 10 nodes"]
    assert len(environment.cluster.capacity.nodes()) == 1
    assert taken_back(environment, one).outcome == "done"
    assert environment.node_pools.get("gpu-pool").minimum == 0


def refused(sandbox: Sandbox, text: str) -> None:
    """A build says so in the log."""
    entry = {
        "logName": "projects/sandbox-project/logs/cloudbuild",
        "resource": {"type": "build", "labels": {"build_id": "b"}},
    }
    sandbox.log.write({**entry, "severity": "INFO", "textPayload": text})
