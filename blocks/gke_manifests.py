"""What the manifests of Deployments, ReplicaSets and Jobs say. Pure functions of the API server's JSON."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
"""Annotation of a Deployment and its ReplicaSets (kubernetes.io, "Deployments", "Rolling Back a Deployment")."""
HISTORY = "deployment.kubernetes.io/revision-history"
"""Annotation of a ReplicaSet that had other numbers before (Kubernetes, `deployment/util`, `RevisionHistoryAnnotation`)."""
CAUSE = "kubernetes.io/change-cause"
HASH = "pod-template-hash"
"""Label that the controller adds to the template of a ReplicaSet."""
_OWN_LABELS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
"""Labels that the API server gives a Job's Pods; a new Job gets its own."""
_OWN_METADATA = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
_CONFIG_MAPS = ("configMapRef", "configMapKeyRef", "configMap")
"""Where the spec of a Pod names a ConfigMap: variables, one variable, a volume."""


@dataclass(frozen=True)
class Deployment:
    """A Deployment as it is now."""

    manifest: Json = field(repr=False)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def uid(self) -> str:
        """Tells it from a later one of the same name."""
        return str(self.manifest["metadata"]["uid"])

    @property
    def resource_version(self) -> str:
        """The precondition of a change. Changes with the status, too."""
        return str(self.manifest["metadata"]["resourceVersion"])

    @property
    def generation(self) -> int:
        """Counts the changes of what is wanted."""
        return int(self.manifest["metadata"].get("generation") or 0)

    @property
    def revision(self) -> int:
        """The number of its live revision; 0 before the controller has seen it."""
        return _number((self.manifest["metadata"].get("annotations") or {}).get(REVISION))

    @property
    def template(self) -> Json:
        """The template of its Pods."""
        template: Json = self.manifest["spec"]["template"]
        return template

    @property
    def paused(self) -> bool:
        """Whether changes of it wait until somebody resumes it."""
        return bool(self.manifest["spec"].get("paused"))

    def failure(self) -> str:
        """Why its rollout has failed, as the controller says; empty: it has not."""
        status = self.manifest.get("status") or {}
        if int(status.get("observedGeneration") or 0) < self.generation:
            return ""  # what it says is of the rollout before
        conditions = status.get("conditions") or []
        late = next((one for one in conditions if one.get("reason") == "ProgressDeadlineExceeded"), None)
        return str(late.get("message") or "the progress deadline is over") if late else ""

    def waits_for(self) -> str:
        """What its rollout waits for, in the order of `kubectl rollout status`; empty: it is finished."""
        status, replicas = self.manifest.get("status") or {}, self.manifest["spec"].get("replicas")
        wanted = 1 if replicas is None else int(replicas)
        updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
        if int(status.get("observedGeneration") or 0) < self.generation:
            return "its change has not been seen by the controller yet"
        if updated < wanted:
            return f"{updated} of {wanted} new replicas are there"
        if int(status.get("replicas") or 0) > updated:
            return f"{int(status['replicas']) - updated} old replicas have not ended yet"
        return f"{available} of {updated} new replicas are available" if available < updated else ""


@dataclass(frozen=True)
class DeploymentRevision:
    """One revision that the cluster has kept."""

    number: int
    template: Json = field(repr=False)
    """As the Deployment had it."""
    created: datetime
    cause: str = ""
    """What `kubectl rollout history` shows."""
    available: int = 0
    """Pods of it that serve now."""
    reused: bool = False
    """It had another number before: when it became this revision is recorded nowhere."""


@dataclass(frozen=True)
class ClusterJob:
    """A Job as it is now."""

    manifest: Json = field(repr=False)
    ran: Mapping[str, str] = field(default_factory=dict)
    """By container, the image by its digest that a Pod ran with."""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def uid(self) -> str:
        """Tells it from a later one of the same name."""
        return str(self.manifest["metadata"]["uid"])

    @property
    def labels(self) -> dict[str, str]:
        """Its own labels."""
        return dict(self.manifest["metadata"].get("labels") or {})

    @property
    def created(self) -> datetime:
        """When."""
        return datetime.fromisoformat(self.manifest["metadata"]["creationTimestamp"])

    @property
    def state(self) -> str:
        """`complete`, `failed`, `suspended` or `active`: what has no condition yet may still make Pods."""
        for one in (self.manifest.get("status") or {}).get("conditions") or []:
            if one.get("status") == "True" and one.get("type") in ("Complete", "Failed"):
                return str(one["type"]).lower()
        return "suspended" if self.manifest["spec"].get("suspend") else "active"

    @property
    def images(self) -> tuple[str, ...]:
        """The image of each container: by its digest where the manifest or a Pod names one, else as it is written."""
        return tuple(
            one["image"] if "@" in one["image"] else _pulled(self.ran.get(one["name"], "")) or one["image"]
            for one in containers(self.manifest["spec"]["template"])
        )


def revision_from(replica_set: Json) -> DeploymentRevision | None:
    """What a ReplicaSet has kept; None for one that has no revision number."""
    meta = replica_set["metadata"]
    annotations = meta.get("annotations") or {}
    number = _number(annotations.get(REVISION))
    if not number:
        return None
    template = copy.deepcopy(replica_set["spec"]["template"])
    ((template.get("metadata") or {}).get("labels") or {}).pop(HASH, None)
    created = datetime.fromisoformat(meta["creationTimestamp"])
    available = int((replica_set.get("status") or {}).get("availableReplicas") or 0)
    cause, reused = str(annotations.get(CAUSE) or ""), bool(annotations.get(HISTORY))
    return DeploymentRevision(number, template, created, cause, available, reused)


def containers(template: Json) -> list[Json]:
    """The containers of a Pod template."""
    found: list[Json] = template["spec"]["containers"]
    return found


def with_images(manifest: Json, change: Callable[[str], str]) -> Json:
    """The manifest of a Job whose images are what `change` makes of them, those of its init containers too."""
    made = copy.deepcopy(manifest)
    for one in _all_containers(made["spec"]["template"]["spec"]):
        one["image"] = change(one["image"])
    return made


def as_new(manifest: Json) -> Json:
    """The manifest of a Job as somebody would create it again: without what the API server has given it."""
    made = copy.deepcopy(manifest)
    made.pop("status", None)
    for name in _OWN_METADATA:
        made["metadata"].pop(name, None)
    if not made["spec"].get("manualSelector"):
        made["spec"].pop("selector", None)
        for labels in (made["metadata"].get("labels"), (made["spec"]["template"].get("metadata") or {}).get("labels")):
            for name in _OWN_LABELS:
                (labels or {}).pop(name, None)
    return made


def config_maps(value: Any) -> set[str]:
    """The ConfigMaps without which a Pod of that spec cannot start: those that no reference calls optional."""
    if isinstance(value, list):
        return {name for one in value for name in config_maps(one)}
    if not isinstance(value, dict):
        return set()
    found = {name for one in value.values() for name in config_maps(one)}
    named = [value[key] for key in _CONFIG_MAPS if isinstance(value.get(key), dict)]
    return found | {str(one["name"]) for one in named if one.get("name") and not one.get("optional")}


def _all_containers(spec: Json) -> Iterator[Json]:
    yield from spec.get("initContainers") or ()
    yield from spec["containers"]


def _number(text: object) -> int:
    return int(str(text)) if str(text).isdecimal() else 0


def _pulled(image_id: str) -> str:
    """An `imageID` as a reference: older nodes write `docker-pullable://` before it."""
    return image_id.rpartition("://")[2]
