"""Deployments with their history and Jobs with the images they ran with, as plain data, and changing them.

Objects are read and sent as the JSON that the API server gives, by the client's interface for objects of any kind: its
models would drop every field that is newer than they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from blocks.calls import Call, CallLimits, read, write
from blocks.errors import NotFound, OutsideError, TemporaryError
from blocks.gke_manifests import ClusterJob, Deployment, DeploymentRevision, revision_from

if TYPE_CHECKING:
    from kubernetes import client as kubernetes

Json = dict[str, Any]
GONE_SECONDS = 60.0
"""How long a deleted Job is waited for until its name is free: finalizers may keep it for a while."""
_APPS, _BATCH = ("apps", "v1"), ("batch", "v1")
_PAGE = 500


@dataclass(frozen=True)
class Workloads:
    """What runs in one namespace. Made by `GkeCluster.workloads`."""

    client: Callable[[], kubernetes.ApiClient]
    namespace: str
    limits: CallLimits

    def deployment(self, name: str) -> Deployment | None:
        """The Deployment of that name; None when there is none."""
        call = Call(f"look at Deployment {name}", "get on deployments.apps")
        found = self._get(call, *_APPS, "deployments", name)
        return Deployment(found) if found is not None else None

    def revisions(self, deployment: Deployment) -> list[DeploymentRevision]:
        """What the cluster has kept of it (`revisionHistoryLimit`, 10 by default), newest first, the live one included."""
        call = Call(f"list the ReplicaSets of Deployment {deployment.name}", "list on replicasets.apps")
        owned = (
            one
            for one in self._list(call, *_APPS, "replicasets")
            if any(owner.get("uid") == deployment.uid for owner in one["metadata"].get("ownerReferences") or ())
        )
        found = [made for one in owned if (made := revision_from(one)) is not None]
        return sorted(found, key=lambda one: -one.number)

    def roll(self, name: str, template: Json, *, resource_version: str, cause: str) -> Deployment:
        """Give a Deployment another Pod template, which begins a rollout, and return it as it is then.

        `resource_version` is that of the Deployment the caller saw. `cause` is what `kubectl rollout history` shows. A
        lost answer is looked up. Raises `PreconditionFailed` when it has changed since, `NotFound`, `UnknownOutcome`.
        """
        call = Call(f"roll out Deployment {name}", "patch on deployments.apps")
        steps = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "replace", "path": "/spec/template", "value": template},
            {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": cause},
        ]

        def attempt() -> Deployment:
            changed = self._objects().patch_namespaced_custom_object(
                *_APPS,
                self.namespace,
                "deployments",
                name,
                steps,
                _request_timeout=self.limits.call_seconds,
                _content_type="application/json-patch+json",
            )
            return Deployment(changed)

        def recognise(_refusal: OutsideError) -> Deployment | None:
            live = self.deployment(name)
            return live if live is not None and live.template == template else None

        return write(call, attempt, self.limits, recognise)

    def job(self, name: str) -> ClusterJob | None:
        """The Job of that name with the images its Pods ran with; None when there is none."""
        call = Call(f"look at Job {name}", "get on jobs.batch")
        found = self._get(call, *_BATCH, "jobs", name)
        return ClusterJob(found, self._images(f"job-name={name}").get(name, {})) if found is not None else None

    def jobs(self, prefix: str) -> list[ClusterJob]:
        """The Jobs whose names begin so, newest first, each with the images its Pods ran with."""
        call = Call(f"list the Jobs in namespace {self.namespace}", "list on jobs.batch")
        found = [one for one in self._list(call, *_BATCH, "jobs") if one["metadata"]["name"].startswith(prefix)]
        ran = self._images("job-name") if found else {}
        jobs = [ClusterJob(one, ran.get(one["metadata"]["name"], {})) for one in found]
        return sorted(jobs, key=lambda one: (one.created, one.name), reverse=True)

    def delete_job(self, name: str, uid: str) -> None:
        """Delete the Job with that uid and its Pods, and wait until its name is free. One that is gone is fine.

        Raises `PreconditionFailed` when another one has that name, `TemporaryError` when it is not gone in time.
        """
        call = Call(f"delete Job {name}", "delete on jobs.batch")
        from kubernetes import client as kubernetes

        options = kubernetes.V1DeleteOptions(
            propagation_policy="Background", preconditions=kubernetes.V1Preconditions(uid=uid)
        )

        def attempt() -> None:
            self._objects().delete_namespaced_custom_object(
                *_BATCH, self.namespace, "jobs", name, body=options, _request_timeout=self.limits.call_seconds
            )

        try:
            write(call, attempt, self.limits)
        except NotFound:
            return
        until = time.monotonic() + GONE_SECONDS
        while self._get(call, *_BATCH, "jobs", name) is not None:
            if time.monotonic() > until:
                raise TemporaryError(
                    f"Job {name} was deleted and is still there after {GONE_SECONDS:.0f} s; look which finalizer keeps it."
                )
            time.sleep(0.2)

    def try_job(self, manifest: Json) -> None:
        """Let the API server judge a Job as if it were created, unknown fields too; nothing is kept (`dryRun=All`).

        Raises `PreconditionFailed` when there is one of that name, `PermanentError` with the server's words when it is
        refused. What admits pods (their quota, their service account) is asked only when the Job makes them.
        """
        name = manifest["metadata"]["name"]
        call = Call(f"try Job {name}", "create on jobs.batch", f"is there a namespace {self.namespace}?")

        def attempt() -> None:
            self._objects().create_namespaced_custom_object(
                *_BATCH,
                self.namespace,
                "jobs",
                manifest,
                dry_run="All",
                field_validation="Strict",
                _request_timeout=self.limits.call_seconds,
            )

        read(call, attempt, self.limits)

    def create_job(self, manifest: Json, label: str) -> ClusterJob:
        """Create a Job. A lost answer is looked up by `label`, whose value in the manifest is this caller's own.

        Raises `PreconditionFailed` when there is another one of that name, `PermanentError` when it is refused (a quota,
        an admission policy), `UnknownOutcome`.
        """
        name, mine = manifest["metadata"]["name"], manifest["metadata"]["labels"][label]
        call = Call(f"create Job {name}", "create on jobs.batch", f"is there a namespace {self.namespace}?")

        def attempt() -> ClusterJob:
            made = self._objects().create_namespaced_custom_object(
                *_BATCH, self.namespace, "jobs", manifest, _request_timeout=self.limits.call_seconds
            )
            return ClusterJob(made)

        def recognise(_refusal: OutsideError) -> ClusterJob | None:
            live = self.job(name)
            return live if live is not None and live.labels.get(label) == mine else None

        return write(call, attempt, self.limits, recognise)

    def _get(self, call: Call, group: str, version: str, plural: str, name: str) -> Json | None:
        def attempt() -> Json:
            found: Json = self._objects().get_namespaced_custom_object(
                group, version, self.namespace, plural, name, _request_timeout=self.limits.call_seconds
            )
            return found

        try:
            return read(call, attempt, self.limits)
        except NotFound:
            return None

    def _list(self, call: Call, group: str, version: str, plural: str) -> Iterator[Json]:
        token = ""

        def page(after: str) -> Json:
            options = {"_continue": after} if after else {}
            found: Json = self._objects().list_namespaced_custom_object(
                group,
                version,
                self.namespace,
                plural,
                limit=_PAGE,
                _request_timeout=self.limits.call_seconds,
                **options,
            )
            return found

        while True:
            found = read(call, partial(page, token), self.limits)
            yield from found["items"]
            token = found["metadata"].get("continue") or ""
            if not token:
                return

    def _images(self, selector: str) -> dict[str, dict[str, str]]:
        """By Job and container, the image that a Pod ran with, as the node says (`imageID`)."""
        from kubernetes import client as kubernetes

        call = Call(f"list the Pods in namespace {self.namespace}", "list on pods")
        found: dict[str, dict[str, str]] = {}
        token: str | None = None
        while True:
            options: dict[str, Any] = {"_continue": token} if token else {}
            pods = partial(kubernetes.CoreV1Api(self.client()).list_namespaced_pod, self.namespace, limit=_PAGE)
            ask = partial(pods, label_selector=selector, _request_timeout=self.limits.call_seconds, **options)
            page: Any = read(call, ask, self.limits)
            for pod in page.items:
                statuses = (pod.status.container_statuses or []) if pod.status else []
                ran = found.setdefault(pod.metadata.labels["job-name"], {})
                ran |= {one.name: one.image_id for one in statuses if "@sha256:" in (one.image_id or "")}
            token = page.metadata._continue
            if not token:
                return found

    def _objects(self) -> Any:  # a `CustomObjectsApi`, whose answers are of type object
        from kubernetes import client as kubernetes

        return kubernetes.CustomObjectsApi(self.client())
