"""Worlds of facts for the classifier, varied by a seed: nothing is wrong in them, though some of it may look so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from blocks.compute_quotas import QuotaInfo
from blocks.gke_capacity import ACCELERATOR, EventInfo, NamespaceQuota, NodeInfo
from blocks.gke_pods import PodInfo
from blocks.gke_switches import Work
from blocks.logs import LogLine
from blocks.node_pools import NodePoolInfo
from tasks.gpu_capacity.facts import GpuFacts, Pool

AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
KINDS = ("nvidia-tesla-t4", "nvidia-l4")
METRICS = {"nvidia-tesla-t4": "NVIDIA_T4_GPUS", "nvidia-l4": "NVIDIA_L4_GPUS"}
GPU_TAINT = ("nvidia.com/gpu", "present")


def ago(minutes: float) -> datetime:
    """So long before the look."""
    return AT - timedelta(minutes=minutes)


@dataclass
class MadeUp:
    """A cluster in which nothing is wrong: some nodes, all used or none, and things that are no sign of anything."""

    random: Random
    pools: list[Pool] = field(default_factory=list)
    waiting: list[PodInfo] = field(default_factory=list)
    running: list[PodInfo] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    events: list[EventInfo] = field(default_factory=list)
    quotas: list[NamespaceQuota] = field(default_factory=list)
    compute: list[QuotaInfo] = field(default_factory=list)
    cloud_run: list[LogLine] = field(default_factory=list)
    preflight: list[LogLine] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def facts(self) -> GpuFacts:
        """What a look would have found."""
        lists = {name: tuple(value) for name, value in vars(self).items() if isinstance(value, list)}
        lists["events"] = tuple(sorted(self.events, key=lambda one: one.at))
        return GpuFacts(at=AT, **lists)

    def number(self) -> str:
        """Part of a name."""
        return f"{self.random.randrange(10**6):06d}"

    def pod(self, minutes: float, *, selector: dict[str, str] | None = None, gpus: int = 1, waits: str = "") -> PodInfo:
        """A pod that wants a GPU and has waited for so long."""
        job = f"geniesim-gpu-scene-{self.number()}-1"
        wants = {ACCELERATOR: self.pools[0].info.accelerator} if selector is None else selector
        said = (
            waits
            or f"Unschedulable: 0/{self.random.randrange(2, 9)} nodes are available: 2 Insufficient nvidia.com/gpu."
        )
        tolerates = self.random.choice(((("nvidia.com/gpu", "*"),), (("nvidia.com/gpu", "present"),), ()))
        return PodInfo(
            f"{job}-abcde", job, "Pending", ago(minutes), said, gpus=gpus, selector=wants, tolerates=tolerates
        )

    def wait(self, pod: PodInfo, *events: tuple[str, float, str]) -> PodInfo:
        """Let it wait, with what happened to it: reason, minutes ago, message."""
        self.waiting.append(pod)
        self.work.append(Work("Job", pod.job, f"uid-{pod.job}", 0, pod.gpus, "1", active=1))
        self.events += [EventInfo(ago(minutes), "Pod", pod.name, reason, text) for reason, minutes, text in events]
        return pod

    def change(self, number: int = 0, *, nodes: tuple[NodeInfo, ...] | None = None, **info: object) -> Pool:
        """Change one pool."""
        pool = self.pools[number]
        self.pools[number] = replace(
            pool,
            info=replace(pool.info, **info),
            nodes=pool.nodes if nodes is None else nodes,  # type: ignore[arg-type]
        )
        return self.pools[number]


def node(pool: str, number: int, **fields: object) -> NodeInfo:
    """A node that has been well for hours."""
    fine = NodeInfo(f"gke-{pool}-{number}", pool, True, ago(300), ago(301), 1, taints=(GPU_TAINT,))
    return replace(fine, **fields)  # type: ignore[arg-type]


def healthy(seed: int) -> MadeUp:
    """A cluster where nothing is wrong; half of them are at zero."""
    random = Random(seed)
    made = MadeUp(random)
    for index in range(random.randrange(1, 3)):
        kind = KINDS[index]
        name = ("gpu-pool", "gpu-pool-l4")[index]
        most = random.randrange(3, 11)
        count = random.choice((0, 1, most - 1, most)) if index == 0 else random.randrange(0, most)
        labels = (("node_type", "gpu"),)
        info = NodePoolInfo(
            name,
            "n1-standard-8",
            ("us-central1-a",),
            kind,
            1,
            True,
            0,
            most,
            False,
            "RUNNING",
            (),
            labels,
            (GPU_TAINT,),
        )
        nodes = tuple(node(name, number, labels={"node_type": "gpu", ACCELERATOR: kind}) for number in range(count))
        made.pools.append(Pool(info, nodes, METRICS[kind], "us-central1"))
        made.running += [replace(made.pod(60), phase="Running", node=one.name, waits="") for one in nodes]
        left = random.choice((0, 3, 40))
        made.compute.append(QuotaInfo(METRICS[kind], "us-central1", count + left, count))
    gpus = len(made.running)
    made.quotas = [NamespaceQuota("blueprint-quota", "requests.nvidia.com/gpu", gpus, gpus + random.choice((0, 4)))]
    made.quotas.append(NamespaceQuota("blueprint-quota", "count/jobs.batch", 10, 10))
    return made


def noise(made: MadeUp) -> None:
    """Things that look like a shortage and are none."""
    random, name = made.random, made.pools[0].name
    ran = f"geniesim-gpu-old-{made.number()}"
    message = "Node scale up in zones us-central1-a associated with this pod failed: GCE out of resources."
    choices: list[Callable[[], object]] = [
        lambda: made.wait(made.pod(random.uniform(0, 1.9))),
        lambda: made.wait(made.pod(8), ("TriggeredScaleUp", 7, f"pod triggered scale-up: [{{{name} 1->2 (max: 9)}}]")),
        lambda: made.wait(made.pod(20), ("FailedScaleUp", 15, message), ("TriggeredScaleUp", 3, "pod triggered scale-up")),
        lambda: made.events.append(EventInfo(ago(50), "Pod", f"{ran}-gone1", "FailedScaleUp", message)),
        lambda: made.events.append(EventInfo(ago(9), "Pod", f"{ran}-gone2", "NotTriggerScaleUp", "1 max node group size reached")),
        lambda: made.events.append(
            EventInfo(ago(5), "Job", f"{ran}", "FailedCreate", "exceeded quota: blueprint-quota, requested: count/jobs.batch=1")
        ),
        lambda: made.change(nodes=(*made.pools[0].nodes, node(name, 98, ready=False, created=ago(6), since=ago(6), gpus=0))),
        lambda: made.change(nodes=(*made.pools[0].nodes, node(name, 99, cordoned=True, ready=False, since=ago(90)))),
        lambda: made.work.append(Work("Job", "dwm-preparation-1", "u", 1, 1, "1")),
        lambda: made.cloud_run.append(LogLine(ago(45), "ERROR", "x", "cloud_run_revision", "GPU quota exceeded")),
    ]  # fmt: skip
    for choice in random.sample(choices, random.randrange(0, 4)):
        choice()
