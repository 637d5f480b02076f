"""What a Pod refers to by name in its namespace: whether it is there. It is only read, and Secrets are never asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blocks.calls import Call, CallLimits, read
from blocks.errors import NotFound

if TYPE_CHECKING:
    from kubernetes import client as kubernetes

GOOGLE_ACCOUNT = "iam.gke.io/gcp-service-account"
"""Annotation by which GKE lets a service account be one of Google's (GKE, "Workload Identity Federation")."""


@dataclass(frozen=True)
class References:
    """What is looked at in one namespace. Made by `GkeCluster.references`."""

    client: Callable[[], kubernetes.ApiClient]
    namespace: str
    limits: CallLimits

    def has_config_map(self, name: str) -> bool:
        """Whether there is a ConfigMap of that name. Raises `PermanentError` where it may not be looked at."""
        return self.config_map(name) is not None

    def config_map(self, name: str) -> dict[str, str] | None:
        """What a ConfigMap holds; None: there is none of that name. Raises `PermanentError` where it may not be looked at."""
        call = Call(f"look at ConfigMap {name}", "get on configmaps")
        found = self._get(call, "read_namespaced_config_map", name)
        return None if found is None else dict(found.data or {})

    def google_account(self, name: str) -> str | None:
        """The Google account that a service account stands for, empty: for none; None: there is no such service account.

        Raises `PermanentError` where it may not be looked at.
        """
        call = Call(f"look at service account {name}", "get on serviceaccounts")
        found = self._get(call, "read_namespaced_service_account", name)
        return None if found is None else str((found.metadata.annotations or {}).get(GOOGLE_ACCOUNT, ""))

    def _get(self, call: Call, method: str, name: str) -> Any:
        from kubernetes import client as kubernetes

        ask = getattr(kubernetes.CoreV1Api(self.client()), method)
        try:
            return read(call, lambda: ask(name, self.namespace, _request_timeout=self.limits.call_seconds), self.limits)
        except NotFound:
            return None
