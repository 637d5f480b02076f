"""What is known of the GPUs at one moment. Nothing here is asked or judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from blocks.compute_quotas import QuotaInfo
from blocks.gke_capacity import ACCELERATOR, POOL, EventInfo, NamespaceQuota, NodeInfo
from blocks.gke_pods import GPU, PodInfo
from blocks.gke_switches import Work
from blocks.logs import LogLine
from blocks.node_pools import NodePoolInfo
from blocks.schedulers import SchedulerInfo


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of the catalogue, with its nodes."""

    info: NodePoolInfo
    nodes: tuple[NodeInfo, ...] = ()
    metric: str = ""
    region: str = ""
    stands_in_for: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.info.name

    @property
    def full(self) -> bool:
        """Whether the autoscaler may give it no further node; without autoscaling nobody but a person does."""
        return not self.info.autoscaling or len(self.nodes) >= self.info.most

    @property
    def size(self) -> str:
        """`3 of at most 10 nodes`."""
        bound = f"of at most {self.info.most} nodes" if self.info.autoscaling else "nodes, without autoscaling"
        return f"{len(self.nodes)} {bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuFacts:
    """Everything that the class of a shortage is judged by."""

    at: datetime
    pools: tuple[Pool, ...] = ()
    missing: tuple[str, ...] = ()
    """Pools of the catalogue that the cluster does not have."""
    waiting: tuple[PodInfo, ...] = ()
    """Pods that want GPUs and have no node."""
    running: tuple[PodInfo, ...] = ()
    """Pods that have GPUs."""
    work: tuple[Work, ...] = ()
    """Jobs that have not ended, CronJobs and Deployments, as far as they want GPUs."""
    events: tuple[EventInfo, ...] = ()
    """Of the autoscaler, the scheduler and the Job controller, oldest first."""
    quotas: tuple[NamespaceQuota, ...] = ()
    compute: tuple[QuotaInfo, ...] = ()
    """Asked only when something waits."""
    cloud_run: tuple[LogLine, ...] = ()
    """What Cloud Run says of its GPU quota, newest first."""
    preflight: tuple[LogLine, ...] = ()
    """What builds say that found no GPU node or were refused by a quota, newest first."""
    schedulers: tuple[SchedulerInfo, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be looked at, one sentence each: of that nothing is concluded."""

    def work_of(self, pod: PodInfo) -> Work | None:
        """The Job that a pod is of."""
        return next((one for one in self.work if one.kind == "Job" and one.name == pod.job), None)


def fits(pod: PodInfo, pool: Pool) -> bool:
    """Whether a node of the pool could take the pod: enough GPUs, the labels it wants, and every taint tolerated.

    GKE lets whoever asks for GPUs tolerate their taint by itself ("Run GPUs in GKE Standard node pools"). Memory and CPU
    are not weighed: the scheduler says so of them.
    """
    if pod.gpus > pool.info.per_node:
        return False
    labels = labels_of(pool)
    if any(labels.get(key, value) != value for key, value in pod.selector.items() if not ours(key)):
        return False
    if any(labels.get(key) != value for key, value in pod.selector.items() if ours(key)):
        return False
    return all(key == GPU or tolerates(pod, key, value) for key, value in taints_of(pool))


def ours(key: str) -> bool:
    """Whether a label is the pool's own; of the others (system, architecture) a pool without nodes says nothing."""
    return not key.startswith(
        ("kubernetes.io/", "topology.kubernetes.io/", "node.kubernetes.io/", "beta.kubernetes.io/")
    )


def labels_of(pool: Pool) -> dict[str, str]:
    """Labels of the pool's nodes."""
    seen = dict(pool.nodes[0].labels) if pool.nodes else {}
    return {**seen, **dict(pool.info.labels), ACCELERATOR: pool.info.accelerator, POOL: pool.name}


def taints_of(pool: Pool) -> tuple[tuple[str, str], ...]:
    """What keeps pods away from the pool for good; taints of a single node that is ill are no pool's."""
    return pool.info.taints


def tolerates(pod: PodInfo, key: str, value: str) -> bool:
    """Whether the pod tolerates one taint."""
    return any(one in ("", key) and two in ("*", value) for one, two in pod.tolerates)
