"""What a Pod refers to by name is there or not, and a Job is judged without being created, with a real client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.errors import PermanentError, PreconditionFailed
from blocks.gke import GkeCluster
from blocks.gke_references import GOOGLE_ACCOUNT
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.blocks.conftest import QUICK
from tests.blocks.test_gke_workloads import job

SPACE = "blueprint"


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[GkeCluster]:
    block = GkeCluster(endpoint=sandbox.endpoints.kubernetes, limits=QUICK)
    yield block
    block.close()


def test_a_config_map_is_there_or_not_and_one_that_may_not_be_seen_is_neither(
    sandbox: Sandbox, cluster: GkeCluster
) -> None:
    kind = BY_PLURAL["configmaps"]
    sandbox.cluster.registry.create(kind, SPACE, {"metadata": {"name": "there"}, "data": {"a": "b"}})
    try:
        assert [cluster.references.has_config_map(name) for name in ("there", "gone")] == [True, False]
        sandbox.faults.add(FaultRule(service="kubernetes", method="configmaps.get", kind="status", status=403))
        with pytest.raises(PermanentError, match="get on configmaps"):
            cluster.references.has_config_map("there")
    finally:
        sandbox.cluster.registry.delete(kind, SPACE, "there", {})


@pytest.mark.parametrize(("annotations", "said"), [({GOOGLE_ACCOUNT: "a@b"}, "a@b"), ({}, ""), (None, "")])
def test_a_service_account_stands_for_a_google_account_or_for_none(
    sandbox: Sandbox, cluster: GkeCluster, annotations: dict[str, str] | None, said: str
) -> None:
    kind = BY_PLURAL["serviceaccounts"]
    meta = {"name": "one"} | ({"annotations": annotations} if annotations is not None else {})
    sandbox.cluster.registry.create(kind, SPACE, {"metadata": meta})
    try:
        assert (cluster.references.google_account("one"), cluster.references.google_account("two")) == (said, None)
    finally:
        sandbox.cluster.registry.delete(kind, SPACE, "one", {})


def test_a_job_that_is_tried_is_judged_and_not_kept(sandbox: Sandbox, cluster: GkeCluster) -> None:
    good, wrong = job("tried-1"), job("tried-1")
    wrong["spec"]["colour"] = "red"
    cluster.workloads.try_job(good)
    with pytest.raises(PermanentError, match=r'unknown field \\?"spec.colour'):
        cluster.workloads.try_job(wrong)
    with pytest.raises(PermanentError, match="RFC 1123"):
        cluster.workloads.try_job(job("Tried_1"))
    assert cluster.workloads.job("tried-1") is None
    assert sandbox.requests.mutating() == {"total": 0}
    sandbox.cluster.create(SPACE, good)
    with pytest.raises(PreconditionFailed):
        cluster.workloads.try_job(good)
    assert [pod.job for pod in cluster.pods_of("tried-1")] == ["tried-1"]
    assert cluster.pods_of("tried-2") == []
    sandbox.cluster.delete(SPACE, "tried-1", {})


def test_where_there_is_no_cluster_nothing_can_be_seen() -> None:
    without = GkeCluster(enabled=False)
    assert without.pods_of("x") == []
    with pytest.raises(PermanentError, match="no cluster"):
        _ = without.references
