"""Relief that is still in force: runs that turned work off or raised pools, and were not undone."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.gpu_capacity.classes import Finding
from tasks.gpu_capacity.classify import exhausted
from tasks.gpu_capacity.facts import GpuFacts
from tasks.remediation.context import Context
from tasks.remediation.continuing import UNDOES
from tasks.remediation.runs import PastRun, past_runs

GPU_CAPACITY, SUBJECT = "gpu-capacity", "@gpu"
LOOKED_BACK_HOURS = 24.0 * 30
"""How far back runs are looked for."""


def left_in_force(context: Context) -> list[PastRun]:
    """Runs that ended done, or were stopped on the way, and that nobody has undone to the end; the newest first.

    Raises:
        LedgerDamaged: a run cannot be read; the message names its object.
    """
    environment = context.environment
    past = past_runs(environment.storage, environment.ops_bucket, SUBJECT, LOOKED_BACK_HOURS)
    undone = {str(one.details[UNDOES]) for one in past if UNDOES in one.details and one.outcome == "done"}
    return [one for one in reversed(past) if one.procedure == GPU_CAPACITY and one.run not in undone]


def capacity_seen(facts: GpuFacts, findings: tuple[Finding, ...]) -> bool:
    """Whether nothing waits, everything was looked at, and there is a free GPU or a pool that may grow."""
    if facts.unseen or facts.waiting or exhausted(findings):
        return False
    usable = sum(node.gpus for pool in facts.pools for node in pool.nodes if node.ready and not node.cordoned)
    names = {node.name for pool in facts.pools for node in pool.nodes}
    used = sum(pod.gpus for pod in facts.running if pod.node in names)
    return usable > used or any(not pool.full and not pool.info.conditions for pool in facts.pools)


def left_sentences(left: list[PastRun]) -> Iterator[str]:
    """What each holds, and how to give it back."""
    for one in left:
        why = one.details.get("reason") or "no reason was given"
        yield (
            f"Run {one.run} has let work wait for GPUs since {one.begun_at:%Y-%m-%d %H:%M} UTC ({why}); give it back: "
            f"remediate undo {SUBJECT} {one.run} --apply."
        )
