"""What of the work can wait, as the catalogue says. What it does not name is critical, and is never touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from blocks.catalogue import Catalogue
from blocks.gke_pods import PodInfo
from blocks.gke_switches import Work, WorkKind
from blocks.schedulers import SchedulerInfo
from tasks.gpu_capacity.facts import GpuFacts

NON_CRITICAL = "non_critical"
_CAN_WAIT = (NON_CRITICAL, "intake")
"""Of Cloud Run jobs: what is made beside the line, and what begins new work."""


def criticality(catalogue: Catalogue, kind: WorkKind, name: str) -> str:
    """Of something in the cluster; the first entry that fits counts."""
    rules = catalogue.gpu.work
    return next((one.criticality for one in rules if one.kind == kind and fnmatchcase(name, one.name)), "critical")


def is_critical(catalogue: Catalogue, pod: PodInfo) -> bool:
    """Whether a pod is of critical work; one that is no Job's is."""
    return not pod.job or criticality(catalogue, "Job", pod.job) != NON_CRITICAL


def critical_waiting(catalogue: Catalogue, facts: GpuFacts, names: Iterable[str]) -> Iterator[PodInfo]:
    """The pods of those names that are of critical work."""
    wanted = set(names)
    return (pod for pod in facts.waiting if pod.name in wanted and is_critical(catalogue, pod))


def waiting_work(catalogue: Catalogue, facts: GpuFacts) -> list[Work]:
    """What can wait, is not turned off, and has no pod that runs: turning it off loses nothing. Deployments may run."""
    return [one for one in can_wait(catalogue, facts) if one.kind != "Job" or not one.ready]


def running_jobs(catalogue: Catalogue, facts: GpuFacts) -> list[tuple[Work, PodInfo]]:
    """Jobs that can wait and have a pod that runs, the youngest first: the least work is lost."""
    jobs = {one.name: one for one in can_wait(catalogue, facts) if one.kind == "Job" and one.ready}
    pods = sorted((pod for pod in facts.running if pod.job in jobs), key=lambda pod: pod.created, reverse=True)
    return [(jobs[pod.job], pod) for pod in pods]


def can_wait(catalogue: Catalogue, facts: GpuFacts) -> list[Work]:
    """All that can wait and is not turned off."""
    return [
        one
        for one in facts.work
        if (one.setting > 0) == (one.kind == "Deployment")
        and criticality(catalogue, one.kind, one.name) == NON_CRITICAL
    ]


def submitting(catalogue: Catalogue, facts: GpuFacts) -> list[SchedulerInfo]:
    """Enabled schedulers that begin nothing but work that can wait, or new scenes."""
    return [one for one in facts.schedulers if one.state == "ENABLED" and begins_only_what_waits(catalogue, one.target)]


def begins_only_what_waits(catalogue: Catalogue, workflow: str) -> bool:
    """Whether every job of a workflow can wait; one whose jobs nobody knows cannot."""
    known = catalogue.workflows.get(workflow)
    jobs = [catalogue.jobs[name].criticality for name in known.jobs if name in catalogue.jobs] if known else []
    return bool(jobs) and all(one in _CAN_WAIT for one in jobs)
