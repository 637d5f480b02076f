"""Relief that is still in force: runs that turned work off or raised pools, and were not undone; and whether GPUs are back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tasks.gpu_capacity.classes import Finding
from tasks.gpu_capacity.classify import exhausted
from tasks.gpu_capacity.debt import read_debt
from tasks.gpu_capacity.facts import GpuFacts
from tasks.remediation.context import Context
from tasks.remediation.continuing import UNDOES
from tasks.remediation.journal import read_journal
from tasks.remediation.report import counted
from tasks.remediation.runs import UNFINISHED, PastRun, past_runs

GPU_CAPACITY, END_RELIEF, SUBJECT = "gpu-capacity", "end-gpu-relief", "@gpu"
LOOKED_BACK_HOURS = 24.0 * 365
"""How far back runs are looked for."""


@dataclass(frozen=True, slots=True)
class Relief:
    """One run of the procedure, and what has become of it."""

    past: PastRun
    undone_by: str = ""
    """The procedure that has undone it to the end; empty: it is in force."""
    half_undone: bool = False
    """The watch has begun to undo it, and was killed."""


def reliefs(context: Context) -> list[Relief]:
    """Every run of the procedure, the newest first.

    Raises:
        LedgerDamaged: a run cannot be read; the message names its object.
    """
    environment = context.environment
    past = past_runs(environment.storage, environment.ops_bucket, SUBJECT, LOOKED_BACK_HOURS)
    undos = [one for one in past if UNDOES in one.details]
    undone = {str(one.details[UNDOES]): one.procedure for one in undos if one.outcome == "done"}
    begun = {str(one.details[UNDOES]) for one in undos if (one.procedure, one.outcome) == (END_RELIEF, UNFINISHED)}
    ours = [one for one in reversed(past) if one.procedure == GPU_CAPACITY]
    return [Relief(one, undone.get(one.run, ""), one.run in begun) for one in ours if did_something(context, one)]


def did_something(context: Context, one: PastRun) -> bool:
    """Whether a run has begun a step at all; one that was stopped before its first has nothing in force."""
    if one.outcome in ("done", UNFINISHED):
        return True
    environment = context.environment
    journal = read_journal(environment.storage, environment.ops_bucket, SUBJECT, one.run, context.actor)
    return any(entry.kind in ("intent", "outcome") for entry in journal.entries)


def left_in_force(context: Context) -> list[PastRun]:
    """Runs that ended done, or were stopped on the way, and that nobody has undone to the end; the newest first.

    One of which there was nothing left to bring back is over, too: the watch has settled it.

    Raises:
        LedgerDamaged: a run cannot be read; the message names its object.
    """
    return [one.past for one in reliefs(context) if not one.undone_by and not read_debt(context, one.past.run).settled]


def capacity_seen(facts: GpuFacts, findings: tuple[Finding, ...]) -> bool:
    """Whether nothing waits, everything was looked at, and there is a free GPU or a pool that may grow."""
    if facts.unseen or facts.waiting or exhausted(findings):
        return False
    return free_gpus(facts) > 0 or any(not pool.full and not pool.info.conditions for pool in facts.pools)


def free_gpus(facts: GpuFacts) -> int:
    """GPUs of ready nodes that no pod has."""
    usable = sum(node.gpus for pool in facts.pools for node in pool.nodes if node.ready and not node.cordoned)
    names = {node.name for pool in facts.pools for node in pool.nodes}
    return usable - sum(pod.gpus for pod in facts.running if pod.node in names)


def capacity_proved(facts: GpuFacts, findings: tuple[Finding, ...], since: datetime) -> str:
    """What shows that GPUs are there again since a relief began; empty when nothing does.

    That a pool may grow proves nothing: whether a zone has GPUs shows only when somebody gets one.
    """
    if not capacity_seen(facts, findings):
        return ""
    if (free := free_gpus(facts)) > 0:
        return f"{counted(free, 'GPU')} of ready nodes {'is' if free == 1 else 'are'} free"
    since = since.replace(microsecond=0)  # Kubernetes' times are whole seconds
    nodes = {node.name: node for pool in facts.pools for node in pool.nodes if node.ready and node.gpus}
    for node in nodes.values():
        if node.created >= since:
            return f"node {node.name} was made at {node.created:%H:%M} UTC and is ready"
    for pod in facts.running:
        if pod.node in nodes and pod.created >= since:
            return f"pod {pod.name} of {pod.created:%H:%M} UTC has its GPU, and a pool may grow"
    return ""


def left_sentences(left: list[PastRun]) -> Iterator[str]:
    """What each holds, and how to give it back."""
    for one in left:
        why = one.details.get("reason") or "no reason was given"
        yield (
            f"Run {one.run} has let work wait for GPUs since {one.begun_at:%Y-%m-%d %H:%M} UTC ({why}); give it back: "
            f"remediate undo {SUBJECT} {one.run} --apply."
        )
