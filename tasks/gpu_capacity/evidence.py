"""What the facts say for or against a shortage: events, figures of quotas, nodes that are ill."""

from __future__ import annotations

from datetime import timedelta

from blocks.gke_capacity import EventInfo, NodeInfo
from tasks.gpu_capacity.facts import GpuFacts, Pool

GRACE = timedelta(minutes=2)
"""A pod that waits for less is no sign: the autoscaler looks every ten seconds, and a node may just become free."""
PATIENCE = timedelta(minutes=15)
"""A GPU node takes five to ten minutes with its driver. What waits longer, and a node that is ill longer, is ill."""


def quota_left(facts: GpuFacts, pool: Pool) -> float:
    """GPUs that the project may still have in that pool; infinite where no figure was seen."""
    counts = [
        quota.left
        for quota in facts.compute
        if quota.region == "" or (quota.region, quota.metric) == (pool.region, pool.metric)
    ]
    return min(counts, default=float("inf"))


def figures(facts: GpuFacts, pools: list[Pool]) -> tuple[str, ...]:
    """The figures of the quotas that these pools count for."""
    wanted = {(pool.region, pool.metric) for pool in pools}
    return tuple(
        f"Quota {one.metric} of {one.region or 'the project'}: {one.usage:g} of {one.limit:g} are used."
        for one in facts.compute
        if one.region == "" or (one.region, one.metric) in wanted
    )


def is_broken(facts: GpuFacts, node: NodeInfo) -> bool:
    """Not ready, or ready without the GPUs it should have. A node that was just made, or that somebody closed, is not."""
    if node.cordoned or facts.at - node.created < PATIENCE:
        return False
    return (not node.ready or not node.gpus) and facts.at - node.since >= GRACE


def illness(node: NodeInfo) -> str:
    """What is wrong with a node."""
    if not node.ready:
        return f"Node {node.name} of pool {node.pool} is not ready since {node.since:%H:%M} UTC ({node.why or 'no reason'})."
    return (
        f"Node {node.name} of pool {node.pool} is ready and has no GPU to give: its driver or device plugin is missing."
    )


def events_of(facts: GpuFacts, name: str) -> list[EventInfo]:
    """What happened to one pod, oldest first."""
    return [one for one in facts.events if one.name == name]


def newest(facts: GpuFacts, name: str, reason: str) -> EventInfo | None:
    """The newest event of that reason about a pod."""
    return next((one for one in reversed(events_of(facts, name)) if one.reason == reason), None)


def quoted(event: EventInfo) -> str:
    """An event as evidence."""
    return f"{event.at:%H:%M} UTC, {event.reason} of {event.kind.lower()} {event.name}: {event.message}"
