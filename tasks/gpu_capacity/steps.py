"""What only a person can do, drafted with the figures: asking for quota, draining a node, correcting a pod. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.gpu_capacity.classes import WORDS, Finding
from tasks.gpu_capacity.evidence import quota_left
from tasks.gpu_capacity.facts import GpuFacts, Pool, fits


def steps_for_a_person(facts: GpuFacts, findings: tuple[Finding, ...]) -> list[str]:
    """One or two sentences for each shortage that something waits for."""
    found: list[str] = []
    for one in (one for one in findings if one.blocks):
        steps = list(steps_of(facts, one))
        found += steps or [f"{one.sentence} {WORDS[one.kind][1]}"]
    return list(dict.fromkeys(found))


def steps_of(facts: GpuFacts, finding: Finding) -> Iterator[str]:
    """What is drafted for one shortage."""
    match finding.kind:
        case "compute_quota":
            yield from (compute_request(facts, pool) for pool in short_pools(facts, finding))
        case "namespace_quota":
            yield from namespace_requests(facts, finding)
        case "cloud_run_quota":
            yield (
                f"Ask Google for a higher GPU quota of Cloud Run for {finding.what} (console, IAM & Admin, Quotas, service "
                f"run.googleapis.com), with its own words: {finding.evidence[0]}"
            )
        case "node_broken":
            name = finding.what.removeprefix("node ")
            yield (
                f"Look at node {name} (kubectl describe node {name}); if it does not mend itself: kubectl drain {name} "
                "--ignore-daemonsets --delete-emptydir-data, and delete its instance. Its pool makes another one."
            )


def short_pools(facts: GpuFacts, finding: Finding) -> list[Pool]:
    """The pools that what waits could use, and whose quota leaves too little."""
    pods = [pod for pod in facts.waiting if pod.name in finding.pods]
    pools = [pool for pool in facts.pools if any(fits(pod, pool) for pod in pods)]
    return [pool for pool in pools if quota_left(facts, pool) < pool.info.per_node] or pools[:1]


def compute_request(facts: GpuFacts, pool: Pool) -> str:
    """The request for a quota of Compute Engine, with figures."""
    wanted = sum(pod.gpus for pod in facts.waiting if fits(pod, pool))
    counted = [
        one for one in facts.compute if (one.region, one.metric) == (pool.region, pool.metric) or one.region == ""
    ]
    short = [one for one in counted if one.left < pool.info.per_node]
    if not short:
        return (
            f"Ask Google for a higher quota {pool.metric} in {pool.region} (console, IAM & Admin, Quotas): {wanted} GPUs more "
            "are wanted. Its figures could not be read."
        )
    asked = "; ".join(
        f"{one.metric} in {one.region or 'all regions'} from {one.limit:g} to {one.usage + wanted:g}" for one in short
    )
    used = ", ".join(f"{one.usage:g} of {one.limit:g}" for one in short)
    return (
        f"Ask Google to raise {asked} (console, IAM & Admin, Quotas): {used} are used, and {wanted} GPUs more are wanted for "
        f"node pool {pool.name}."
    )


def namespace_requests(facts: GpuFacts, finding: Finding) -> Iterator[str]:
    """What to set a quota of the namespace to."""
    name = finding.what.removeprefix("quota ")
    for one in facts.quotas:
        said = any(one.what in evidence for evidence in finding.evidence)
        if one.name == name and said and one.used >= one.hard:
            more = max(1, len(finding.pods))
            yield (
                f"If that is meant to run, have {one.what} of quota {name} raised from {one.hard} to {one.hard + more}: "
                f"{one.used} are used. The pipeline's YAML and its Terraform both set this quota; change both, or whichever "
                "is applied last undoes it."
            )
