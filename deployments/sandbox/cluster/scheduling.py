"""Pods that want GPUs: which node takes one, what the autoscaler does when none can, and what both say of it.

Only GPUs, node selectors and taints are weighed. Pods that want no GPU always find room. The words are those of
Kubernetes' scheduler, of its autoscaler (`kubernetes/autoscaler`) and of GKE.
"""

from __future__ import annotations

import copy
from collections import Counter

from deployments.sandbox.cluster.errors import Json
from deployments.sandbox.cluster.node_pools import GPU, NodePool, NodePools, condition_of
from deployments.sandbox.cluster.objects import Objects
from deployments.sandbox.cluster.pods import new_event, pod_status

NO_MATCH = "node(s) didn't match Pod's node affinity/selector"
AUTOSCALER = "cluster-autoscaler"
_OUT = {
    "ZONE_RESOURCE_POOL_EXHAUSTED": "GCE out of resources",
    "QUOTA_EXCEEDED": "GCE quota exceeded",
    "INTERNAL_ERROR": "Internal error",
}


def gpus(spec: Json) -> int:
    """How many GPUs the containers of a pod ask for together."""
    asked = 0
    for container in spec.get("containers") or []:
        resources = container.get("resources") or {}
        limits = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        text = str(limits.get(GPU, "0"))
        asked += int(text) if text.isdecimal() else 0
    return asked


class Scheduler:
    """Gives pods their nodes, and asks for nodes."""

    def __init__(self, objects: Objects, pools: NodePools) -> None:
        """Pods of `held` stay pending whatever there is: a test said so."""
        self._objects, self._pools = objects, pools
        self.held: set[str] = set()

    def place(self, pod: Json) -> Json:
        """The pod with its node and status; a copy. What is said of it is put among the events."""
        pod = copy.deepcopy(pod)
        wanted = gpus(pod["spec"])
        if not wanted:
            return pod | {"status": pod_status(pod, "Running")}
        node = self._room(pod, wanted) or self._grown(pod, wanted)
        if node is not None:
            pod["spec"]["nodeName"] = node["metadata"]["name"]
            return pod | {"status": pod_status(pod, "Running")}
        said = self._said(pod)
        self._objects.put("events", new_event(pod, "FailedScheduling", said))
        return pod | {"status": pod_status(pod, "Pending", said)}

    def settle(self) -> list[Json]:
        """Try again for every pod that waits for a GPU; and pods whose node is gone wait again. Those that changed."""
        nodes = {one["metadata"]["name"] for one in self._objects.all("nodes")}
        changed = []
        for pod in self._objects.all("pods"):
            phase = phase_of(pod)
            lost = phase == "Running" and gpus(pod["spec"]) and pod["spec"].get("nodeName") not in nodes
            waits = phase == "Pending" and gpus(pod["spec"]) and pod["metadata"]["uid"] not in self.held
            if not (lost or waits):
                continue
            free = copy.deepcopy(pod)
            free["spec"].pop("nodeName", None)
            placed = self.place(free)
            if phase_of(placed) != phase:
                changed.append(self._objects.put("pods", placed))
        return changed

    def _room(self, pod: Json, wanted: int) -> Json | None:
        return next((one for one in self._objects.all("nodes") if fits(pod, one) and self._free(one) >= wanted), None)

    def _free(self, node: Json) -> int:
        """GPUs of a node that nobody uses; a node that is not ready or is cordoned has none."""
        status = node.get("status") or {}
        conditions = status.get("conditions") or []
        ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
        if not ready or (node.get("spec") or {}).get("unschedulable"):
            return 0
        there = str((status.get("allocatable") or {}).get(GPU, "0"))
        return (int(there) if there.isdecimal() else 0) - self._used(node["metadata"]["name"])

    def _used(self, node: str) -> int:
        pods = self._objects.all("pods")
        return sum(gpus(one["spec"]) for one in pods if one["spec"].get("nodeName") == node and _runs(one))

    def _grown(self, pod: Json, wanted: int) -> Json | None:
        """A new node for the pod. None when there is none, which the pod is told."""
        fitting = [one for one in self._pools.pools.values() if one.per_node >= wanted and self._fits_pool(pod, one)]
        skipped = Counter({NO_MATCH: sum(one.autoscaling for one in self._pools.pools.values()) - len(fitting)})
        for pool in fitting:
            if not pool.autoscaling or len(self._pools.of(pool.name)) >= pool.maximum:
                skipped["max node group size reached"] += 1
                continue
            if why := self._pools.refuses(pool):
                pool.condition = condition_of(why)
                self._failed(pod, pool, why)
                skipped["in backoff after failed scale-up"] += 1
                continue
            size = len(self._pools.of(pool.name))
            said = f"pod triggered scale-up: [{{{pool.name} {size}->{size + 1} (max: {pool.maximum})}}]"
            self._objects.put("events", new_event(pod, "TriggeredScaleUp", said, AUTOSCALER))
            return None if pool.fault == "never" else self._pools.add(pool)
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()) if count > 0)
        if "in backoff after failed scale-up" not in skipped:
            said = f"pod didn't trigger scale-up: {reasons}"
            self._objects.put("events", new_event(pod, "NotTriggerScaleUp", said, AUTOSCALER))
        return None

    def _failed(self, pod: Json, pool: NodePool, why: str) -> None:
        """Tell the pod that the scale-up failed."""
        words = _OUT[why.partition(":")[0]]
        said = f"Node scale up in zones {pool.zone} associated with this pod failed: {words}. Pod is at risk of not being scheduled."
        self._objects.put("events", new_event(pod, "FailedScaleUp", said, AUTOSCALER))

    def _fits_pool(self, pod: Json, pool: NodePool) -> bool:
        return fits(pod, self._pools.node("", pool))

    def _said(self, pod: Json) -> str:
        nodes = self._objects.all("nodes")
        reasons = Counter(f"Insufficient {GPU}" if fits(pod, one) else NO_MATCH for one in nodes)
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        return f"0/{len(nodes)} nodes are available: {counted or 'no nodes'}."


def fits(pod: Json, node: Json) -> bool:
    """Whether the node selector chooses the node and every taint is tolerated.

    GKE itself lets whoever asks for GPUs tolerate the taint of GPUs ("Run GPUs in GKE Standard node pools").
    """
    labels = node["metadata"].get("labels") or {}
    selector = pod["spec"].get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    if (
        GPU not in ((node.get("status") or {}).get("capacity") or {})
        and "cloud.google.com/gke-accelerator" not in labels
    ):
        return False
    tolerations = pod["spec"].get("tolerations") or []
    taints = (node.get("spec") or {}).get("taints") or []
    return all(one.get("key") == GPU or any(_tolerates(two, one) for two in tolerations) for one in taints)


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return (toleration.get("key"), toleration.get("value") or "") == (taint.get("key"), taint.get("value") or "")


def _runs(pod: Json) -> bool:
    return phase_of(pod) == "Running"


def phase_of(pod: Json) -> str:
    """Pending, Running, Succeeded or Failed; empty when whoever has changed its status left that out."""
    return str((pod.get("status") or {}).get("phase", ""))
