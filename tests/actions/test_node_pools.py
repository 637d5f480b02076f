"""Bounds of node pools are raised and set back, only from those that were seen, and no node is taken away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.actions.node_pools import SetPool, pool_action, set_pool
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tests.remediation.world import apply, begun, inverse, look


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    made = for_sandbox(sandbox.endpoints)
    yield made
    made.close()


def setting(context: Context, **more: object) -> Doing:
    told = {
        "name": "gpu-pool", "cluster": "blueprint-cluster", "minimum": 0, "maximum": 12, "former_minimum": 0,
        "former_maximum": 10,
    } | more  # fmt: skip
    return begun(context, pool_action(SetPool.model_validate(told), "raise gpu-pool", "a test"), "@gpu")


def bounds(environment: PipelineEnvironment) -> tuple[int, int]:
    info = environment.node_pools.get("gpu-pool")
    return info.minimum, info.maximum


def test_bounds_are_set_and_put_back_by_the_inverse(context: Context, environment: PipelineEnvironment) -> None:
    acting = setting(context)
    assert look(set_pool, acting) is None
    assert apply(set_pool, acting) == look(set_pool, acting) == "0 to 12 nodes"
    back = inverse(set_pool, acting)
    assert back is not None
    assert apply(set_pool, begun(context, back, "@gpu")) == "0 to 10 nodes"
    assert bounds(environment) == (0, 10)


def test_doing_it_twice_is_doing_it_once(context: Context, sandbox: Sandbox) -> None:
    acting = setting(context)
    apply(set_pool, acting)
    apply(set_pool, acting)
    assert sandbox.requests.count("container", "SetNodePoolAutoscaling") == 1


def test_a_first_node_comes_with_the_bounds_and_stays_when_they_go_back(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.cluster.change_pool("gpu-pool", nodes=0)
    acting = setting(context, minimum=1, maximum=10, nodes=1)
    assert look(set_pool, acting) is None
    apply(set_pool, acting)
    assert (bounds(environment), len(environment.cluster.capacity.nodes())) == ((1, 10), 1)
    back = inverse(set_pool, acting)
    assert back is not None
    apply(set_pool, begun(context, back, "@gpu"))
    assert (bounds(environment), len(environment.cluster.capacity.nodes())) == ((0, 10), 1)


def test_bounds_that_somebody_has_changed_are_not_touched(context: Context, environment: PipelineEnvironment) -> None:
    acting = setting(context)
    environment.node_pools.set_bounds("gpu-pool", 0, 7)
    with pytest.raises(PreconditionFailed, match="0 to 7 nodes, not 0 to 10 nodes"):
        apply(set_pool, acting)
    with pytest.raises(NoWayBack, match="somebody has changed it since"):
        inverse(set_pool, acting)
    assert bounds(environment) == (0, 7)


def test_bounds_that_are_back_already_need_no_way_back(context: Context, environment: PipelineEnvironment) -> None:
    acting = setting(context)
    apply(set_pool, acting)
    environment.node_pools.set_bounds("gpu-pool", 0, 10)
    assert inverse(set_pool, acting) is None


def test_a_pool_of_another_cluster_is_neither_set_nor_looked_at(
    context: Context, environment: PipelineEnvironment
) -> None:
    acting = setting(context, cluster="blueprint-cluster-secondary")
    for asked in (apply, look):
        with pytest.raises(PreconditionFailed, match="the environment now says blueprint-cluster"):
            asked(set_pool, acting)
    assert bounds(environment) == (0, 10)


def test_a_zone_without_gpus_is_said_in_its_own_words_and_what_was_done_is_undone(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.cluster.change_pool("gpu-pool", nodes=0, fault="stock_out")
    acting = setting(context, minimum=1, maximum=10, nodes=1)
    with pytest.raises(PermanentError, match="ZONE_RESOURCE_POOL_EXHAUSTED"):
        apply(set_pool, acting)
    assert bounds(environment) == (1, 10)
    assert inverse(set_pool, acting) is not None


@pytest.mark.parametrize("fault", ["lost_answer", "reset", "status"])
def test_a_lost_answer_changes_nothing_of_the_end(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox, fault: str
) -> None:
    rule = {"service": "container", "method": "SetNodePoolAutoscaling", "kind": fault, "times": 1}
    sandbox.faults.add(FaultRule.model_validate(rule))
    acting = setting(context)
    apply(set_pool, acting)
    assert bounds(environment) == (0, 12)


def test_a_pool_that_is_gone_has_nothing_to_take_back(context: Context, sandbox: Sandbox) -> None:
    acting = setting(context)
    apply(set_pool, acting)
    del sandbox.cluster.pools.pools["gpu-pool"]
    assert look(set_pool, acting) is None
    assert inverse(set_pool, acting) is None
