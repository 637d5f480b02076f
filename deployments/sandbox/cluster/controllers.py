"""What follows from what: Pods from Jobs and Deployments, ReplicaSets with their revisions, what a quota has used.

A real cluster takes its time; here everything has followed before the answer to a request is sent.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Literal, get_args

from deployments.sandbox.cluster.errors import Json
from deployments.sandbox.cluster.objects import Objects, now
from deployments.sandbox.cluster.pods import NO_GPU, OOM_KILLED, new_event, new_pod, owner_of, pod_status
from deployments.sandbox.cluster.quotas import Quotas
from deployments.sandbox.cluster.scheduling import Scheduler, phase_of

JobState = Literal["running", "pending", "succeeded", "failed", "oom_killed"]
JOB_STATES: tuple[str, ...] = get_args(JobState)
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_HASH = "pod-template-hash"
_PHASES = {
    "running": "Running",
    "pending": "Pending",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "oom_killed": OOM_KILLED,
}


class Controllers:
    """Lets the consequences of a change follow."""

    def __init__(self, objects: Objects, scheduler: Scheduler) -> None:
        """Work on `objects`. A Job runs until `states` says, by its uid, how it stands."""
        self._objects, self._scheduler = objects, scheduler
        self.quotas = Quotas(objects)
        self.states: dict[str, JobState] = {}
        self.broken_images: set[str] = set()
        """Images whose containers never get ready: a rollout to one of them does not finish."""
        self.begun: list[Callable[[str], None]] = []
        """Told the name of each ReplicaSet that has got a new Pod."""

    def settle(self, plural: str, item: Json) -> Json:
        """Let follow what follows from an object that was put; returns it with its status."""
        with self._objects.lock:
            if plural == "jobs":
                item = self._job(item)
            elif plural == "deployments":
                item = self._deployment(item)
            elif plural == "pods" and "status" not in item:
                item = self._objects.put("pods", self._scheduler.place(item))
            self.follow()
            self.quotas.count(item["metadata"].get("namespace", ""))
            return self._objects.find(plural, item["metadata"].get("namespace", ""), item["metadata"]["name"]) or item

    def follow(self) -> None:
        """What follows when GPUs may have become free: pods that waited run, Jobs that a quota held get their pods."""
        changed = self._scheduler.settle()
        for job in self._objects.all("jobs"):
            pod = self._objects.find("pods", job["metadata"]["namespace"], _pod_name(job))
            if (pod is None and _wants_pod(job)) or any(pod is one for one in changed):
                self._job(job)

    # Jobs

    def _job(self, job: Json) -> Json:
        """The status of a Job from its state, and its Pod."""
        state, meta = self.states.get(job["metadata"]["uid"], "running"), job["metadata"]
        suspended = job["spec"].get("suspend") and state in ("running", "pending")
        before = job.get("status") or {}
        status: Json = {"startTime": meta["creationTimestamp"]}
        if state in ("succeeded", "failed", "oom_killed"):
            count, word = ("succeeded", "Complete") if state == "succeeded" else ("failed", "Failed")
            status |= {count: 1, "conditions": [_condition(word, before)]}
            if state == "succeeded":
                status["completionTime"] = before.get("completionTime") or now()
        elif suspended:
            status = {"conditions": [_condition("Suspended", before)]}
        if suspended:
            self._objects.remove("pods", meta["namespace"], _pod_name(job))
        else:
            pod = self._pod_of_job(job, _PHASES[state])
            if not status.get("conditions"):
                runs = pod is not None and phase_of(pod) == "Running"
                status |= {"active": int(pod is not None), "ready": int(runs)}
        return self._with_status("jobs", job, status)

    def _pod_of_job(self, job: Json, phase: str) -> Json | None:
        """The pod of a Job in that phase, as far as quota and GPUs let it; None when a quota keeps it away."""
        place = (job["metadata"]["namespace"], _pod_name(job))
        pod = self._objects.find("pods", *place)
        if pod is None:
            pod = new_pod(_pod_name(job), job["spec"]["template"], owner_of(job))
            if phase in ("Running", "Pending") and (over := self.quotas.exceeded("Pod", "pods", place[0], pod)):
                said = f'Error creating: pods "{pod["metadata"]["name"]}" is forbidden: {over}'
                self._objects.put("events", new_event(job, "FailedCreate", said, "job-controller"))
                return None
        elif phase_of(pod) == phase.replace(OOM_KILLED, "Failed"):
            return pod
        elif phase_of(pod) == "Pending" and phase == "Running":
            self._scheduler.held.discard(pod["metadata"]["uid"])
        if phase == "Running":
            return self._objects.put("pods", self._scheduler.place(pod))
        pod = copy.deepcopy(pod)
        pod["status"] = pod_status(pod, phase)
        pod = self._objects.put("pods", pod)
        if phase == "Pending":
            self._scheduler.held.add(pod["metadata"]["uid"])
            self._objects.put("events", new_event(pod, "FailedScheduling", NO_GPU))
        return pod

    # Deployments

    def _deployment(self, deployment: Json) -> Json:
        """The ReplicaSet of its template at its number of replicas, the others at none."""
        sets = self._sets_of(deployment)
        template = deployment["spec"]["template"]
        name = f"{deployment['metadata']['name']}-{_digest(template)}"
        if deployment["spec"].get("paused") and not any(one["metadata"]["name"] == name for one in sets):
            return self._with_status("deployments", deployment, deployment.get("status") or {})
        newest = max((_revision(one) for one in sets), default=0)
        current = next((one for one in sets if one["metadata"]["name"] == name), None)
        number = newest if current is not None and _revision(current) == newest else newest + 1
        replicas = deployment["spec"]["replicas"]
        ready = not any(one["image"] in self.broken_images for one in template["spec"]["containers"])
        old = [one for one in sets if one["metadata"]["name"] != name and one["spec"]["replicas"]]
        kept = replicas - replicas // 4 if old and not ready else 0  # maxUnavailable is 25%, rounded down
        new = replicas if ready or not old else -(-replicas // 4)  # maxSurge is 25%, rounded up
        self._put_set(deployment, name, number, current, new, ready)
        for number_of_old, one in enumerate(sorted(old, key=_revision, reverse=True)):
            self._scale_set(one, kept if number_of_old == 0 else 0)
        self._forget_sets(deployment, name)
        annotations = {**(deployment["metadata"].get("annotations") or {}), REVISION: str(number)}
        if annotations != deployment["metadata"].get("annotations"):
            meta = {**deployment["metadata"], "annotations": annotations}
            deployment = self._objects.put("deployments", deployment | {"metadata": meta})
        conditions = _rolled_out(deployment) if ready else _stuck(deployment, serving=kept > 0)
        counts = {"replicas": new + kept, "updatedReplicas": new}
        counts |= dict.fromkeys(("readyReplicas", "availableReplicas"), new if ready else kept)
        status = {"observedGeneration": deployment["metadata"]["generation"], "conditions": conditions, **counts}
        return self._with_status("deployments", deployment, status)

    def _put_set(
        self, deployment: Json, name: str, number: int, current: Json | None, replicas: int, ready: bool
    ) -> None:
        meta, spec = deployment["metadata"], deployment["spec"]
        labels = {**(spec["template"]["metadata"].get("labels") or {}), _HASH: name.rpartition("-")[2]}
        owner = owner_of(deployment)
        made = {"name": name, "namespace": meta["namespace"], "generation": 1, **owner.of_new(name)}
        base = current or {"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": made}
        causes = {k: v for k, v in (meta.get("annotations") or {}).items() if k == "kubernetes.io/change-cause"}
        before = base["metadata"].get("annotations") or {}
        annotations = {**before, **causes, REVISION: str(number)}
        if before.get(REVISION, str(number)) != str(number):
            annotations[HISTORY] = ",".join(filter(None, (before.get(HISTORY, ""), before[REVISION])))
        template = copy.deepcopy(spec["template"])
        template["metadata"]["labels"] = labels
        selector = {"matchLabels": {**(spec["selector"].get("matchLabels") or {}), _HASH: labels[_HASH]}}
        changed = {
            **base,
            "metadata": {**base["metadata"], "labels": labels, "annotations": annotations},
            "spec": {**base.get("spec", {"replicas": 0}), "selector": selector, "template": template},
        }
        self._scale_set(changed, replicas, ready)

    def _scale_set(self, one: Json, replicas: int, ready: bool = True) -> None:
        counts = dict.fromkeys(("replicas", "fullyLabeledReplicas"), replicas)
        counts |= dict.fromkeys(("readyReplicas", "availableReplicas"), replicas if ready else 0)
        before = self._objects.find("replicasets", one["metadata"]["namespace"], one["metadata"]["name"])
        changed = {**one, "spec": {**one["spec"], "replicas": replicas}, "status": counts}
        if before != changed:
            self._objects.put("replicasets", changed)
        for number in range(max(replicas, (before or {"spec": {"replicas": 0}})["spec"]["replicas"])):
            place = (one["metadata"]["namespace"], f"{one['metadata']['name']}-{number:05}")
            if number >= replicas:
                self._objects.remove("pods", *place)
            elif self._objects.find("pods", *place) is None:
                pod = new_pod(place[1], one["spec"]["template"], owner_of(one))
                self._objects.put("pods", self._scheduler.place(pod))
                for tell in self.begun if ready else ():
                    tell(one["metadata"]["name"])

    def _forget_sets(self, deployment: Json, current: str) -> None:
        """Keep as many old ReplicaSets as revisionHistoryLimit says."""
        old = [one for one in self._sets_of(deployment) if one["metadata"]["name"] != current]
        for one in sorted(old, key=_revision)[: max(0, len(old) - deployment["spec"]["revisionHistoryLimit"])]:
            self._objects.remove("replicasets", one["metadata"]["namespace"], one["metadata"]["name"])

    def _sets_of(self, deployment: Json) -> list[Json]:
        uid = deployment["metadata"]["uid"]
        found = self._objects.all("replicasets", deployment["metadata"]["namespace"])
        return [one for one in found if any(o["uid"] == uid for o in one["metadata"].get("ownerReferences") or [])]

    def _with_status(self, plural: str, item: Json, status: Json) -> Json:
        return item if item.get("status") == status else self._objects.put(plural, item | {"status": status})


def _wants_pod(job: Json) -> bool:
    """Whether a Job is to run, and has no pod yet."""
    return not job["spec"].get("suspend") and not (job.get("status") or {}).get("conditions")


def _pod_name(job: Json) -> str:
    return f"{job['metadata']['name']}-{job['metadata']['uid'][:5]}"


def _digest(template: Json) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def _revision(one: Json) -> int:
    text = str((one["metadata"].get("annotations") or {}).get(REVISION, "0"))
    return int(text) if text.isdecimal() else 0


def _rolled_out(deployment: Json) -> list[Json]:
    """What a Deployment says when all its replicas are there; the times are those of the change it shows."""
    before = deployment.get("status") or {}
    if before.get("observedGeneration") == deployment["metadata"]["generation"] and before.get("conditions"):
        return list(before["conditions"])
    times = {"lastUpdateTime": now(), "lastTransitionTime": now()}
    reasons = {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
    return [{"type": kind, "status": "True", "reason": reason, **times} for kind, reason in reasons.items()]


def _stuck(deployment: Json, serving: bool) -> list[Json]:
    """What a Deployment says when its progress deadline is over: here at once. `serving`: enough old Pods are left."""
    times = {"lastUpdateTime": now(), "lastTransitionTime": now()}
    message = f'ReplicaSet of "{deployment["metadata"]["name"]}" has timed out progressing.'
    word = "MinimumReplicasAvailable" if serving else "MinimumReplicasUnavailable"
    available = {"type": "Available", "status": str(serving), "reason": word, **times}
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": message, **times}
    known = (deployment.get("status") or {}).get("conditions") or []
    return list(known) if any(one.get("message") == message for one in known) else [available, late]


def _condition(kind: str, before: Json) -> Json:
    """A condition that holds, since when it held before."""
    known = next((one for one in before.get("conditions") or [] if one["type"] == kind), None)
    if known is not None:
        return dict(known)
    return {"type": kind, "status": "True", "lastTransitionTime": now(), "lastProbeTime": now()}
