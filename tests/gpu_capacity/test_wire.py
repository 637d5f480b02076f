"""Each shortage, over the real wire: what the sandbox's cluster, pools, quotas and log say is classed right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.check import GpuCheck
from tasks.gpu_capacity.classes import SHORTAGES, Shortage
from tasks.gpu_capacity.classify import classify
from tasks.gpu_capacity.look import look_at_gpus
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tests.gpu_capacity.test_other_capacity import refused
from tests.gpu_capacity.world import CRITICAL, SPACE, full_pool, job, older


def two_jobs(sandbox: Sandbox) -> None:
    """One takes the node that is there, the other waits."""
    job(sandbox, f"{CRITICAL}-0")
    job(sandbox, CRITICAL)


def stocked_out(sandbox: Sandbox) -> None:
    sandbox.cluster.change_pool("gpu-pool", fault="stock_out")
    two_jobs(sandbox)


def compute_quota(sandbox: Sandbox) -> None:
    sandbox.cluster.set_quota("us-central1", "NVIDIA_T4_GPUS", 1)
    two_jobs(sandbox)


def project_quota(sandbox: Sandbox) -> None:
    sandbox.cluster.set_quota("", "GPUS_ALL_REGIONS", 1)
    two_jobs(sandbox)


def namespace_quota(sandbox: Sandbox) -> None:
    quota = {"metadata": {"name": "blueprint-quota"}, "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}}
    sandbox.cluster.registry.create(BY_PLURAL["resourcequotas"], SPACE, quota)
    two_jobs(sandbox)


def pool_at_maximum(sandbox: Sandbox) -> None:
    sandbox.cluster.change_pool("gpu-pool", maximum=1)
    two_jobs(sandbox)


def not_ready(sandbox: Sandbox) -> None:
    sandbox.cluster.change_pool("gpu-pool", maximum=1)
    sandbox.cluster.set_node("gke-sandbox-gpu-pool-0", "not_ready")
    job(sandbox, CRITICAL)


def no_driver(sandbox: Sandbox) -> None:
    sandbox.cluster.change_pool("gpu-pool", maximum=1)
    sandbox.cluster.set_node("gke-sandbox-gpu-pool-0", "no_driver")
    job(sandbox, CRITICAL)


def unschedulable(sandbox: Sandbox) -> None:
    job(sandbox, CRITICAL, nodeSelector={"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"})


def too_many(sandbox: Sandbox) -> None:
    job(sandbox, CRITICAL, gpus=4)


def cloud_run_quota(sandbox: Sandbox) -> None:
    sandbox.log.of_container("particulate-service", "", "RESOURCE_EXHAUSTED: GPU quota exceeded in us-central1")


def never_comes(sandbox: Sandbox) -> None:
    sandbox.cluster.change_pool("gpu-pool", fault="never")
    two_jobs(sandbox)


def internal(sandbox: Sandbox) -> None:
    sandbox.cluster.change_pool("gpu-pool", fault="internal")
    two_jobs(sandbox)


def scaled_to_zero(sandbox: Sandbox) -> None:
    sandbox.cluster.change_pool("gpu-pool", nodes=0)
    refused(sandbox, "ERROR: GPU capacity is not reported on GPU nodes.")


WORLDS: list[tuple[Callable[[Sandbox], None], Shortage]] = [
    (stocked_out, "stocked_out"),
    (compute_quota, "compute_quota"),
    (project_quota, "compute_quota"),
    (namespace_quota, "namespace_quota"),
    (pool_at_maximum, "pool_at_maximum"),
    (not_ready, "node_broken"),
    (no_driver, "node_broken"),
    (unschedulable, "unschedulable"),
    (too_many, "unschedulable"),
    (cloud_run_quota, "cloud_run_quota"),
    (never_comes, "unknown"),
    (internal, "unknown"),
    (scaled_to_zero, "scaled_to_zero"),
]


def test_every_class_is_seen_over_the_wire() -> None:
    assert {kind for _, kind in WORLDS} == set(SHORTAGES)


@pytest.mark.parametrize(("make", "kind"), WORLDS, ids=lambda one: getattr(one, "__name__", str(one)))
def test_it_is_classed_by_what_the_services_say(
    sandbox: Sandbox, environment: PipelineEnvironment, make: Callable[[Sandbox], None], kind: Shortage
) -> None:
    make(sandbox)
    older(sandbox, 25)
    one = check(GpuCheck(), Context(environment, "ann"), None)
    assert one.outcome == "failed", one.sentence()
    facts, found = one.facts.facts
    assert [each.kind for each in found if each.blocks] == [kind], found
    assert facts.unseen == ()
    assert found[0].evidence[0] in one.reasons[0]


def test_a_look_changes_nothing(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    full_pool(sandbox)
    sandbox.requests.reset()
    look_at_gpus(environment)
    assert sandbox.requests.mutating() == {"total": 0}


def test_while_nothing_waits_the_quotas_of_compute_engine_are_not_asked_and_the_look_takes_few_calls(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    for number in range(30):
        job(sandbox, f"{CRITICAL}-{number}")
        sandbox.cluster.set_state(SPACE, f"{CRITICAL}-{number}", "succeeded")
    sandbox.requests.reset()
    assert check(GpuCheck(), Context(environment, "ann"), None).outcome == "nothing_to_do"
    assert sandbox.requests.count("compute", "regions.get") == 0
    assert sum(sandbox.requests.snapshot().values()) == 16


@pytest.mark.parametrize("busy", [True, False])
def test_a_cluster_that_is_busy_or_idle_is_not_short(
    sandbox: Sandbox, environment: PipelineEnvironment, busy: bool
) -> None:
    sandbox.cluster.change_pool("gpu-pool", maximum=1, nodes=int(busy))
    if busy:
        job(sandbox, CRITICAL)
    older(sandbox, 60)
    one = check(GpuCheck(), Context(environment, "ann"), None)
    assert one.outcome == "nothing_to_do", one.sentence()
    assert bool(one.notes) is not busy, "an idle pool is told"


def test_a_pod_that_has_only_just_begun_to_wait_is_no_shortage_and_later_it_is(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    pool_at_maximum(sandbox)
    assert classify(look_at_gpus(environment)) == ()
    later = datetime.now(UTC) + timedelta(minutes=3)
    assert [one.kind for one in classify(look_at_gpus(environment, later))] == ["pool_at_maximum"]


@pytest.mark.parametrize(
    ("service", "method", "permission"),
    [
        ("container", "ListNodePools", r"container\.clusters\.get"),
        ("kubernetes", "nodes.list", "list on nodes"),
        ("kubernetes", "events.list", "list on events"),
        ("logging", "ListLogEntries", r"logging\.logEntries\.list"),
    ],
)
def test_what_is_forbidden_is_said_with_the_permission_and_the_rest_is_looked_at(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str, permission: str
) -> None:
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    one = check(GpuCheck(), Context(environment, "ann"), None)
    assert one.outcome == "partial"
    assert any(permission.replace("\\", "") in reason for reason in one.reasons), one.reasons


def test_a_pool_that_the_cluster_does_not_have_is_missing_and_one_that_could_not_be_asked_is_not(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    del sandbox.cluster.pools.pools["gpu-pool"]
    assert look_at_gpus(environment).missing == ("gpu-pool",)
    sandbox.faults.add(FaultRule(service="container", kind="status", status=403))
    assert look_at_gpus(environment).missing == ()


def test_without_a_cluster_only_cloud_run_is_looked_at(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    environment.cluster.enabled = False
    assert check(GpuCheck(), Context(environment, "ann"), None).outcome == "nothing_to_do"
    cloud_run_quota(sandbox)
    assert check(GpuCheck(), Context(environment, "ann"), None).outcome == "failed"
    assert sandbox.requests.count("kubernetes", "nodes.list") == 0
