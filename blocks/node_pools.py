"""GKE node pools: their bounds and sizes, what they say of themselves, and setting bounds and sizes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read, write
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import Cause, PermanentError, TemporaryError

if TYPE_CHECKING:
    from google.cloud import container_v1


@dataclass(frozen=True)
class NodePoolInfo:
    """A node pool as GKE has it. How many nodes it has now, the nodes themselves say."""

    name: str
    machine: str
    zones: tuple[str, ...]
    accelerator: str = ""
    """As in `nvidia-tesla-t4`; empty: it has none."""
    per_node: int = 0
    autoscaling: bool = False
    minimum: int = 0
    """As `maximum`, of each zone, or of all together if `total`; both 0 without autoscaling."""
    maximum: int = 0
    total: bool = False
    status: str = ""
    """As in `RUNNING`."""
    conditions: tuple[tuple[str, str], ...] = ()
    """What is wrong with it: GKE's code, as in `GCE_STOCKOUT`, and its sentence."""
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str], ...] = ()
    """Key and value of what keeps pods away."""

    @property
    def zones_counted(self) -> int:
        """How often its bounds count: once for each zone, or once."""
        return 1 if self.total else max(1, len(self.zones))

    @property
    def most(self) -> int:
        """How many nodes the autoscaler may give it in all its zones."""
        return self.maximum * self.zones_counted


class GkeNodePools(RemediationBlock):
    """The node pools of one cluster."""

    _block_type_name = "Remediation GKE Node Pools"
    _block_type_slug = "remediation-gke-node-pools"
    _description = "The node pools of the pipeline's cluster: their bounds, their sizes, and raising them."

    project: str = Field(default="", description="Google Cloud project of the cluster.")
    cluster: str = Field(default="blueprint-cluster", description="Name of the cluster.")
    location: str = Field(default="us-central1-a", description="Zone, or region, of the cluster.")
    endpoint: str = Field(default="", description="host:port of the GKE API instead of Google's; unencrypted.")
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    operation_seconds: float = Field(default=900.0, gt=0, description="Seconds that a change of a pool is waited for.")
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[container_v1.ClusterManagerClient] = PrivateAttr(default_factory=Lazy)

    @property
    def parent(self) -> str:
        """The cluster's full name."""
        return f"projects/{self.project}/locations/{self.location}/clusters/{self.cluster}"

    def list(self) -> tuple[NodePoolInfo, ...]:
        """Every pool of the cluster, by name; the service gives them in one page. Raises `NotFound` without a cluster."""
        call = Call(
            f"list the node pools of cluster {self.cluster}",
            "container.clusters.get",
            "check project, cluster and location.",
        )

        def attempt() -> container_v1.ListNodePoolsResponse:
            return self._open().list_node_pools(parent=self.parent, retry=None, timeout=self.limits.call_seconds)

        return tuple(sorted(map(_pool, read(call, attempt, self.limits).node_pools), key=lambda pool: pool.name))

    def get(self, name: str) -> NodePoolInfo:
        """One pool. Raises `NotFound`."""
        call = Call(f"look at node pool {name}", "container.clusters.get", "list the pools, or check its name.")

        def attempt() -> container_v1.NodePool:
            return self._open().get_node_pool(name=self._full(name), retry=None, timeout=self.limits.call_seconds)

        return _pool(read(call, attempt, self.limits))

    def set_bounds(self, name: str, minimum: int, maximum: int) -> None:
        """Let the autoscaler keep between so many nodes, counted as it was, and wait until that is in force.

        Sets a value, so a lost answer is simply asked again. GKE has no precondition for it: look before. Raises
        `NotFound`, `PermanentError` (with what GKE says), `TemporaryError`, `UnknownOutcome`.
        """
        call = Call(
            f"set node pool {name} to {minimum}-{maximum} nodes", "container.clusters.update", "check its name."
        )

        def attempt() -> container_v1.Operation:
            from google.cloud import container_v1

            kind = "total_" if total else ""
            values = {f"{kind}min_node_count": minimum, f"{kind}max_node_count": maximum}
            bounds = container_v1.NodePoolAutoscaling(enabled=True, **values)
            request = container_v1.SetNodePoolAutoscalingRequest(name=self._full(name), autoscaling=bounds)
            client, seconds = self._open(), self.limits.call_seconds
            self._until_idle()
            return client.set_node_pool_autoscaling(request=request, retry=None, timeout=seconds)

        total = self.get(name).total
        self._wait(call, write(call, attempt, self.limits).name)

    def set_size(self, name: str, nodes: int) -> None:
        """Let a pool have so many nodes in each zone now, and wait until they are there. Raises as `set_bounds`."""
        call = Call(f"set node pool {name} to {nodes} nodes", "container.clusters.update", "check its name.")

        def attempt() -> container_v1.Operation:
            from google.cloud import container_v1

            request = container_v1.SetNodePoolSizeRequest(name=self._full(name), node_count=nodes)
            self._until_idle()
            return self._open().set_node_pool_size(request=request, retry=None, timeout=self.limits.call_seconds)

        self._wait(call, write(call, attempt, self.limits).name)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _full(self, name: str) -> str:
        return f"{self.parent}/nodePools/{name}"

    def _until_idle(self) -> None:
        """Wait until no operation works on the cluster, of an earlier try either: GKE refuses a second one."""
        place = f"projects/{self.project}/locations/{self.location}"
        call = Call("list the operations of GKE", "container.operations.list", "check project and location.")

        def attempt() -> container_v1.ListOperationsResponse:
            return self._open().list_operations(parent=place, retry=None, timeout=self.limits.call_seconds)

        until = time.monotonic() + self.operation_seconds
        while True:
            found = read(call, attempt, self.limits).operations
            busy = [one.name for one in found if one.status.name != "DONE" and f"/{self.cluster}" in one.target_link]
            if not busy:
                return
            self._pause(until, f"Operation {busy[0]} has worked on cluster {self.cluster}")

    def _wait(self, call: Call, operation: str) -> None:
        """Wait for an operation. Raises PermanentError with what it says when it fails."""
        name = f"projects/{self.project}/locations/{self.location}/operations/{operation}"
        look = Call(f"look at operation {operation} of GKE", "container.operations.get", "list the operations.")

        def attempt() -> container_v1.Operation:
            return self._open().get_operation(name=name, retry=None, timeout=self.limits.call_seconds)

        until = time.monotonic() + self.operation_seconds
        while (found := read(look, attempt, self.limits)).status.name != "DONE":
            self._pause(until, f"Operation {operation} ({call.what}) has run")
        if found.error.message:
            cause = Cause.QUOTA if "QUOTA" in found.error.message.upper() else Cause.UNSAID
            raise PermanentError(f"Could not {call.what}: {' '.join(found.error.message.split())}.", cause)

    def _pause(self, until: float, what: str) -> None:
        if time.monotonic() > until:
            raise TemporaryError(f"{what} for {self.operation_seconds:.0f} s; look at it, and try again later.")
        time.sleep(min(1.0, self.limits.first_wait_seconds))

    def _open(self) -> container_v1.ClusterManagerClient:
        def make() -> container_v1.ClusterManagerClient:
            from google.cloud import container_v1
            from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport

            if self.endpoint:
                transport = ClusterManagerGrpcTransport(channel=plain_channel(self.endpoint))
                return container_v1.ClusterManagerClient(transport=transport)
            return container_v1.ClusterManagerClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def _pool(message: Any) -> NodePoolInfo:
    config, bounds = message.config, message.autoscaling
    gpu = config.accelerators[0] if config.accelerators else None
    total = bool(bounds.total_max_node_count)
    return NodePoolInfo(
        name=message.name,
        machine=config.machine_type,
        zones=tuple(message.locations),
        accelerator=gpu.accelerator_type if gpu is not None else "",
        per_node=int(gpu.accelerator_count) if gpu is not None else 0,
        autoscaling=bounds.enabled,
        minimum=bounds.total_min_node_count if total else bounds.min_node_count,
        maximum=bounds.total_max_node_count if total else bounds.max_node_count,
        total=total,
        status=message.status.name,
        conditions=tuple((one.code.name, one.message) for one in message.conditions),
        labels=tuple(dict(config.labels).items()),
        taints=tuple((one.key, one.value) for one in config.taints if one.effect.name != "PREFER_NO_SCHEDULE"),
    )
