"""What the cluster has and lacks for pods that want GPUs: nodes, pods, events and quotas, as plain data. It is only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from blocks.calls import Call, CallLimits, read
from blocks.gke_pods import GPU, PodInfo, pod_from

if TYPE_CHECKING:
    from kubernetes import client as kubernetes

_PAGE = 500
POOL = "cloud.google.com/gke-nodepool"
"""The label by which GKE says of which pool a node is."""
ACCELERATOR = "cloud.google.com/gke-accelerator"


@dataclass(frozen=True)
class NodeInfo:
    """One node with an accelerator."""

    name: str
    pool: str
    ready: bool
    since: datetime
    """Since when it is ready, or not."""
    created: datetime
    gpus: int
    """GPUs that pods can have; 0 on a GPU node means that the driver or the device plugin is not there."""
    why: str = ""
    """Why it is not ready, in the node's own words."""
    cordoned: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[tuple[str, str], ...] = ()
    """Key and value of what keeps pods away (NoSchedule, NoExecute)."""


@dataclass(frozen=True)
class EventInfo:
    """Something that happened to a pod or a Job."""

    at: datetime
    """When it was seen last."""
    kind: str
    name: str
    """Of what it happened to."""
    reason: str
    """As in `FailedScaleUp`."""
    message: str


@dataclass(frozen=True)
class NamespaceQuota:
    """One figure of a ResourceQuota."""

    name: str
    what: str
    """As in `requests.nvidia.com/gpu`."""
    used: int
    hard: int


@dataclass(frozen=True)
class Capacity:
    """What is looked at in the cluster. Made by `GkeCluster.capacity`."""

    client: Callable[[], kubernetes.ApiClient]
    namespace: str
    limits: CallLimits

    def nodes(self) -> list[NodeInfo]:
        """The nodes with an accelerator, by name."""
        call = Call("list the GPU nodes", "list on nodes", "check the cluster's address.")
        found = self._pages(call, partial(self._core().list_node, label_selector=ACCELERATOR))
        return sorted(map(_node, found), key=lambda node: node.name)

    def pods(self, phase: str) -> list[PodInfo]:
        """The pods of the namespace in that phase (Pending, Running) that want GPUs, by name."""
        call = Call(f"list the {phase.lower()} pods in namespace {self.namespace}", "list on pods")
        ask = partial(self._core().list_namespaced_pod, self.namespace, field_selector=f"status.phase={phase}")
        return sorted((pod for pod in map(pod_from, self._pages(call, ask)) if pod.gpus), key=lambda pod: pod.name)

    def events(self, reason: str) -> list[EventInfo]:
        """The events of the namespace with that reason, oldest first. A cluster keeps them for an hour."""
        call = Call(f"list the events {reason} in namespace {self.namespace}", "list on events")
        ask = partial(self._core().list_namespaced_event, self.namespace, field_selector=f"reason={reason}")
        return sorted(map(_event, self._pages(call, ask)), key=lambda event: event.at)

    def quotas(self) -> list[NamespaceQuota]:
        """Every figure of every quota of the namespace that is a whole number."""
        call = Call(f"list the quotas of namespace {self.namespace}", "list on resourcequotas")
        ask = partial(self._core().list_namespaced_resource_quota, self.namespace)
        return [figure for quota in self._pages(call, ask) for figure in _figures(quota)]

    def _core(self) -> kubernetes.CoreV1Api:
        from kubernetes import client as kubernetes

        return kubernetes.CoreV1Api(self.client())

    def _pages(self, call: Call, ask: Callable[..., Any]) -> Iterator[Any]:
        token: str | None = None
        while True:
            options: dict[str, Any] = {"_continue": token} if token else {}
            page = read(
                call, partial(ask, limit=_PAGE, _request_timeout=self.limits.call_seconds, **options), self.limits
            )
            yield from page.items
            token = page.metadata._continue
            if not token:
                return


def _node(node: Any) -> NodeInfo:
    labels = dict(node.metadata.labels or {})
    ready = next((one for one in (node.status.conditions or []) if one.type == "Ready"), None)
    created = node.metadata.creation_timestamp
    usable = str((node.status.allocatable or {}).get(GPU, "0"))
    return NodeInfo(
        name=node.metadata.name,
        pool=labels.get(POOL, ""),
        ready=ready is not None and ready.status == "True",
        since=(ready.last_transition_time if ready is not None else None) or created,
        created=created,
        gpus=int(usable) if usable.isdecimal() else 0,
        why="" if ready is None or ready.status == "True" else f"{ready.reason}: {ready.message}",
        cordoned=bool(node.spec.unschedulable),
        labels=labels,
        taints=tuple((one.key, one.value or "") for one in node.spec.taints or [] if one.effect != "PreferNoSchedule"),
    )


def _event(event: Any) -> EventInfo:
    at = event.last_timestamp or event.event_time or event.first_timestamp or event.metadata.creation_timestamp
    about = event.involved_object
    return EventInfo(
        at=at or datetime.fromtimestamp(0, UTC),
        kind=about.kind or "",
        name=about.name or "",
        reason=event.reason or "",
        message=" ".join((event.message or "").split()),
    )


def _figures(quota: Any) -> Iterator[NamespaceQuota]:
    used = (quota.status.used if quota.status else None) or {}
    for what, hard in ((quota.status.hard if quota.status else None) or {}).items():
        figures = (str(used.get(what, "0")), str(hard))
        if all(one.isdecimal() for one in figures):
            yield NamespaceQuota(quota.metadata.name, what, int(figures[0]), int(figures[1]))
