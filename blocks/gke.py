"""The GPU Jobs that workflows create in the cluster, and the way to change what runs there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy
from blocks.errors import PermanentError
from blocks.gke_capacity import Capacity
from blocks.gke_pods import PodInfo, pod_from
from blocks.gke_references import References
from blocks.gke_switches import Switches
from blocks.gke_workloads import Workloads

if TYPE_CHECKING:
    from kubernetes import client as kubernetes


@dataclass(frozen=True)
class GkeJobInfo:
    """One Kubernetes Job. Counts are pods."""

    name: str
    active: int
    succeeded: int
    failed: int
    suspended: bool
    created: datetime
    labels: dict[str, str] = field(default_factory=dict)
    envs: tuple[dict[str, str], ...] = ()
    """Of each container, those that prepare its pods first, the variables that have a value of their own."""

    @property
    def finished(self) -> bool:
        """Whether Kubernetes has no pod of it and will make none; a new Job without pods yet is not finished."""
        return self.active == 0 and not self.suspended and self.succeeded + self.failed > 0


class GkeCluster(RemediationBlock):
    """The cluster where the pipeline's GPU Jobs run. What changes something there is in `workloads`."""

    _block_type_name = "Remediation GKE Cluster"
    _block_type_slug = "remediation-gke-cluster"
    _description = "The cluster of the pipeline: which GPU Jobs are there and how they stand."

    enabled: bool = Field(default=True, description="Off when the pipeline has no cluster: then there are no Jobs.")
    namespace: str = Field(default="blueprint", description="Namespace of the pipeline's Jobs.")
    endpoint: str = Field(
        default="", description="Address of a Kubernetes API to use without credentials, as in http://127.0.0.1:8001."
    )
    kubeconfig: str = Field(
        default="", description="Path of a kubeconfig file; empty: the pod's own account, else ~/.kube/config."
    )
    context: str = Field(default="", description="Context of the kubeconfig file; empty: its current one.")
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[kubernetes.BatchV1Api] = PrivateAttr(default_factory=Lazy)

    def pods(self) -> list[PodInfo]:
        """The pods of the namespace by name, 500 at most: one page, as the service orders them."""
        return self._pods()

    def pods_of(self, job: str) -> list[PodInfo]:
        """The pods of one Job, oldest first, 500 at most."""
        return sorted(self._pods(label_selector=f"job-name={job}"), key=lambda pod: (pod.created, pod.name))

    def _pods(self, **options: Any) -> list[PodInfo]:
        if not self.enabled:
            return []
        from kubernetes import client as kubernetes

        call = Call(f"list the pods in namespace {self.namespace}", "list on pods", "check the cluster's address.")
        core = kubernetes.CoreV1Api(self._open().api_client)
        timeout = self.limits.call_seconds
        page: Any = read(
            call,
            lambda: core.list_namespaced_pod(self.namespace, limit=500, _request_timeout=timeout, **options),
            self.limits,
        )
        return sorted(map(pod_from, page.items), key=lambda pod: pod.name)

    def jobs(self, prefix: str = "") -> list[GkeJobInfo]:
        """The Jobs of the namespace whose names begin with `prefix`, by name."""
        if not self.enabled:
            return []
        call = Call(
            f"list the Jobs in namespace {self.namespace}", "list on jobs.batch", "check the cluster's address."
        )
        found: list[GkeJobInfo] = []
        token: str | None = None
        while True:
            page = read(call, partial(self._page, token), self.limits)
            found += [_job(job) for job in page.items if job.metadata.name.startswith(prefix)]
            token = page.metadata._continue
            if not token:
                return sorted(found, key=lambda job: job.name)

    @property
    def workloads(self) -> Workloads:
        """Deployments and Jobs as they are deployed, and changing them. Raises PermanentError where there is no cluster."""
        self._check_enabled()
        return Workloads(lambda: self._open().api_client, self.namespace, self.limits)

    @property
    def capacity(self) -> Capacity:
        """What there is for pods that want GPUs. Raises PermanentError where there is no cluster."""
        self._check_enabled()
        return Capacity(lambda: self._open().api_client, self.namespace, self.limits)

    @property
    def switches(self) -> Switches:
        """Turning work off and on. Raises PermanentError where there is no cluster."""
        self._check_enabled()
        return Switches(lambda: self._open().api_client, self.namespace, self.limits)

    @property
    def references(self) -> References:
        """What Pods refer to by name. Raises PermanentError where there is no cluster."""
        self._check_enabled()
        return References(lambda: self._open().api_client, self.namespace, self.limits)

    def _check_enabled(self) -> None:
        if not self.enabled:
            raise PermanentError(
                "This installation has no cluster (enabled is off in its cluster block): nothing of it can be seen or changed."
            )

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(_close)

    def _page(self, token: str | None) -> Any:
        options: dict[str, Any] = {"_continue": token} if token else {}
        return self._open().list_namespaced_job(
            self.namespace, limit=500, _request_timeout=self.limits.call_seconds, **options
        )

    def _open(self) -> kubernetes.BatchV1Api:
        def make() -> kubernetes.BatchV1Api:
            from kubernetes import client as kubernetes

            return kubernetes.BatchV1Api(kubernetes.ApiClient(self._configuration()))

        return self._client.get(make)

    def _configuration(self) -> kubernetes.Configuration:
        from kubernetes import client as kubernetes
        from kubernetes import config

        configuration = kubernetes.Configuration()
        configuration.retries = False
        if self.endpoint:
            configuration.host, configuration.proxy = self.endpoint, None
            return configuration
        in_cluster = not self.kubeconfig and "KUBERNETES_SERVICE_HOST" in os.environ
        try:
            if in_cluster:
                config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                file, context = self.kubeconfig or None, self.context or None
                config.load_kube_config(file, context, configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException as error:
            raise PermanentError(
                f"There is no way to reach the cluster ({error}); set kubeconfig of the cluster block, or turn it off "
                "with enabled = false."
            ) from error
        return configuration


def _close(client: kubernetes.BatchV1Api) -> None:
    """The client's own `close` ends its threads and leaves its connections open."""
    client.api_client.close()
    client.api_client.rest_client.pool_manager.clear()


def _job(job: Any) -> GkeJobInfo:
    return GkeJobInfo(
        name=job.metadata.name,
        active=job.status.active or 0,
        succeeded=job.status.succeeded or 0,
        failed=job.status.failed or 0,
        suspended=bool(job.spec.suspend),
        created=job.metadata.creation_timestamp,
        labels=dict(job.metadata.labels or {}),
        envs=tuple({one.name: one.value for one in container.env or () if one.value} for container in _containers(job)),
    )


def _containers(job: Any) -> list[Any]:
    """Of its pods, those that prepare them first."""
    pod = job.spec.template.spec
    return [*(pod.init_containers or ()), *(pod.containers or ())]
