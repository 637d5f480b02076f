"""GKE: the one cluster with its node pools, their bounds and sizes, and the operations that change them.

Left out: creating, deleting, upgrading and everything else of a cluster.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud import container_v1

from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.cluster.node_pools import NodePool
from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found, split_name

CLUSTER, ZONE = "blueprint-cluster", "us-central1-a"
MOST_NODES = 1000
"""Of a pool (Google: "Quotas and limits" of GKE)."""
OPERATION_SECONDS = 0.02
"""How long an operation takes here."""
now = time.monotonic
"""The clock of the operations."""
_Status: Any = container_v1.Operation.Status
_Type: Any = container_v1.Operation.Type
_Code: Any = container_v1.StatusCondition.Code


@dataclass
class _Change:
    """One operation: its message, when it is over, and what keeps it from succeeding."""

    message: container_v1.Operation
    ends: float
    error: str = ""


class ContainerService:
    """The gRPC service of GKE."""

    def __init__(self, cluster: Cluster) -> None:
        """The pools are those of `cluster`."""
        self._cluster = cluster
        self._lock = threading.Lock()
        self._changes: dict[str, _Change] = {}
        self._numbers = itertools.count(1)

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service, whose faults and counts go by `container`."""
        methods: Methods = {
            "GetCluster": (container_v1.GetClusterRequest, self._get_cluster),
            "ListNodePools": (container_v1.ListNodePoolsRequest, self._list_pools),
            "GetNodePool": (container_v1.GetNodePoolRequest, lambda request: self._shown(self._pool(request.name))),
            "SetNodePoolAutoscaling": (container_v1.SetNodePoolAutoscalingRequest, self._set_bounds),
            "SetNodePoolSize": (container_v1.SetNodePoolSizeRequest, self._set_size),
            "GetOperation": (container_v1.GetOperationRequest, self._get_operation),
            "ListOperations": (container_v1.ListOperationsRequest, self._list_operations),
        }
        return [wire.service("google.container.v1.ClusterManager", "container", methods)]

    def _get_cluster(self, request: container_v1.GetClusterRequest) -> container_v1.Cluster:
        self._check(request.name)
        pools = [self._shown(pool) for pool in self._cluster.pools.pools.values()]
        count = sum(len(self._cluster.pools.of(pool.name)) for pool in pools)
        return container_v1.Cluster(
            name=CLUSTER, location=ZONE, locations=[ZONE], status=container_v1.Cluster.Status.RUNNING,
            current_node_count=count, node_pools=pools,
        )  # fmt: skip

    def _list_pools(self, request: container_v1.ListNodePoolsRequest) -> container_v1.ListNodePoolsResponse:
        self._check(request.parent)
        pools = [self._shown(pool) for pool in self._cluster.pools.pools.values()]
        return container_v1.ListNodePoolsResponse(node_pools=pools)

    def _set_bounds(self, request: container_v1.SetNodePoolAutoscalingRequest) -> container_v1.Operation:
        pool, wanted = self._pool(request.name), request.autoscaling
        if not 0 <= wanted.min_node_count <= wanted.max_node_count <= MOST_NODES:
            raise invalid(
                f"autoscaling: min_node_count {wanted.min_node_count} and max_node_count {wanted.max_node_count} must be "
                f"ordered, and between 0 and {MOST_NODES}."
            )

        def change() -> str:
            pool.autoscaling = wanted.enabled
            pool.minimum, pool.maximum = wanted.min_node_count, wanted.max_node_count
            return ""

        return self._begin(_Type.UPDATE_CLUSTER, request.name, change)

    def _set_size(self, request: container_v1.SetNodePoolSizeRequest) -> container_v1.Operation:
        pool = self._pool(request.name)
        if not 0 <= request.node_count <= MOST_NODES:
            raise invalid(f"node_count: must be between 0 and {MOST_NODES}.")

        def change() -> str:
            return self._cluster.pools.resize(pool, request.node_count)

        return self._begin(_Type.SET_NODE_POOL_SIZE, request.name, change)

    def _begin(self, kind: Any, target: str, change: Callable[[], str]) -> container_v1.Operation:
        """Let a change take effect. Google: only one operation at a time works on a cluster."""
        with self._lock:
            for known in self._changes.values():
                if known.ends > now():
                    message = f"Cluster is running incompatible operation {known.message.name}."
                    raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)
            name = f"operation-{next(self._numbers)}"
            message = container_v1.Operation(
                name=name, operation_type=kind, location=ZONE, zone=ZONE, status=_Status.RUNNING,
                target_link=f"https://container.googleapis.com/v1/{target}",
            )  # fmt: skip
            with self._cluster.objects.lock:
                error = change()
            self._changes[name] = _Change(message, now() + OPERATION_SECONDS, error)
        self._cluster.followed()
        return message

    def _get_operation(self, request: container_v1.GetOperationRequest) -> container_v1.Operation:
        project, place, name = split_name(request.name, "projects/*/locations/*/operations/*")
        with self._lock:
            found = self._changes.get(name)
        if found is None or (project, place) != (PROJECT, ZONE):
            raise not_found(request.name)
        return _stands(found)

    def _list_operations(self, request: container_v1.ListOperationsRequest) -> container_v1.ListOperationsResponse:
        project, place = split_name(request.parent, "projects/*/locations/*")
        with self._lock:
            found = list(self._changes.values()) if (project, place) in ((PROJECT, ZONE), (PROJECT, "-")) else []
        return container_v1.ListOperationsResponse(operations=[_stands(one) for one in found])

    def _check(self, name: str) -> None:
        if split_name(name, "projects/*/locations/*/clusters/*") != (PROJECT, ZONE, CLUSTER):
            raise not_found(name)

    def _pool(self, name: str) -> NodePool:
        *cluster, pool = split_name(name, "projects/*/locations/*/clusters/*/nodePools/*")
        found = self._cluster.pools.pools.get(pool)
        if tuple(cluster) != (PROJECT, ZONE, CLUSTER) or found is None:
            raise not_found(name)
        return found

    def _shown(self, pool: NodePool) -> container_v1.NodePool:
        gpu = [container_v1.AcceleratorConfig(accelerator_count=pool.per_node, accelerator_type=pool.accelerator)]
        node = self._cluster.pools.node("", pool)
        taints = [
            container_v1.NodeTaint(key=one["key"], value=one["value"], effect="NO_SCHEDULE")
            for one in node["spec"].get("taints") or []
        ]
        config = container_v1.NodeConfig(
            machine_type=pool.machine, accelerators=gpu if pool.per_node else [], taints=taints,
            labels={"node_type": node["metadata"]["labels"].get("node_type", "cpu")},
        )  # fmt: skip
        bounds = container_v1.NodePoolAutoscaling(enabled=pool.autoscaling)
        if pool.autoscaling:
            bounds.min_node_count, bounds.max_node_count = pool.minimum, pool.maximum
        shown = container_v1.NodePool(
            name=pool.name, config=config, autoscaling=bounds, locations=[pool.zone],
            status=container_v1.NodePool.Status.RUNNING, initial_node_count=pool.minimum,
        )  # fmt: skip
        if pool.condition:
            said = f"{pool.zone}: {pool.condition}"
            shown.conditions = [container_v1.StatusCondition(code=_Code[pool.condition], message=said)]
        return shown


def _stands(change: _Change) -> container_v1.Operation:
    """How an operation stands now."""
    if change.ends > now():
        return change.message
    done = container_v1.Operation(change.message)
    done.status = _Status.DONE
    if change.error:
        done.error = {"code": grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], "message": change.error}
        done.status_message = change.error
    return done
