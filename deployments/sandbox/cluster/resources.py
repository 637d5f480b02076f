"""The kinds of thing the cluster has, as one table: discovery, routes, checks and selectors all read it."""

from __future__ import annotations

from dataclasses import dataclass

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One kind. `model` is its class in the stock client, which knows the type of every field."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    """What a field selector may name, beside the name and the namespace."""
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """As in a manifest: `batch/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def model(self) -> str:
        """The class of the stock client."""
        return {"Event": "CoreV1Event"}.get(self.kind, f"V1{self.kind}")

    @property
    def qualified(self) -> str:
        """As in the messages of an API server: `jobs.batch`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def root(self) -> str:
        """The path below which the kind is served."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


_ALL = ("all",)
_INVOLVED = tuple(
    f"involvedObject.{name}"
    for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
)

RESOURCES = (
    Resource("", "v1", "Namespace", "namespaces", False, ("ns",), ("status",), ("status.phase",)),
    Resource("", "v1", "Node", "nodes", False, ("no",), ("status",), ("spec.unschedulable",)),
    Resource("", "v1", "Pod", "pods", True, ("po",), ("status", "log"),
             ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
              "status.podIP", "status.nominatedNodeName"), _ALL),
    Resource("", "v1", "Event", "events", True, ("ev",), (), (*_INVOLVED, "reason", "type", "reportingComponent")),
    Resource("", "v1", "ResourceQuota", "resourcequotas", True, ("quota",), ("status",)),
    Resource("", "v1", "LimitRange", "limitranges", True, ("limits",)),
    Resource("", "v1", "ConfigMap", "configmaps", True, ("cm",)),
    Resource("", "v1", "Secret", "secrets", True, (), (), ("type",)),
    Resource("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",)),
    Resource("coordination.k8s.io", "v1", "Lease", "leases"),
    Resource("apps", "v1", "Deployment", "deployments", True, ("deploy",), ("status", "scale"), (), _ALL),
    Resource("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), ("status",), ("status.replicas",), _ALL),
    Resource("batch", "v1", "Job", "jobs", True, (), ("status",), ("status.successful",), _ALL),
    Resource("batch", "v1", "CronJob", "cronjobs", True, ("cj",), ("status",), (), _ALL),
)  # fmt: skip

BY_PLURAL = {one.plural: one for one in RESOURCES}
GROUPS = tuple(dict.fromkeys((one.group, one.version) for one in RESOURCES))
"""Every group with its version, the core group first."""
