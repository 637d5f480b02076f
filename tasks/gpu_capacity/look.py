"""Looking at the GPUs: cluster, node pools, quotas and log at the same time. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from blocks.gke_capacity import NodeInfo
from blocks.gke_switches import Work, WorkKind
from blocks.logs import LogLine
from blocks.node_pools import NodePoolInfo
from tasks.gpu_capacity.facts import GpuFacts, Pool
from tasks.pipeline.at_once import at_once

SECONDS = 60.0
"""How long all looks may take together."""
LOG_MINUTES = 60.0
"""How far back the log is read: as long as a cluster keeps its events."""
REASONS = ("FailedScaleUp", "NotTriggerScaleUp", "TriggeredScaleUp", "FailedCreate")
"""Events that say why nothing runs (kubernetes/autoscaler; the Job controller)."""
CLOUD_RUN = (
    '(resource.type="cloud_run_job" OR resource.type="cloud_run_revision") AND severity>=ERROR AND '
    '("GPU" AND ("quota" OR "RESOURCE_EXHAUSTED"))'
)


def look_at_gpus(environment: PipelineEnvironment, at: datetime | None = None) -> GpuFacts:
    """What is known of the GPUs now. What cannot be asked is named in `unseen`; nothing is raised for it.

    `at`: the moment of the look, for whoever compares two.
    """
    load_libraries()  # before the threads, which would do it in each other's way
    at = at or datetime.now(UTC)
    found: dict[str, Any] = {}
    looks = {**(cluster_looks(environment) if environment.cluster.enabled else {}), **log_looks(environment, at)}
    unseen = gathered(looks, found)
    if environment.cluster.enabled and (found.get("waiting") or blocked(found)):
        regions = sorted({pool.region for pool in environment.catalogue.gpu.pools.values()})
        quotas = {f"quotas of {region}": region for region in regions}
        unseen += gathered({name: asking(environment.quotas.gpus, region) for name, region in quotas.items()}, found)
        found["compute"] = [quota for name in quotas for quota in found.get(name, ())]
    placed = [pod for pod in found.get("waiting", ()) if pod.node]  # it pulls its image, and has its GPU already
    pools, missing = pools_of(environment, found.get("pools", ()), found.get("nodes", ()))
    return GpuFacts(
        at=at,
        pools=pools,
        missing=missing if "pools" in found else (),
        waiting=tuple(pod for pod in found.get("waiting", ()) if not pod.node),
        running=(*found.get("running", ()), *placed),
        work=tuple(wanting_gpus(found)),
        events=tuple(sorted((one for name in REASONS for one in found.get(name, ())), key=lambda event: event.at)),
        quotas=tuple(found.get("namespace quotas", ())),
        compute=tuple(dict.fromkeys(found.get("compute", ()))),
        cloud_run=tuple(found.get("cloud run", ())),
        preflight=tuple(found.get("preflight", ())),
        schedulers=tuple(found.get("schedulers", ())),
        unseen=tuple(unseen),
    )


def cluster_looks(environment: PipelineEnvironment) -> dict[str, Callable[[], Any]]:
    """What is asked of the cluster and of GKE."""
    capacity, switches = environment.cluster.capacity, environment.cluster.switches
    kinds: tuple[WorkKind, ...] = ("Job", "CronJob", "Deployment")
    return {
        "pools": environment.node_pools.list,
        "nodes": capacity.nodes,
        "waiting": asking(capacity.pods, "Pending"),
        "running": asking(capacity.pods, "Running"),
        "namespace quotas": capacity.quotas,
        "schedulers": environment.schedulers.list,
        **{kind: asking(switches.list, kind) for kind in kinds},
        **{reason: asking(capacity.events, reason) for reason in REASONS},
    }


def log_looks(environment: PipelineEnvironment, at: datetime) -> dict[str, Callable[[], Any]]:
    """What is asked of the log."""
    since = at - timedelta(minutes=LOG_MINUTES)
    words = (*environment.catalogue.gpu.preflight, "exceeded quota")
    said = " OR ".join(f'"{one}"' for one in words)

    def newest(query: str) -> list[LogLine]:
        return environment.logs.newest(query, since=since, most=200)

    return {"cloud run": asking(newest, CLOUD_RUN), "preflight": asking(newest, f"({said})")}


def gathered(looks: dict[str, Callable[[], Any]], found: dict[str, Any]) -> list[str]:
    """Do them at the same time and keep what they find; what could not be asked, one sentence each."""

    def keep(name: str, look: Callable[[], Any]) -> None:
        found[name] = look()

    ends = at_once([asking(keep, name, look) for name, look in looks.items()], SECONDS)
    return [end.problem for end in ends if end.problem]


def asking(call: Callable[..., Any], *words: Any) -> Callable[[], Any]:
    """The call with its words, for later."""
    return lambda: call(*words)


def pools_of(
    environment: PipelineEnvironment, infos: Iterable[NodePoolInfo], nodes: Iterable[NodeInfo]
) -> tuple[tuple[Pool, ...], tuple[str, ...]]:
    """The catalogue's pools that are there, with their nodes, and the names of those that are not."""
    known, there, every = environment.catalogue.gpu.pools, {info.name: info for info in infos}, list(nodes)
    pools = tuple(
        Pool(
            there[name],
            tuple(node for node in every if node.pool == name),
            rule.metric,
            rule.region,
            rule.stands_in_for,
        )
        for name, rule in known.items()
        if name in there
    )
    return pools, tuple(name for name in known if name not in there)


def wanting_gpus(found: dict[str, Any]) -> list[Work]:
    """What can be turned off and would give GPUs."""
    every: list[Work] = [work for kind in ("Job", "CronJob", "Deployment") for work in found.get(kind, ())]
    return [work for work in every if work.gpus and not work.ended]


def blocked(found: dict[str, Any]) -> bool:
    """Whether a Job gets no pod."""
    return bool(found.get("FailedCreate"))
