"""Which pods run a service that simulates, and since when Kubernetes has them ready or not.

Kubernetes has of each pod when it last became ready or ceased to be (the condition `Ready`, `lastTransitionTime`, to the
second: kubernetes.io, "Pod Lifecycle"). A container that ends changes it at once; a readiness probe after as many failures in
a row as its `failureThreshold`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from blocks.catalogue_services import Service
from blocks.environment import PipelineEnvironment
from blocks.gke_pods import PodInfo


def runs(environment: PipelineEnvironment, rule: Service, pod: PodInfo) -> bool:
    """Whether a pod that has not ended may run the service."""
    if pod.phase in ("Succeeded", "Failed"):
        return False
    return of_deployment(rule, pod) or (rule.gke_jobs and simulates(environment, pod.job))


def of_deployment(rule: Service, pod: PodInfo) -> bool:
    """Whether a pod is of a Deployment of the service."""
    return any(pod.replica_set.rpartition("-")[0] == name for name in rule.deployments)


def simulates(environment: PipelineEnvironment, job: str) -> bool:
    """Whether a Job of the cluster is of a stage that talks to the simulator."""
    catalogue = environment.catalogue
    heads = (one.name.partition("{")[0] for one in catalogue.gke_jobs if catalogue.stages[one.stage].genie_sim)
    return bool(job) and any(job.startswith(head) for head in heads)


def server_pods(environment: PipelineEnvironment, pods: Iterable[PodInfo]) -> list[PodInfo]:
    """The pods of the Deployments of the server that the environment's Genie Sim block asks.

    A Job's pod has a server of its own, so it tells nothing of that one.
    """
    rules = [rule for rule in environment.catalogue.services.values() if rule.speaks == "grpc"]
    return [pod for pod in pods if any(runs(environment, rule, pod) and of_deployment(rule, pod) for rule in rules)]


def out_since(pods: Iterable[PodInfo]) -> datetime | None:
    """When the last of them ceased to be ready; None: there are none, one is ready, or Kubernetes does not tell.

    A container without a probe that is restarted again and again is ready for a moment each time: that tells of the
    last time only.
    """
    times = []
    for pod in pods:
        if pod.ready or pod.ready_changed is None or (pod.restarts > 1 and not pod.probed):
            return None
        times.append(pod.ready_changed)
    return max(times, default=None)


def back_since(pods: Iterable[PodInfo], began: datetime) -> datetime | None:
    """When the first of them became ready after what began then; None: Kubernetes does not tell."""
    times = [pod.ready_changed for pod in pods if pod.ready and pod.ready_changed is not None]
    return min((one for one in times if one >= began), default=None)
