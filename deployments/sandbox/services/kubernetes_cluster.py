"""The GPU cluster behind the sandbox's Kubernetes API: Jobs, and the Pods and Events that follow from them."""

from __future__ import annotations

import copy
import itertools
import threading
import uuid
from datetime import UTC, datetime
from typing import Any, Literal, get_args

Json = dict[str, Any]
JobState = Literal["running", "pending", "succeeded", "failed"]
JOB_STATES: tuple[str, ...] = get_args(JobState)

_PHASES = {"running": "Running", "pending": "Pending", "succeeded": "Succeeded", "failed": "Failed"}
_NO_GPU = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."


class KubernetesError(Exception):
    """A refusal with the HTTP status, Kubernetes' word for it and a sentence."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        """`reason` is one of Kubernetes' own: NotFound, AlreadyExists, Conflict, Invalid, BadRequest."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


class Cluster:
    """Namespaces with Jobs, thread-safe. A Job runs, as one Pod, until `set_state` says how it ended."""

    def __init__(self, namespaces: tuple[str, ...]) -> None:
        """`namespaces` are the only ones there ever are."""
        self.namespaces = namespaces
        self._lock = threading.RLock()
        self._jobs: dict[tuple[str, str], Json] = {}
        self._states: dict[str, JobState] = {}
        self._versions = itertools.count(1)

    def namespace(self, namespace: str) -> Json:
        """A namespace. Raises KubernetesError when there is none of that name."""
        if namespace not in self.namespaces:
            raise KubernetesError(404, "NotFound", f'namespaces "{namespace}" not found')
        return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": namespace}, "status": {"phase": "Active"}}

    def create(self, namespace: str, manifest: Json) -> Json:
        """Create a Job. Raises KubernetesError when it exists or makes no sense."""
        self.namespace(namespace)
        name = manifest.get("metadata", {}).get("name")
        if not name or not manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers"):
            message = "Job is invalid: metadata.name and spec.template.spec.containers are required"
            raise KubernetesError(422, "Invalid", message)
        with self._lock:
            if (namespace, name) in self._jobs:
                raise KubernetesError(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
            job = self._complete(copy.deepcopy(manifest), namespace)
            self._jobs[namespace, name] = job
            self._settle(job)
            return copy.deepcopy(job)

    def get(self, namespace: str, name: str) -> Json:
        """A Job. Raises KubernetesError when there is none of that name."""
        with self._lock:
            return copy.deepcopy(self._job(namespace, name))

    def jobs(self, namespace: str) -> list[Json]:
        """Every Job of the namespace, by name."""
        with self._lock:
            return [copy.deepcopy(job) for (place, _), job in sorted(self._jobs.items()) if place == namespace]

    def patch(self, namespace: str, name: str, patch: Json) -> Json:
        """Merge `patch` into a Job (RFC 7386). Raises KubernetesError when its resourceVersion is an old one."""
        with self._lock:
            job = self._job(namespace, name)
            _check_version(job, patch.get("metadata", {}).get("resourceVersion"))
            merged = merge_patch(job, patch)
            if merged["spec"]["template"] != job["spec"]["template"]:
                raise KubernetesError(422, "Invalid", f'Job.batch "{name}" is invalid: spec.template: is immutable')
            self._jobs[namespace, name] = merged
            self._settle(merged)
            return copy.deepcopy(merged)

    def delete(self, namespace: str, name: str, preconditions: Json) -> Json:
        """Delete a Job with its Pods. `preconditions` may hold `uid` and `resourceVersion`."""
        with self._lock:
            job = self._job(namespace, name)
            _check_version(job, preconditions.get("resourceVersion"))
            if preconditions.get("uid") not in (None, job["metadata"]["uid"]):
                raise KubernetesError(409, "Conflict", f'jobs.batch "{name}" has another uid than the precondition')
            del self._jobs[namespace, name]
            self._states.pop(job["metadata"]["uid"], None)
            details = {"name": name, "group": "batch", "kind": "jobs", "uid": job["metadata"]["uid"]}
            return {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": details}

    def set_state(self, namespace: str, name: str, state: JobState) -> None:
        """Say how a Job stands; `pending` is a Job whose Pod finds no GPU."""
        with self._lock:
            job = self._job(namespace, name)
            self._states[job["metadata"]["uid"]] = state
            self._settle(job)

    def pods(self, namespace: str) -> list[Json]:
        """One Pod for each Job that is not suspended."""
        with self._lock:
            jobs = [job for job in self.jobs(namespace) if not job["spec"].get("suspend")]
            return [_pod(job, self._state(job)) for job in jobs]

    def events(self, namespace: str) -> list[Json]:
        """A FailedScheduling event for each Pod that is pending."""
        return [_event(pod) for pod in self.pods(namespace) if pod["status"]["phase"] == "Pending"]

    def _job(self, namespace: str, name: str) -> Json:
        try:
            return self._jobs[namespace, name]
        except KeyError:
            raise KubernetesError(404, "NotFound", f'jobs.batch "{name}" not found') from None

    def _complete(self, job: Json, namespace: str) -> Json:
        job |= {"kind": "Job", "apiVersion": "batch/v1"}
        uid = str(uuid.uuid4())
        job["metadata"] |= {"namespace": namespace, "uid": uid, "creationTimestamp": _now(), "generation": 1}
        job["spec"] = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "suspend": False} | job["spec"]
        labels = job["spec"]["template"].setdefault("metadata", {}).setdefault("labels", {})
        labels |= {"job-name": job["metadata"]["name"], "batch.kubernetes.io/job-name": job["metadata"]["name"]}
        return job

    def _state(self, job: Json) -> JobState:
        return self._states.get(job["metadata"]["uid"], "running")

    def _settle(self, job: Json) -> None:
        """Have the status follow from spec and state, under a new resourceVersion."""
        state, since = self._state(job), job["metadata"]["creationTimestamp"]
        status: Json = {"startTime": since}
        if state in ("succeeded", "failed"):
            kind = "Complete" if state == "succeeded" else "Failed"
            status |= {state: 1, "conditions": [_condition(kind)]}
            if state == "succeeded":
                status["completionTime"] = _now()
        elif job["spec"].get("suspend"):
            status = {"conditions": [_condition("Suspended")]}
        else:
            status |= {"active": 1, "ready": int(state == "running")}
        job["status"] = status
        job["metadata"]["resourceVersion"] = str(next(self._versions))


def merge_patch(target: Any, patch: Any) -> Any:
    """`patch` merged into `target` (RFC 7386): null removes a key, a list replaces a list."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _check_version(job: Json, wanted: str | None) -> None:
    name, actual = job["metadata"]["name"], job["metadata"]["resourceVersion"]
    if wanted not in (None, actual):
        message = f'Operation cannot be fulfilled on jobs.batch "{name}": the object has been modified'
        raise KubernetesError(409, "Conflict", message)


def _pod(job: Json, state: JobState) -> Json:
    meta, template = job["metadata"], job["spec"]["template"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
    metadata = {
        "name": f"{meta['name']}-{meta['uid'][:5]}",
        "namespace": meta["namespace"],
        "uid": str(uuid.uuid5(uuid.UUID(meta["uid"]), "pod")),
        "creationTimestamp": meta["creationTimestamp"],
        "labels": template["metadata"]["labels"],
        "ownerReferences": [owner],
    }
    return {
        "kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"],
        "status": {"phase": _PHASES[state], "startTime": meta["creationTimestamp"]},
    }  # fmt: skip


def _event(pod: Json) -> Json:
    meta = pod["metadata"]
    return {
        "kind": "Event", "apiVersion": "v1",
        "metadata": {"name": f"{meta['name']}.1", "namespace": meta["namespace"]},
        "involvedObject": {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        "type": "Warning", "reason": "FailedScheduling", "message": _NO_GPU,
        "firstTimestamp": meta["creationTimestamp"], "lastTimestamp": _now(), "count": 1,
    }  # fmt: skip


def _condition(kind: str) -> Json:
    return {"type": kind, "status": "True", "lastTransitionTime": _now(), "lastProbeTime": _now()}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
