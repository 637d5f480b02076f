"""The GPU cluster behind the sandbox's Kubernetes API, as tests and the control interface hold it."""

from __future__ import annotations

import copy
from typing import Any

from blocks.catalogue import Catalogue
from blocks.gke_manifests import config_maps
from blocks.gke_references import GOOGLE_ACCOUNT
from deployments.sandbox.cluster.controllers import JOB_STATES, Controllers, JobState
from deployments.sandbox.cluster.errors import Json, KubernetesError
from deployments.sandbox.cluster.node_pools import NodePools, NodeState
from deployments.sandbox.cluster.objects import Objects
from deployments.sandbox.cluster.registry import Registry
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.cluster.scheduling import Scheduler

__all__ = ["JOB_STATES", "Cluster", "JobState", "Json", "KubernetesError"]

_JOBS, _CRON_JOBS = BY_PLURAL["jobs"], BY_PLURAL["cronjobs"]


class Cluster:
    """Namespaces and two nodes at first. A Job runs, as one Pod, until `set_state` says how it ended.

    A Pod that wants a GPU runs where one is free, or where the autoscaler brings a node; else it waits.
    """

    def __init__(self, namespaces: tuple[str, ...]) -> None:
        """`namespaces` are there from the beginning."""
        self.objects = Objects()
        self.pools = NodePools(self.objects)
        self.controllers = Controllers(self.objects, Scheduler(self.objects, self.pools))
        self.registry = Registry(self.objects, self.controllers)
        self.logs: dict[tuple[str, str], str] = {}
        """What the container of a Pod wrote, by namespace and name."""
        for name in namespaces:
            self.registry.create(BY_PLURAL["namespaces"], "", {"metadata": {"name": name}})
        for node in self.pools.nodes():
            self.registry.create(BY_PLURAL["nodes"], "", node)

    def create(self, namespace: str, manifest: Json) -> Json:
        """Create a Job; an image and a restart policy it does not name are filled in. Raises KubernetesError."""
        manifest = copy.deepcopy(manifest)
        spec = manifest.get("spec", {}).get("template", {}).get("spec", {})
        spec.setdefault("restartPolicy", "Never")
        for container in spec.get("containers", []):
            container.setdefault("image", "gcr.io/sandbox-project/job")
        return copy.deepcopy(self.registry.create(_JOBS, namespace, manifest))

    def deploy(self, catalogue: Catalogue) -> None:
        """Create the CronJobs of a catalogue as its authors do, and what its GPU Job refers to by name."""
        space = catalogue.namespace
        for name, known in catalogue.cron_jobs.items():
            self.create_cron_job(space, name, known.schedule, suspended=known.suspended)
        pod = catalogue.gpu_job.manifest["spec"]["template"]["spec"] if catalogue.gpu_job is not None else {}
        for name in sorted(config_maps(pod)):
            self.registry.create(BY_PLURAL["configmaps"], space, {"metadata": {"name": name}, "data": {}})
        if account := pod.get("serviceAccountName"):
            google = {GOOGLE_ACCOUNT: f"{account}@sandbox-project.iam.gserviceaccount.com"}
            meta = {"name": account, "annotations": google}
            self.registry.create(BY_PLURAL["serviceaccounts"], space, {"metadata": meta})

    def create_cron_job(self, namespace: str, name: str, schedule: str, *, suspended: bool) -> None:
        """Create a CronJob whose Job would run an image of that name. The clock starts nothing here."""
        container = {"name": "main", "image": f"gcr.io/sandbox-project/{name}"}
        pod = {"restartPolicy": "Never", "containers": [container]}
        job = {"spec": {"backoffLimit": 0, "template": {"spec": pod}}}
        spec = {"schedule": schedule, "suspend": suspended, "concurrencyPolicy": "Forbid", "jobTemplate": job}
        self.registry.create(_CRON_JOBS, namespace, {"metadata": {"name": name}, "spec": spec})

    def suspended(self, namespace: str) -> dict[str, bool]:
        """Which CronJobs there are, and whether each is suspended."""
        found = self.objects.all("cronjobs", namespace)
        return {str(one["metadata"]["name"]): bool(one["spec"]["suspend"]) for one in found}

    def get(self, namespace: str, name: str) -> Json:
        """A Job. Raises KubernetesError when there is none of that name."""
        return copy.deepcopy(self.registry.get(_JOBS, namespace, name))

    def delete(self, namespace: str, name: str, preconditions: Json) -> Json:
        """Delete a Job with its Pods. `preconditions` may hold `uid` and `resourceVersion`."""
        return self.registry.delete(_JOBS, namespace, name, preconditions)

    def set_state(self, namespace: str, name: str, state: JobState) -> None:
        """Say how a Job stands; `pending` is a Job whose Pod finds no GPU."""
        with self.objects.lock:
            job = self.objects.need(_JOBS, namespace, name)
            self.controllers.states[job["metadata"]["uid"]] = state
            self.controllers.settle("jobs", job)

    def followed(self) -> None:
        """Let follow what follows from a change of pools, nodes or quotas."""
        with self.objects.lock:
            self.controllers.follow()
            for namespace in {one["metadata"]["namespace"] for one in self.objects.all("resourcequotas")}:
                self.controllers.quotas.count(namespace)

    def set_node(self, name: str, state: NodeState) -> None:
        """Let a node break or be well again. Raises LookupError."""
        with self.objects.lock:
            self.pools.set_state(name, state)
        self.followed()

    def change_pool(self, name: str, *, nodes: int | None = None, **settings: Any) -> None:
        """Change a pool's fault or bounds, and how many nodes it has. Raises LookupError."""
        pool = self.pools.pools.get(name)
        if pool is None:
            raise LookupError(f"There is no node pool '{name}'.")
        for key, value in settings.items():
            setattr(pool, key, value)
        if nodes is not None:
            with self.objects.lock:
                self.pools.resize(pool, nodes)
        self.followed()

    def set_quota(self, region: str, metric: str, limit: float) -> None:
        """How many GPUs of that kind the project may have in a region ('': in all of them)."""
        self.pools.limits[region, metric] = limit
        self.followed()

    def log(self, namespace: str, pod: str) -> str:
        """What the container of a Pod wrote. Raises KubernetesError when there is no such Pod, or it does not run yet."""
        found = self.objects.need(BY_PLURAL["pods"], namespace, pod)
        if found["status"]["phase"] == "Pending":
            name = found["spec"]["containers"][0]["name"]
            message = f'container "{name}" in pod "{pod}" is waiting to start: ContainerCreating'
            raise KubernetesError(400, "BadRequest", message)
        return self.logs.get((namespace, pod), f"{pod} started\n")
