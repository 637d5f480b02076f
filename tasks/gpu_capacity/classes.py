"""The classes of a GPU shortage, and what one is found to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Shortage = Literal[
    "namespace_quota",
    "compute_quota",
    "stocked_out",
    "node_broken",
    "pool_at_maximum",
    "cloud_run_quota",
    "unschedulable",
    "unknown",
    "scaled_to_zero",
]
"""Handbook, "GPU capacity exhaustion"; the order in which several are told."""
SHORTAGES: tuple[Shortage, ...] = get_args(Shortage)

WORDS: dict[Shortage, tuple[str, str]] = {
    "namespace_quota": (
        "a quota of the namespace",
        "Let what is less important wait, or have the quota raised by whoever keeps it.",
    ),
    "compute_quota": (
        "a quota of Compute Engine",
        "Let what is less important wait, and ask Google for a higher quota: the report has the figures.",
    ),
    "stocked_out": (
        "the zone has no GPUs of that kind",
        "Let what is less important wait, use another pool or zone, and try again: nobody can be asked for more.",
    ),
    "node_broken": (
        "a node is broken",
        "Drain and delete the node that is named; the pool makes another one.",
    ),
    "pool_at_maximum": (
        "the node pool is at its maximum",
        "Let what is less important wait, or raise the maximum within quota and budget.",
    ),
    "cloud_run_quota": (
        "the GPU quota of Cloud Run",
        "Ask Google for a higher quota of Cloud Run: the report has its words. Node pools do not help.",
    ),
    "unschedulable": (
        "the pod fits no node, however many there are",
        "Correct the pod or the pool: label, taint, memory, volume. More GPUs do not help.",
    ),
    "unknown": (
        "nobody says why",
        "Look at the pod and at the autoscaler's log yourself; nothing is changed by itself.",
    ),
    "scaled_to_zero": (
        "the pool is scaled to zero",
        "Nothing, while nothing waits: the pool grows when a pod wants it. Builds that first look for a node need one.",
    ),
}
"""What each means, and what to do: the page for the person on call has the same."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One shortage, or what looks like one, with its evidence."""

    kind: Shortage
    what: str
    """The pool, quota or pod it is about."""
    evidence: tuple[str, ...]
    """Which pod, event, node or figure says so, one sentence each."""
    pods: tuple[str, ...] = ()
    """The pods, or Jobs without pods, that wait for it."""
    blocks: bool = False
    """Something waits because of it. A pool at zero and a broken node may stop nobody."""

    @property
    def sentence(self) -> str:
        """One line."""
        return f"{self.what}: {WORDS[self.kind][0]}."
