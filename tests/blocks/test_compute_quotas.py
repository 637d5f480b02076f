"""What the block of Compute Engine's quotas reads, with the stock client against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.compute_quotas import ALL_REGIONS, ComputeQuotas, QuotaInfo
from blocks.errors import NotFound, PermanentError, TemporaryError
from deployments.sandbox.cluster.node_pools import shipped_pools
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.blocks.conftest import IMPATIENT, PROJECT, QUICK


@pytest.fixture(scope="module")
def block(running_sandbox: Sandbox) -> Iterator[ComputeQuotas]:
    made = ComputeQuotas(project=PROJECT, endpoint=running_sandbox.endpoints.compute, limits=QUICK)
    yield made
    made.close()


@pytest.fixture
def quotas(block: ComputeQuotas, sandbox: Sandbox) -> ComputeQuotas:
    sandbox.cluster.pools.pools = shipped_pools()
    sandbox.cluster.pools.limits = {}
    sandbox.cluster.change_pool("gpu-pool", nodes=2)
    block.limits = QUICK
    return block


def figures(found: tuple[QuotaInfo, ...]) -> dict[tuple[str, str], tuple[float, float]]:
    return {(one.region, one.metric): (one.usage, one.limit) for one in found}


def test_the_gpus_of_a_region_and_of_the_project_are_read_with_what_is_used(
    quotas: ComputeQuotas, sandbox: Sandbox
) -> None:
    sandbox.cluster.set_quota("us-central1", "NVIDIA_T4_GPUS", 2)
    found = figures(quotas.gpus("us-central1"))
    assert found["us-central1", "NVIDIA_T4_GPUS"] == (2, 2)
    assert found["", ALL_REGIONS] == (2, 16)
    assert figures(quotas.gpus("us-east1"))["us-east1", "NVIDIA_T4_GPUS"] == (0, 16)


def test_what_is_left_is_never_less_than_nothing() -> None:
    assert QuotaInfo("NVIDIA_T4_GPUS", "us-central1", 4, 1).left == 3
    assert QuotaInfo("NVIDIA_T4_GPUS", "us-central1", 4, 5).left == 0


def test_another_region_or_project_is_not_found(quotas: ComputeQuotas) -> None:
    with pytest.raises(NotFound, match="check project and region"):
        quotas.gpus("europe-west9")
    other = ComputeQuotas(project="other", endpoint=quotas.endpoint, limits=QUICK)
    with pytest.raises(NotFound):
        other.gpus("us-central1")


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer", "latency"])
def test_one_fault_is_not_noticed(quotas: ComputeQuotas, sandbox: Sandbox, kind: str) -> None:
    quotas.limits = IMPATIENT
    seconds = 0.05 if kind == "latency" else 1.0
    rule = {"service": "compute", "method": "*.get", "kind": kind, "seconds": seconds, "times": 1}
    sandbox.faults.add(FaultRule.model_validate(rule))
    assert quotas.gpus("us-central1")


def test_a_service_that_goes_on_failing_is_temporary(quotas: ComputeQuotas, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="compute", kind="status", status=503))
    with pytest.raises(TemporaryError, match="read the quotas of us-central1"):
        quotas.gpus("us-central1")


def test_a_refusal_names_the_permission_to_grant(quotas: ComputeQuotas, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="compute", method="projects.get", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"grant compute\.projects\.get to the account"):
        quotas.gpus("us-central1")
