"""Turning work in the cluster off and on again: Jobs and CronJobs are suspended, Deployments scaled. Nothing is deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from blocks.calls import Call, CallLimits, read, write
from blocks.errors import NotFound, OutsideError, PreconditionFailed
from blocks.gke_pods import gpus_of

if TYPE_CHECKING:
    from kubernetes import client as kubernetes

WorkKind = Literal["Job", "CronJob", "Deployment"]
_PAGE = 500
_WHERE: dict[WorkKind, tuple[str, str, str]] = {
    "Job": ("batch", "v1", "jobs"),
    "CronJob": ("batch", "v1", "cronjobs"),
    "Deployment": ("apps", "v1", "deployments"),
}
_SWITCH: dict[WorkKind, str] = {"Job": "suspend", "CronJob": "suspend", "Deployment": "replicas"}


@dataclass(frozen=True)
class Work:
    """Something in the cluster that can be turned off."""

    kind: WorkKind
    name: str
    uid: str
    setting: int
    """Replicas of a Deployment; of the others 1 when it is suspended, else 0."""
    gpus: int
    """GPUs that one pod of it wants."""
    version: str
    """Its resourceVersion."""
    ended: bool = False
    """A Job that has completed or failed."""
    active: int = 0
    """Pods that it has now, waiting ones too."""
    ready: int = 0
    """Pods that run."""


@dataclass(frozen=True)
class Switches:
    """The work of one namespace. Made by `GkeCluster.switches`."""

    client: Callable[[], kubernetes.ApiClient]
    namespace: str
    limits: CallLimits

    def list(self, kind: WorkKind) -> tuple[Work, ...]:
        """All of that kind, by name."""
        group, version, plural = _WHERE[kind]
        call = Call(f"list the {plural} in namespace {self.namespace}", f"list on {plural}.{group}")
        ask = partial(
            self._objects().list_namespaced_custom_object, group, version, self.namespace, plural, limit=_PAGE
        )
        found: list[Work] = []
        token = ""
        while True:
            options = {"_continue": token} if token else {}
            page: Any = read(call, partial(ask, _request_timeout=self.limits.call_seconds, **options), self.limits)
            found += [work_from(kind, item) for item in page["items"]]
            token = page["metadata"].get("continue") or ""
            if not token:
                return tuple(sorted(found, key=lambda work: work.name))

    def get(self, kind: WorkKind, name: str) -> Work | None:
        """The one of that name; None when there is none."""
        group, version, plural = _WHERE[kind]
        call = Call(f"look at {kind} {name}", f"get on {plural}.{group}")
        ask = partial(self._objects().get_namespaced_custom_object, group, version, self.namespace, plural, name)
        try:
            found: Any = read(call, partial(ask, _request_timeout=self.limits.call_seconds), self.limits)
        except NotFound:
            return None
        return work_from(kind, found)

    def set(self, seen: Work, wanted: int) -> None:
        """Set replicas, or suspend (1) or resume (0), of the very object that was seen.

        Suspending a Job ends its pods; it begins anew when it is resumed (kubernetes.io, "Suspending a Job"). A lost answer
        is looked up. Raises `PreconditionFailed` when it has changed since it was seen, `NotFound`, `UnknownOutcome`.
        """
        group, version, plural = _WHERE[seen.kind]
        call = Call(f"set {seen.kind} {seen.name} to {shown(seen.kind, wanted)}", f"patch on {plural}.{group}")
        value: object = wanted if seen.kind == "Deployment" else bool(wanted)
        steps = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": seen.version},
            {"op": "add", "path": f"/spec/{_SWITCH[seen.kind]}", "value": value},
        ]

        def attempt() -> bool:
            self._objects().patch_namespaced_custom_object(
                group, version, self.namespace, plural, seen.name, steps,
                _request_timeout=self.limits.call_seconds, _content_type="application/json-patch+json",
            )  # fmt: skip
            return True

        def recognise(refusal: OutsideError) -> bool | None:
            now = self.get(seen.kind, seen.name) if isinstance(refusal, PreconditionFailed) else None
            return True if now is not None and (now.uid, now.setting) == (seen.uid, wanted) else None

        write(call, attempt, self.limits, recognise)

    def _objects(self) -> Any:  # a `CustomObjectsApi`, whose answers are of type object
        from kubernetes import client as kubernetes

        return kubernetes.CustomObjectsApi(self.client())


def work_from(kind: WorkKind, item: dict[str, Any]) -> Work:
    """What the API server's JSON says."""
    spec, meta, status = item.get("spec") or {}, item["metadata"], item.get("status") or {}
    job = (spec.get("jobTemplate") or {}).get("spec") or {} if kind == "CronJob" else spec
    pod = (job.get("template") or {}).get("spec") or {}
    ended = {"Complete", "Failed"} & {
        one.get("type") for one in status.get("conditions") or [] if one.get("status") == "True"
    }
    return Work(
        kind=kind,
        name=meta["name"],
        uid=meta["uid"],
        setting=int(spec.get("replicas", 1)) if kind == "Deployment" else int(bool(spec.get("suspend"))),
        gpus=gpus_of(pod.get("containers") or []),
        version=meta["resourceVersion"],
        ended=kind == "Job" and bool(ended),
        active=_number(status.get("replicas") if kind == "Deployment" else status.get("active")),
        ready=_number(status.get("readyReplicas") if kind == "Deployment" else status.get("ready")),
    )


def _number(value: object) -> int:
    """A CronJob's `active` is a list of Jobs."""
    return len(value) if isinstance(value, list) else value if isinstance(value, int) else 0


def shown(kind: WorkKind, setting: int) -> str:
    """A setting in words."""
    if kind == "Deployment":
        return f"{setting} replica" + ("" if setting == 1 else "s")
    return "suspended" if setting else "not suspended"
