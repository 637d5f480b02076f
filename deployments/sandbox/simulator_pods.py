"""What Kubernetes has of the pods that run the simulator, when the server in them ends and when it serves again."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from blocks.catalogue import Catalogue
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.cluster.errors import Json

_READY = ("Ready", "ContainersReady")
_ENDED = {"exitCode": 1, "reason": "Error"}
_WAITING = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}


class SimulatorPods:
    """The pods of the Deployments that the catalogue names for services that speak gRPC.

    A real kubelet needs some seconds; here it has seen it at once. Whether the server can be reached is another matter:
    the network to it may be cut while its pods are well.
    """

    def __init__(self, cluster: Cluster, catalogue: Catalogue) -> None:
        """Look for the pods in the namespace of the catalogue."""
        self._cluster, self._namespace = cluster, catalogue.namespace
        servers = (one for one in catalogue.services.values() if one.speaks == "grpc")
        self._deployments = {name for server in servers for name in server.deployments}

    def runs(self, replica_set: str) -> bool:
        """Whether the pods of that ReplicaSet run the simulator."""
        return replica_set.rpartition("-")[0] in self._deployments

    def ended(self, at: datetime) -> None:
        """The container's process ended then, and the kubelet waits before it starts it again."""
        self._put(at, ready=False)

    def served(self, at: datetime) -> None:
        """Its process serves since then: pods that were not ready are."""
        self._put(at, ready=True)

    def _put(self, at: datetime, *, ready: bool) -> None:
        moment = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        with self._cluster.objects.lock:
            for pod in self._cluster.objects.all("pods", self._namespace):
                owners = pod["metadata"].get("ownerReferences") or []
                if any(self.runs(one["name"]) for one in owners) and _ready(pod) is not ready:
                    self._cluster.objects.put("pods", _changed(pod, moment, ready))


def _ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _changed(pod: Json, moment: str, ready: bool) -> Json:
    """The pod with its container started anew, or ended and waiting."""
    pod = copy.deepcopy(pod)
    for one in pod["status"].get("conditions") or []:
        if one["type"] in _READY:
            one |= {"status": str(ready), "lastTransitionTime": moment}
    for one in pod["status"].get("containerStatuses") or []:
        one |= {"ready": ready, "started": ready}
        if ready:
            one["state"] = {"running": {"startedAt": moment}}
            continue
        began = (one["state"].get("running") or {}).get("startedAt", moment)
        one["lastState"] = {"terminated": {**_ENDED, "startedAt": began, "finishedAt": moment}}
        one |= {"state": {"waiting": dict(_WAITING)}, "restartCount": one["restartCount"] + 1}
    return pod
