"""What would be done about a shortage: a function of the facts, the catalogue and the policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blocks.catalogue import Catalogue
from blocks.environment import PipelineEnvironment
from blocks.gke_pods import PodInfo
from blocks.gke_switches import Work
from blocks.policy import RemediationPolicy
from tasks.actions.node_pools import pool_action
from tasks.actions.schedulers import PAUSED, SetScheduler, scheduler_action
from tasks.actions.work import SetWork, work_action
from tasks.gpu_capacity.can_wait import (
    NON_CRITICAL,
    critical_waiting,
    criticality,
    running_jobs,
    submitting,
    waiting_work,
)
from tasks.gpu_capacity.classes import Finding, Shortage
from tasks.gpu_capacity.facts import GpuFacts, Pool, fits
from tasks.gpu_capacity.room import Purse
from tasks.remediation.plan import Action

SHED: tuple[Shortage, ...] = ("namespace_quota", "compute_quota", "stocked_out", "pool_at_maximum", "node_broken")
"""Shortages in which it helps when what can wait waits."""
ELSEWHERE: tuple[Shortage, ...] = ("compute_quota", "stocked_out")
"""Shortages in which another pool may have what this one has not."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the plan goes by beside the facts."""

    catalogue: Catalogue
    policy: RemediationPolicy
    cluster: str
    region: str
    """Of the schedulers."""


@dataclass(frozen=True, slots=True)
class Relief:
    """What would be done, what it costs, and what only a person can do."""

    actions: tuple[Action, ...] = ()
    risk: str = "low"
    needed: bool = True
    """Something critical waits. Work that can wait is not turned off for other such work."""
    costs: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


def relief(facts: GpuFacts, findings: tuple[Finding, ...], rules: Rules) -> Relief:
    """Everything that the policy allows: first what loses nothing, then interrupting, then more nodes."""
    stuck = [one for one in findings if one.blocks and is_for_critical(facts, one, rules)]
    if not stuck:
        return Relief(needed=False)
    shed_for = [one for one in stuck if one.kind in SHED]
    need = list(critical_waiting(rules.catalogue, facts, (pod for one in shed_for for pod in one.pods)))
    actions: list[Action] = []
    if shed_for:
        actions += [turn_off(one) for one in waiting_work(rules.catalogue, facts)]
        actions += [pause(one.name, rules.region, one.state) for one in submitting(rules.catalogue, facts)]
    interrupted = list(interruptions(facts, need, shed_for, rules))
    actions += [turn_off(work, interrupt=True) for work in interrupted]
    purse = Purse(rules.policy, rules.cluster)
    freed = sum(work.gpus for work in interrupted)
    pools = [*raised(facts, stuck, rules, purse, freed), *started(facts, stuck, purse)]
    risk = "high" if interrupted else "medium" if pools else "low"
    return Relief((*actions, *pools), risk, True, tuple(purse.costs), tuple(dict.fromkeys(purse.short)))


def rules_of(environment: PipelineEnvironment) -> Rules:
    """Those of an environment."""
    return Rules(
        environment.catalogue, environment.policy, environment.node_pools.cluster, environment.schedulers.region
    )


def is_stuck_for_critical(facts: GpuFacts, findings: tuple[Finding, ...], rules: Rules) -> bool:
    """Whether critical work gets no GPU now."""
    return any(one.blocks and is_for_critical(facts, one, rules) for one in findings)


def is_for_critical(facts: GpuFacts, finding: Finding, rules: Rules) -> bool:
    """Whether critical work waits for it."""
    jobs = {pod.name: pod.job for pod in facts.waiting}
    names = [jobs.get(name, name) for name in finding.pods]
    return not names or any(not name or criticality(rules.catalogue, "Job", name) != NON_CRITICAL for name in names)


def turn_off(one: Work, *, interrupt: bool = False) -> Action:
    """Suspend a Job or a CronJob, or scale a Deployment to nothing."""
    want = 0 if one.kind == "Deployment" else 1
    params = SetWork(kind=one.kind, name=one.name, uid=one.uid, want=want, former=one.setting, interrupt=interrupt)
    loses = "; it runs, and begins anew when it is resumed" if interrupt else ""
    step = "interrupt work" if interrupt else "let work wait"
    return work_action(params, step, f"it is {NON_CRITICAL} in the catalogue, and critical work waits{loses}")


def pause(name: str, region: str, state: str) -> Action:
    """Let a scheduler begin nothing more."""
    params = SetScheduler(name=name, location=region, want=PAUSED, former=state)
    return scheduler_action(params, "it begins only what can wait, and critical work waits for GPUs")


def interruptions(facts: GpuFacts, need: list[PodInfo], shed_for: Iterable[Finding], rules: Rules) -> Iterator[Work]:
    """Running Jobs that can wait, as many as it takes, where the policy lets them be interrupted."""
    if NON_CRITICAL not in rules.policy.gpu_interrupt:
        return
    anywhere = any(one.kind == "namespace_quota" for one in shed_for)
    wanted = sum(pod.gpus for pod in need) + sum(len(one.pods) for one in shed_for if one.kind == "namespace_quota")
    of_node = {node.name: pool for pool in facts.pools for node in pool.nodes}
    for work, pod in running_jobs(rules.catalogue, facts):
        pool = of_node.get(pod.node)
        helps = anywhere or (pool is not None and any(fits(one, pool) for one in need))
        if wanted > 0 and helps:
            wanted -= pod.gpus
            yield work


def raised(facts: GpuFacts, stuck: list[Finding], rules: Rules, purse: Purse, freed: int) -> Iterator[Action]:
    """Pools at their maximum with more, and pools that stand in for others that get no nodes."""
    for finding in (one for one in stuck if one.kind in ("pool_at_maximum", *ELSEWHERE)):
        need = list(critical_waiting(rules.catalogue, facts, finding.pods))
        wanted = max(0, sum(pod.gpus for pod in need) - freed)
        freed = max(0, freed - sum(pod.gpus for pod in need))
        for pool in candidates(facts, finding, need):
            if wanted <= 0:
                break
            params, gained = purse.raised(facts, pool, -(-wanted // pool.info.per_node))
            if params is not None:
                wanted -= gained * pool.info.per_node
                instead = finding.kind in ELSEWHERE
                why = f"{len(need)} critical pods wait, and {finding.what} {'gets no nodes' if instead else 'may not grow'}"
                yield pool_action(params, f"raise {pool.name}", why)


def candidates(facts: GpuFacts, finding: Finding, need: list[PodInfo]) -> list[Pool]:
    """Pools that could take what waits and may not grow now; those that get no node anyhow are none."""
    fitting = [
        pool for pool in facts.pools if pool.full and pool.info.per_node and any(fits(pod, pool) for pod in need)
    ]
    if finding.kind == "pool_at_maximum":
        return sorted(fitting, key=lambda pool: bool(pool.stands_in_for))
    out = {pool.name for pool in facts.pools if not pool.full}
    return [pool for pool in fitting if out & set(pool.stands_in_for) and not pool.info.conditions]


def started(facts: GpuFacts, stuck: list[Finding], purse: Purse) -> Iterator[Action]:
    """The first node of a pool at zero, where a build has looked for one."""
    if any(one.kind == "scaled_to_zero" for one in stuck):
        pools = sorted(facts.pools, key=lambda pool: bool(pool.stands_in_for))
        params = purse.first_node(facts, pools[0])
        if params is not None:
            yield pool_action(
                params, f"raise {params.name}", "builds look for a GPU node before they begin, and there is none"
            )
