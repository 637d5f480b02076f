"""Which shortage it is: functions of the facts. A cluster where nothing waits is never called short of GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blocks.gke_capacity import NamespaceQuota
from blocks.gke_pods import PodInfo
from tasks.gpu_capacity.classes import SHORTAGES, Finding, Shortage
from tasks.gpu_capacity.evidence import (
    GRACE,
    PATIENCE,
    events_of,
    figures,
    illness,
    is_broken,
    newest,
    quota_left,
    quoted,
)
from tasks.gpu_capacity.facts import GpuFacts, Pool, fits
from tasks.remediation.report import listed

CLOUD_RUN_MINUTES = 30.0
"""How long a refusal of Cloud Run counts."""
_STOCK_OUT = re.compile(r"out of resources|RESOURCE_POOL_EXHAUSTED|stock-?out", re.IGNORECASE)
_QUOTA = re.compile(r"quota exceeded|QUOTA_EXCEEDED|Quota '[^']+' exceeded", re.IGNORECASE)
_AT_MOST = re.compile(r"max (node group|cluster)|max.* (size|limit) reached", re.IGNORECASE)
_BACKOFF = re.compile(r"backoff|not ready for scale-up", re.IGNORECASE)
_EXCEEDED = re.compile(r"exceeded quota: ([^,\s]+), requested: ([^=\s]+)=(\d+)")
_CONDITIONS: dict[str, Shortage] = {"GCE_STOCKOUT": "stocked_out", "GCE_QUOTA_EXCEEDED": "compute_quota"}
Reason = tuple[Shortage, str, tuple[str, ...]]
"""A class, what it is about, and the evidence."""


def classify(facts: GpuFacts) -> tuple[Finding, ...]:
    """Every shortage, in the order of the classes."""
    merged: dict[tuple[Shortage, str], Finding] = {}
    for one in (*stuck_pods(facts), *stuck_jobs(facts), *broken_nodes(facts), *outside(facts), *at_zero(facts)):
        key = (one.kind, one.what)
        if key in merged:
            old = merged[key]
            evidence = tuple(dict.fromkeys((*old.evidence, *one.evidence)))
            pods = tuple(dict.fromkeys((*old.pods, *one.pods)))
            one = Finding(one.kind, one.what, evidence, pods, old.blocks or one.blocks)
        merged[key] = one
    return tuple(sorted(merged.values(), key=lambda one: (not one.blocks, SHORTAGES.index(one.kind), one.what)))


def exhausted(findings: tuple[Finding, ...]) -> bool:
    """Whether something waits that gets no GPU by itself."""
    return any(one.blocks for one in findings)


def stuck_pods(facts: GpuFacts) -> Iterator[Finding]:
    """What each pod waits for, unless it has only just begun to wait or its node is on its way."""
    for pod in facts.waiting:
        reason = why_pod_waits(facts, pod)
        if reason is not None:
            kind, what, evidence = reason
            waits = f"Pod {pod.name} has waited for {pod.gpus} GPU since {pod.created:%H:%M} UTC."
            yield Finding(kind, what, (waits, *evidence), (pod.name,), blocks=True)


def why_pod_waits(facts: GpuFacts, pod: PodInfo) -> Reason | None:
    """The first of these that holds; None when nothing is wrong yet."""
    waited = facts.at - pod.created
    if waited < GRACE:
        return None
    if on_its_way(facts, pod):
        return None
    pools = [pool for pool in facts.pools if fits(pod, pool)]
    if not pools and facts.pools:
        return "unschedulable", f"pod {pod.name}", (misfit(pod, facts),)
    for rule in (failed_scale_up, never_fits, ill_pools, broken_pools, full_pools, used_up):
        reason = rule(facts, pod, pools)
        if reason is not None:
            return reason
    if waited < PATIENCE:
        return None
    said = pod.waits or "Neither the scheduler nor the autoscaler says why."
    return "unknown", f"pod {pod.name}", (said, *(quoted(one) for one in events_of(facts, pod.name)[-2:]))


def on_its_way(facts: GpuFacts, pod: PodInfo) -> bool:
    """Whether a node was begun for the pod lately, and has not failed since."""
    begun, failed = newest(facts, pod.name, "TriggeredScaleUp"), newest(facts, pod.name, "FailedScaleUp")
    if begun is None or facts.at - begun.at >= PATIENCE:
        return False
    return failed is None or failed.at <= begun.at


def misfit(pod: PodInfo, facts: GpuFacts) -> str:
    """Why no pool could ever take the pod."""
    wants = ", ".join(f"{key}={value}" for key, value in pod.selector.items()) or "no label"
    return (
        f"It wants {pod.gpus} GPU and {wants}; no node of {listed([pool.name for pool in facts.pools], 9)} can take it."
    )


def failed_scale_up(facts: GpuFacts, pod: PodInfo, pools: list[Pool]) -> Reason | None:
    """A node was asked for and could not be made."""
    failed = newest(facts, pod.name, "FailedScaleUp")
    if failed is None:
        return None
    about = listed([pool.name for pool in pools], 9)
    if _STOCK_OUT.search(failed.message):
        return "stocked_out", about, (quoted(failed),)
    if _QUOTA.search(failed.message):
        return "compute_quota", about, (quoted(failed), *figures(facts, pools))
    return None


def never_fits(facts: GpuFacts, pod: PodInfo, pools: list[Pool]) -> Reason | None:
    """The autoscaler says that a new node would not help, or the scheduler that it is not for GPUs that the pod waits."""
    said = newest(facts, pod.name, "NotTriggerScaleUp")
    if said is not None and not _AT_MOST.search(said.message) and not _BACKOFF.search(said.message):
        return "unschedulable", f"pod {pod.name}", (quoted(said), pod.waits)
    nodes = any(node.ready and node.gpus for pool in pools for node in pool.nodes)
    if nodes and "nodes are available" in pod.waits and "Insufficient nvidia.com/gpu" not in pod.waits:
        return "unschedulable", f"pod {pod.name}", (pod.waits,)
    return None


def ill_pools(facts: GpuFacts, pod: PodInfo, pools: list[Pool]) -> Reason | None:
    """Every pool that could take the pod, and could grow, says of itself that it gets no node."""
    said = [(pool, code, text) for pool in pools for code, text in pool.info.conditions if code in _CONDITIONS]
    if not said or {pool.name for pool, _, _ in said} != {pool.name for pool in pools}:
        return None
    pool, code, text = said[0]
    evidence = f"Node pool {pool.name} says {code}: {text}."
    return _CONDITIONS[code], listed([one.name for one in pools], 9), (evidence, *figures(facts, pools))


def broken_pools(facts: GpuFacts, pod: PodInfo, pools: list[Pool]) -> Reason | None:
    """A node that could take the pod has been ill for long."""
    ill = [node for pool in pools for node in pool.nodes if is_broken(facts, node)]
    return ("node_broken", f"node {ill[0].name}", tuple(map(illness, ill))) if ill else None


def full_pools(facts: GpuFacts, pod: PodInfo, pools: list[Pool]) -> Reason | None:
    """No pool that could take the pod may grow."""
    if not pools or not all(pool.full for pool in pools):
        return None
    said = newest(facts, pod.name, "NotTriggerScaleUp")
    sizes = tuple(f"Node pool {pool.name} has {pool.size}." for pool in pools)
    return "pool_at_maximum", listed([pool.name for pool in pools], 9), (*sizes, *([quoted(said)] if said else []))


def used_up(facts: GpuFacts, pod: PodInfo, pools: list[Pool]) -> Reason | None:
    """Every pool that could take the pod counts for a quota of Compute Engine that has nothing left."""
    growing = [pool for pool in pools if not pool.full]
    if growing and all(quota_left(facts, pool) < pool.info.per_node for pool in growing):
        return "compute_quota", listed([pool.name for pool in growing], 9), tuple(figures(facts, growing))
    return None


def stuck_jobs(facts: GpuFacts) -> Iterator[Finding]:
    """Jobs whose pods the quota of the namespace refuses still, and builds whose Jobs it refuses."""
    names = {one.name for one in facts.work if one.kind == "Job" and not one.setting and not one.active}
    for event in facts.events:
        if event.reason == "FailedCreate" and event.name in names and (refused := refusal(facts, event.message)):
            quota, figure = refused
            yield Finding("namespace_quota", f"quota {quota}", (quoted(event), figure), (event.name,), blocks=True)
    for line in facts.preflight:
        if refused := refusal(facts, line.text):
            quota, figure = refused
            yield Finding(
                "namespace_quota", f"quota {quota}", (f"{line.at:%H:%M} UTC: {line.text}", figure), blocks=True
            )


def refusal(facts: GpuFacts, text: str) -> tuple[str, str] | None:
    """The quota that refused something and would refuse it still, with its figure."""
    match = _EXCEEDED.search(text)
    if match is None:
        return None
    name, what, more = match[1], match[2], int(match[3])
    now: NamespaceQuota | None = next((one for one in facts.quotas if (one.name, one.what) == (name, what)), None)
    if now is None or now.used + more <= now.hard:
        return None
    return name, f"Quota {name}: {now.used} of {now.hard} {what} are used, and {more} more are wanted."


def broken_nodes(facts: GpuFacts) -> Iterator[Finding]:
    """Nodes that have been ill for long, whether or not anything waits for them."""
    for pool in facts.pools:
        for node in pool.nodes:
            if is_broken(facts, node):
                yield Finding("node_broken", f"node {node.name}", (illness(node),))


def outside(facts: GpuFacts) -> Iterator[Finding]:
    """What Cloud Run refused lately, and what could not be looked at."""
    recent = [one for one in facts.cloud_run if (facts.at - one.at).total_seconds() <= CLOUD_RUN_MINUTES * 60]
    if recent:
        of = recent[0].labels
        name = of.get("job_name") or of.get("service_name") or recent[0].resource
        lines = tuple(f"{one.at:%H:%M} UTC, {one.resource}: {one.text}" for one in recent[:3])
        yield Finding("cloud_run_quota", name, lines, blocks=True)
    if facts.unseen:
        yield Finding("unknown", "what could not be looked at", facts.unseen)


def at_zero(facts: GpuFacts) -> Iterator[Finding]:
    """Pools without a node for which nothing waits. A build that looked for a node and found none waits for it."""
    idle = [pool for pool in facts.pools if not pool.nodes]
    if not facts.pools or len(idle) < len(facts.pools) or facts.waiting:
        return
    lines = [one for one in facts.preflight if _EXCEEDED.search(one.text) is None]
    said = tuple(f"{one.at:%H:%M} UTC, {one.resource}: {one.text}" for one in lines[:3])
    sizes = tuple(f"Node pool {pool.name} has {pool.size}, and no pod waits." for pool in idle)
    yield Finding("scaled_to_zero", listed([pool.name for pool in idle], 9), (*sizes, *said), blocks=bool(said))
