"""GKE and Compute Engine's quotas in the sandbox, spoken to by the stock clients and by plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import requests
from google.api_core.exceptions import FailedPrecondition, InvalidArgument, NotFound
from google.cloud import container_v1
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport

from deployments.sandbox.server import Sandbox

PARENT = "projects/sandbox-project/locations/us-central1-a"
CLUSTER = f"{PARENT}/clusters/blueprint-cluster"
POOL = f"{CLUSTER}/nodePools/gpu-pool"


@pytest.fixture
def gke(sandbox: Sandbox) -> Iterator[container_v1.ClusterManagerClient]:
    channel = grpc.insecure_channel(sandbox.endpoints.container, options=[("grpc.enable_http_proxy", 0)])
    yield container_v1.ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=channel))
    channel.close()


def resize(gke: container_v1.ClusterManagerClient, count: int) -> container_v1.Operation:
    return gke.set_node_pool_size(request=container_v1.SetNodePoolSizeRequest(name=POOL, node_count=count))


def ended(gke: container_v1.ClusterManagerClient, operation: container_v1.Operation) -> container_v1.Operation:
    name = f"{PARENT}/operations/{operation.name}"
    while (found := gke.get_operation(name=name)).status.name != "DONE":
        pass
    return found


def test_the_cluster_has_its_pools_and_counts_its_nodes(gke: container_v1.ClusterManagerClient) -> None:
    cluster = gke.get_cluster(name=CLUSTER)
    assert (cluster.status.name, cluster.current_node_count) == ("RUNNING", 2)
    assert [pool.name for pool in cluster.node_pools] == ["default-pool", "gpu-pool", "gpu-ci-pool"]
    assert gke.get_node_pool(name=POOL).config.accelerators[0].accelerator_type == "nvidia-tesla-t4"


def test_a_second_operation_is_refused_while_one_is_at_work(
    gke: container_v1.ClusterManagerClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as still:
        still.setattr("deployments.sandbox.services.container_service.now", lambda: 0.0)
        first = resize(gke, 2)
        assert first.status.name == "RUNNING"
        with pytest.raises(FailedPrecondition, match="incompatible operation"):
            resize(gke, 3)
    assert ended(gke, first).status.name == "DONE"
    assert len(sandbox.cluster.pools.of("gpu-pool")) == 2
    assert [one.name for one in gke.list_operations(parent=PARENT).operations] == [first.name]


def test_an_operation_that_finds_no_capacity_ends_with_an_error(
    gke: container_v1.ClusterManagerClient, sandbox: Sandbox
) -> None:
    sandbox.cluster.change_pool("gpu-pool", fault="stock_out")
    done = ended(gke, resize(gke, 3))
    assert (done.error.code, done.error.message) == (8, "ZONE_RESOURCE_POOL_EXHAUSTED")
    assert gke.get_node_pool(name=POOL).conditions[0].code.name == "GCE_STOCKOUT"


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda gke: gke.get_cluster(name=f"{PARENT}/clusters/other"), NotFound),
        (lambda gke: gke.get_cluster(name="x"), InvalidArgument),
        (lambda gke: gke.get_node_pool(name=f"{CLUSTER}/nodePools/other"), NotFound),
        (lambda gke: gke.list_node_pools(parent="projects/other/locations/a/clusters/b"), NotFound),
        (lambda gke: gke.get_operation(name=f"{PARENT}/operations/none"), NotFound),
        (lambda gke: gke.list_operations(parent="x"), InvalidArgument),
        (lambda gke: resize(gke, -1), InvalidArgument),
        (lambda gke: resize(gke, 10**6), InvalidArgument),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_refused(
    gke: container_v1.ClusterManagerClient, call: Any, wanted: type[Exception]
) -> None:
    with pytest.raises(wanted):
        call(gke)


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "projects/sandbox-project/regions/us-central1", 200),
        ("GET", "projects/sandbox-project", 200),
        ("GET", "projects/other", 404),
        ("GET", "projects/sandbox-project/regions/mars", 404),
        ("GET", "projects/sandbox-project/zones/us-central1-a/instances", 501),
        ("POST", "projects/sandbox-project/regions/us-central1", 501),
        ("GET", "", 501),
    ],
)
def test_compute_engine_answers_quotas_and_says_what_it_has_not(
    sandbox: Sandbox, verb: str, path: str, status: int
) -> None:
    answer = requests.request(verb, f"{sandbox.endpoints.compute}/compute/v1/{path}", data=b"x", timeout=10)
    assert answer.status_code == status
    assert ("quotas" in answer.json()) is (status == 200)
    assert ("error" in answer.json()) is (status != 200)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("kubernetes/pools/gpu-pool", {"fault": "stock_out", "maximum": 3}, 200),
        ("kubernetes/pools/gpu-pool", {"fault": "magic"}, 400),
        ("kubernetes/pools/other", {}, 400),
        ("kubernetes/nodes/gke-sandbox-gpu-pool-0", {"state": "no_driver"}, 200),
        ("kubernetes/nodes/other", {"state": "ready"}, 400),
        ("quotas/NVIDIA_T4_GPUS", {"limit": 3}, 200),
        ("quotas/NVIDIA_T4_GPUS", {"limit": -3}, 400),
    ],
)
def test_the_control_interface_breaks_pools_nodes_and_quotas(
    sandbox: Sandbox, path: str, body: dict[str, object], status: int
) -> None:
    answer = requests.post(f"{sandbox.endpoints.control}/{path}", json=body, timeout=10)
    assert answer.status_code == status, answer.text
    assert ("error" in answer.json()) is (status != 200)
