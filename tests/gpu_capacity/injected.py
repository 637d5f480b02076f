"""What each shortage looks like, in several ways, put into a world where nothing was wrong."""

from __future__ import annotations

from collections.abc import Callable

from blocks.compute_quotas import QuotaInfo
from blocks.gke_capacity import ACCELERATOR, EventInfo, NamespaceQuota
from blocks.gke_switches import Work
from blocks.logs import LogLine
from tasks.gpu_capacity.classes import Shortage
from tests.gpu_capacity.made_up import MadeUp, ago, node


def stocked_out(made: MadeUp) -> None:
    """The autoscaler, or the pool itself, says that the zone has none."""
    made.change(maximum=50)
    if made.random.random() < 0.7:
        words = made.random.choice(("GCE out of resources", "OutOfResource.ZONE_RESOURCE_POOL_EXHAUSTED"))
        text = f"Node scale up in zones us-central1-a associated with this pod failed: {words}. Pod is at risk."
        events = [("TriggeredScaleUp", 12.0, "pod triggered scale-up"), ("FailedScaleUp", 6.0, text)]
        made.wait(made.pod(13), *events[made.random.randrange(2) :])
    else:
        made.compute = []
        made.change(conditions=(("GCE_STOCKOUT", "the zone us-central1-a has no n1-standard-8 with nvidia-tesla-t4"),))
        made.wait(made.pod(30))


def compute_quota(made: MadeUp) -> None:
    """The autoscaler, the pool, or the figures alone say so."""
    pool = made.change(maximum=50)
    used = len(pool.nodes)
    made.compute = [QuotaInfo(pool.metric, "us-central1", used, used), QuotaInfo("GPUS_ALL_REGIONS", "", 64, used)]
    way = made.random.randrange(3)
    text = "Node scale up in zones us-central1-a associated with this pod failed: GCE quota exceeded. Pod is at risk."
    if way == 1:
        made.change(conditions=(("GCE_QUOTA_EXCEEDED", "Quota 'NVIDIA_T4_GPUS' exceeded"),))
    made.wait(made.pod(11), *([("FailedScaleUp", 3.0, text)] if way == 0 else []))


def namespace_quota(made: MadeUp) -> None:
    """A Job without a pod, which the quota refuses."""
    what = made.random.choice(("requests.nvidia.com/gpu", "pods"))
    hard = made.random.randrange(1, 21)
    made.quotas = [NamespaceQuota("blueprint-quota", what, hard, hard)]
    job = f"episode-gen-scene-{made.number()}-1"
    text = f'Error creating: pods "{job}-x" is forbidden: exceeded quota: blueprint-quota, requested: {what}=1, used: {what}={hard}'
    if made.random.random() < 0.7:
        made.work.append(Work("Job", job, "u1", 0, 1, "1", active=0))
        made.events.append(EventInfo(ago(4), "Job", job, "FailedCreate", text))
    else:
        made.preflight.append(LogLine(ago(9), "ERROR", "cloudbuild", "build", text))


def pool_at_maximum(made: MadeUp) -> None:
    """Every pool that fits has all the nodes it may have, and all are busy."""
    pool = made.pools[0]
    count = made.random.randrange(1, 6)
    nodes = tuple(node(pool.name, number, labels={"node_type": "gpu"}) for number in range(count))
    made.change(nodes=nodes, maximum=count, autoscaling=made.random.random() < 0.8)
    text = "pod didn't trigger scale-up: 1 max node group size reached, 3 node(s) didn't match Pod's node affinity/selector"
    made.wait(made.pod(25), *([("NotTriggerScaleUp", 1.0, text)] if made.random.random() < 0.7 else []))


def node_broken(made: MadeUp) -> None:
    """A node is not ready or has no driver, and the pool cannot make another one."""
    pool = made.pools[0]
    ill = made.random.choice(
        ({"ready": False, "why": "NodeStatusUnknown: Kubelet stopped posting node status."}, {"gpus": 0})
    )
    fine = tuple(node(pool.name, number) for number in range(made.random.randrange(0, 3)))
    made.change(
        nodes=(*fine, node(pool.name, 7, since=ago(40), **ill)), maximum=len(fine) + made.random.randrange(1, 3)
    )
    made.wait(made.pod(12))


def unschedulable(made: MadeUp) -> None:
    """A label that no pool has, too many GPUs, memory, or a volume of another zone."""
    made.change(maximum=50)
    way = made.random.randrange(4)
    if way == 0:
        made.wait(made.pod(10, selector={ACCELERATOR: "nvidia-h100-80gb"}))
    elif way == 1:
        made.wait(made.pod(10, gpus=8))
    elif way == 2:
        text = "pod didn't trigger scale-up: 1 Insufficient memory, 2 node(s) didn't match Pod's node affinity/selector"
        made.wait(made.pod(10), ("NotTriggerScaleUp", 2.0, text))
    else:
        made.change(nodes=(node(made.pools[0].name, 0),))
        made.wait(
            made.pod(10, waits="Unschedulable: 0/4 nodes are available: 1 node(s) had volume node affinity conflict.")
        )


def cloud_run_quota(made: MadeUp) -> None:
    """What Cloud Run has logged."""
    kind = made.random.choice(("cloud_run_job", "cloud_run_revision"))
    text = made.random.choice(
        (
            "RESOURCE_EXHAUSTED: GPU quota exceeded",
            "Quota exceeded for total allowable count of GPUs per project per region.",
        )
    )
    made.cloud_run.append(
        LogLine(ago(made.random.uniform(1, 25)), "ERROR", "x", kind, text, {"service_name": "particulate-service"})
    )


def unknown(made: MadeUp) -> None:
    """It waits for long, and nobody says why: a scale-up that never comes, an internal error."""
    made.change(maximum=50)
    made.compute = []
    way = made.random.randrange(3)
    events = [
        [("TriggeredScaleUp", 40.0, "pod triggered scale-up: [{gpu-pool 1->2 (max: 50)}]")],
        [
            (
                "FailedScaleUp",
                20.0,
                "Node scale up in zones us-central1-a associated with this pod failed: Internal error.",
            )
        ],
        [],
    ][way]
    made.wait(made.pod(45), *events)


def scaled_to_zero(made: MadeUp) -> None:
    """No node, nothing waits; sometimes a build has looked for a node."""
    for number in range(len(made.pools)):
        made.change(number, nodes=())
    made.running, made.waiting = [], []
    if made.random.random() < 0.5:
        text = "ERROR: No GPU nodes found with accelerator label nvidia-tesla-t4"
        made.preflight.append(LogLine(ago(5), "ERROR", "cloudbuild", "build", text))


INJECTED: dict[Shortage, Callable[[MadeUp], None]] = {
    "stocked_out": stocked_out,
    "compute_quota": compute_quota,
    "namespace_quota": namespace_quota,
    "pool_at_maximum": pool_at_maximum,
    "node_broken": node_broken,
    "unschedulable": unschedulable,
    "cloud_run_quota": cloud_run_quota,
    "unknown": unknown,
    "scaled_to_zero": scaled_to_zero,
}
