"""ResourceQuotas: what is used of them, and what they refuse. Pods, GPUs and the numbers of objects are counted."""

from __future__ import annotations

from deployments.sandbox.cluster.errors import Json
from deployments.sandbox.cluster.objects import Objects
from deployments.sandbox.cluster.scheduling import gpus, phase_of


class Quotas:
    """The quotas of every namespace."""

    def __init__(self, objects: Objects) -> None:
        """Count what is in `objects`."""
        self._objects = objects

    def count(self, namespace: str) -> None:
        """Say of every quota of a namespace what is used of it."""
        for quota in self._objects.all("resourcequotas", namespace):
            hard = (quota.get("spec") or {}).get("hard") or {}
            status = {"hard": hard, "used": {name: str(self.used(namespace, name)) for name in hard}}
            if status != quota.get("status"):
                self._objects.put("resourcequotas", quota | {"status": status})

    def used(self, namespace: str, what: str) -> int:
        """How much of `pods`, `count/jobs.batch` or `requests.nvidia.com/gpu` is used; others are not counted."""
        pods = [one for one in self._objects.all("pods", namespace) if phase_of(one) in ("Pending", "Running")]
        if what in ("pods", "count/pods"):
            return len(pods)
        if what.startswith("count/"):
            return len(self._objects.all(what.removeprefix("count/").partition(".")[0], namespace))
        if what == "requests.nvidia.com/gpu":
            return sum(gpus(pod["spec"]) for pod in pods)
        return 0

    def exceeded(self, kind: str, qualified: str, namespace: str, item: Json) -> str:
        """Which quota a new object would exceed, in the words of an API server; empty: none ("Resource Quotas")."""
        asks = {f"count/{qualified}": 1}
        if kind == "Pod":
            asks |= {"pods": 1, "requests.nvidia.com/gpu": gpus(item["spec"])}
        for quota in self._objects.all("resourcequotas", namespace):
            hard = (quota.get("spec") or {}).get("hard") or {}
            for what, more in asks.items():
                used, limit = self.used(namespace, what), str(hard.get(what, ""))
                if limit.isdecimal() and used + more > int(limit):
                    words = f"requested: {what}={more}, used: {what}={used}, limited: {what}={limit}"
                    return f"exceeded quota: {quota['metadata']['name']}, {words}"
        return ""
