"""Node pools with their bounds, the GPUs of the project's quotas, and nodes that come, go and break.

A node takes no time to come here, unless the pool's fault keeps it away. Scaling down an idle pool is left out.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from deployments.sandbox.cluster.errors import Json
from deployments.sandbox.cluster.objects import Objects, now
from deployments.sandbox.cluster.pods import CPU_NODE, GPU_NODE, new_node

PoolFault = Literal["", "stock_out", "never", "internal"]
NodeState = Literal["ready", "not_ready", "no_driver"]
NODE_STATES: tuple[str, ...] = get_args(NodeState)
POOL_LABEL = "cloud.google.com/gke-nodepool"
GPU = "nvidia.com/gpu"


@dataclass
class NodePool:
    """One pool. A pool without an accelerator is one of plain machines."""

    name: str
    machine: str
    cpus: int
    accelerator: str = ""
    per_node: int = 0
    zone: str = "us-central1-a"
    minimum: int = 0
    maximum: int = 10
    autoscaling: bool = True
    taint: str = ""
    """Key=value of a taint beside that of GPUs."""
    fault: PoolFault = ""
    """Why no node comes though one is wanted: the zone has none, it just never comes, or Compute Engine fails."""
    condition: str = ""
    """What the pool says of itself after a node could not be made: a code of GKE's `StatusCondition`."""

    @property
    def region(self) -> str:
        """The region of its zone."""
        return self.zone.rpartition("-")[0]

    @property
    def metric(self) -> str:
        """The quota of Compute Engine that its GPUs count for, as in `NVIDIA_T4_GPUS`."""
        return f"NVIDIA_{self.accelerator.removeprefix('nvidia-tesla-').removeprefix('nvidia-').upper()}_GPUS"


def shipped_pools() -> dict[str, NodePool]:
    """The pipeline's pools, as its Terraform makes them; the plain one is called default-pool here."""
    pools = (
        NodePool("default-pool", "e2-standard-4", 4, minimum=1),
        NodePool("gpu-pool", "n1-standard-8", 8, "nvidia-tesla-t4", 1),
        NodePool("gpu-ci-pool", "n1-standard-8", 8, "nvidia-tesla-t4", 1, maximum=2, taint="github-actions=ci"),
    )
    return {pool.name: pool for pool in pools}


class NodePools:
    """The pools of the one cluster, and the nodes in them."""

    def __init__(self, objects: Objects) -> None:
        """The shipped pools; `nodes` gives the two nodes that are there at first."""
        self._objects = objects
        self.pools = shipped_pools()
        self.limits: dict[tuple[str, str], float] = {}
        """Quotas of Compute Engine by region and metric; one that is not named is 16 GPUs. Region '' is the project."""
        self._number = 0

    def nodes(self) -> Iterator[Json]:
        """The nodes that are there at first: one of the default pool, one with a GPU."""
        yield self.node(CPU_NODE, self.pools["default-pool"])
        yield self.node(GPU_NODE, self.pools["gpu-pool"])

    def of(self, pool: str) -> list[Json]:
        """The nodes of a pool, by name."""
        return [
            one for one in self._objects.all("nodes") if (one["metadata"].get("labels") or {}).get(POOL_LABEL) == pool
        ]

    def limit(self, region: str, metric: str) -> float:
        """How many GPUs of that kind the project may have there."""
        return self.limits.get((region, metric), 16.0)

    def usage(self, region: str, metric: str) -> int:
        """How many it has. The project's own metric counts those of every region."""
        kinds = [one for one in self.pools.values() if one.per_node]
        mine = [one for one in kinds if metric == "GPUS_ALL_REGIONS" or (one.region, one.metric) == (region, metric)]
        return sum(len(self.of(one.name)) * one.per_node for one in mine)

    def refuses(self, pool: NodePool) -> str:
        """Why Compute Engine makes no further node of a pool, in its own reason words; empty: it makes one."""
        if pool.per_node:
            for region, metric in ((pool.region, pool.metric), ("", "GPUS_ALL_REGIONS")):
                if self.usage(region, metric) + pool.per_node > self.limit(region, metric):
                    return f"QUOTA_EXCEEDED: Quota '{metric}' exceeded. Limit: {self.limit(region, metric):.1f}"
        words = {"stock_out": "ZONE_RESOURCE_POOL_EXHAUSTED", "internal": "INTERNAL_ERROR"}
        return words.get(pool.fault, "")

    def add(self, pool: NodePool) -> Json:
        """One node more: whatever kept the pool from it is over."""
        pool.condition = ""
        taken = {one["metadata"]["name"] for one in self.of(pool.name)}
        while (name := f"gke-sandbox-{pool.name}-{self._number}") in taken:
            self._number += 1
        return self._objects.put("nodes", admitted(self.node(name, pool)))

    def resize(self, pool: NodePool, wanted: int) -> str:
        """Add or remove nodes until there are so many. What kept it from adding one; empty: nothing did."""
        while len(self.of(pool.name)) < wanted:
            if pool.fault == "never" or (why := self.refuses(pool)):
                why = why if pool.fault != "never" else "the instance did not start in time"
                pool.condition = condition_of(why)
                return why
            self.add(pool)
        for node in self.of(pool.name)[wanted:]:
            self._objects.remove("nodes", "", node["metadata"]["name"])
        pool.condition = ""
        return ""

    def set_state(self, name: str, state: NodeState) -> None:
        """Let a node be ready, not ready, or ready without the driver of its GPU. Raises LookupError."""
        node = self._objects.find("nodes", "", name)
        if node is None:
            raise LookupError(f"There is no node '{name}'.")
        node = copy.deepcopy(node)
        status, labels = node.setdefault("status", {}), node["metadata"].get("labels") or {}
        pool = self.pools.get(labels.get(POOL_LABEL, ""))
        room = {**(status.get("capacity") or {})} | (
            {GPU: str(pool.per_node)} if pool is not None and pool.per_node else {}
        )
        usable = {key: value for key, value in room.items() if key != GPU or state != "no_driver"}
        ready = state != "not_ready"
        word, why = ("True", "KubeletReady") if ready else ("Unknown", "NodeStatusUnknown")
        said = "kubelet is posting ready status" if ready else "Kubelet stopped posting node status."
        times = {"lastHeartbeatTime": now(), "lastTransitionTime": now()}
        status |= {"capacity": room if state != "no_driver" else usable, "allocatable": usable}
        status["conditions"] = [{"type": "Ready", "status": word, "reason": why, "message": said} | times]
        self._objects.put("nodes", node)

    def node(self, name: str, pool: NodePool) -> Json:
        """A node as the pool makes them."""
        node = new_node(name, pool.name, pool.machine, pool.cpus, pool.zone, pool.accelerator, pool.per_node)
        if pool.taint:
            key, _, value = pool.taint.partition("=")
            node["metadata"]["labels"]["node_type"] = "gpu-ci"
            node["spec"].setdefault("taints", []).append({"key": key, "value": value, "effect": "NoSchedule"})
        return node


def admitted(node: Json) -> Json:
    """A node with what an API server gives it."""
    meta = {"uid": str(uuid.uuid4()), "creationTimestamp": now(), "generation": 1}
    return node | {"metadata": node["metadata"] | meta}


def condition_of(why: str) -> str:
    """GKE's code for a reason of Compute Engine's."""
    return {"QUOTA_EXCEEDED": "GCE_QUOTA_EXCEEDED", "ZONE_RESOURCE_POOL_EXHAUSTED": "GCE_STOCKOUT"}.get(
        why.partition(":")[0], "UNKNOWN"
    )
