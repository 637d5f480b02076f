"""What an API server fills in and refuses, kind by kind (Kubernetes: "API Reference", defaults and validation)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployments.sandbox.cluster.errors import Json, KubernetesError, invalid
from deployments.sandbox.cluster.resources import Resource
from deployments.sandbox.cluster.selectors import matches

_CONTAINER: Json = {
    "imagePullPolicy": "IfNotPresent", "resources": {}, "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}  # fmt: skip
_POD: Json = {
    "restartPolicy": "Always", "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst", "securityContext": {},
}  # fmt: skip


class _Judge:
    """Says what is wrong with one object."""

    def __init__(self, resource: Resource, item: Json) -> None:
        self._resource = resource
        self._name = str(item["metadata"].get("name", ""))

    def wrong(self, field: str, message: str) -> KubernetesError:
        return invalid(self._resource.kind, self._resource.group, self._name, field, message)


def admit(resource: Resource, item: Json, old: Json | None) -> Json:
    """The object with its defaults. `old` is what it is to replace. Raises KubernetesError 422.

    `item` is the caller's own copy and may be changed.
    """
    judge = _Judge(resource, item)
    rule = _RULES.get(resource.kind)
    if rule is not None:
        rule(item, old, judge)
    return item


def _fill(item: Json, defaults: Json) -> None:
    for field, value in defaults.items():
        item.setdefault(field, dict(value) if isinstance(value, dict) else value)


def _pod_spec(spec: Json, where: str, judge: _Judge) -> None:
    containers = spec.get("containers")
    if not containers:
        raise judge.wrong(f"{where}.containers", "Required value")
    for number, container in enumerate(containers):
        for field in ("name", "image"):
            if not container.get(field):
                raise judge.wrong(f"{where}.containers[{number}].{field}", "Required value")
        _fill(container, _CONTAINER)
    _fill(spec, _POD)


def _template(spec: Json, where: str, judge: _Judge) -> Json:
    template: Json = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _pod_spec(template.setdefault("spec", {}), f"{where}.template.spec", judge)
    return template


def _job_spec(spec: Json, where: str, judge: _Judge) -> None:
    template = spec.get("template") or {}
    policy = (template.get("spec") or {}).get("restartPolicy")
    _template(spec, where, judge)
    if policy not in ("OnFailure", "Never"):
        message = f'Unsupported value: "{policy or "Always"}": supported values: "OnFailure", "Never"'
        raise judge.wrong(f"{where}.template.spec.restartPolicy", message)
    for field in ("parallelism", "completions", "backoffLimit"):
        if spec.get(field, 0) < 0:
            raise judge.wrong(f"{where}.{field}", "Invalid value: must be greater than or equal to 0")
    defaults = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "suspend": False}
    _fill(spec, {**defaults, "completionMode": "NonIndexed"})


def _job(item: Json, old: Json | None, judge: _Judge) -> None:
    spec, meta = item.setdefault("spec", {}), item["metadata"]
    _job_spec(spec, "spec", judge)
    if len(meta["name"]) > 63:
        raise judge.wrong(
            "spec.template.labels", f'Invalid value: "{meta["name"]}": must be no more than 63 characters'
        )
    labels = spec["template"]["metadata"].setdefault("labels", {})
    for prefix in ("", "batch.kubernetes.io/"):
        labels[f"{prefix}controller-uid"], labels[f"{prefix}job-name"] = meta["uid"], meta["name"]
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": meta["uid"]}}
    if old is not None and spec["template"] != old["spec"]["template"]:
        raise judge.wrong("spec.template", "Invalid value: field is immutable")


def _cron_job(item: Json, _old: Json | None, judge: _Judge) -> None:
    spec = item.setdefault("spec", {})
    schedule = str(spec.get("schedule", ""))
    if not schedule.startswith("@") and len(schedule.split()) != 5:
        raise judge.wrong("spec.schedule", f'Invalid value: "{schedule}": expected exactly 5 fields')
    _job_spec(spec.setdefault("jobTemplate", {}).setdefault("spec", {}), "spec.jobTemplate.spec", judge)
    _fill(spec, {"suspend": False, "concurrencyPolicy": "Allow", "successfulJobsHistoryLimit": 3})
    item.setdefault("status", {})


def _deployment(item: Json, old: Json | None, judge: _Judge) -> None:
    spec = item.setdefault("spec", {})
    selector = spec.get("selector") or {}
    template = _template(spec, "spec", judge)
    if not matches(selector, template["metadata"].get("labels") or {}):
        raise judge.wrong("spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`")
    if old is not None and "selector" in old["spec"] and selector != old["spec"]["selector"]:
        raise judge.wrong("spec.selector", "Invalid value: field is immutable")
    if spec.setdefault("replicas", 1) < 0:
        raise judge.wrong("spec.replicas", "Invalid value: must be greater than or equal to 0")
    if template["spec"]["restartPolicy"] != "Always":
        raise judge.wrong("spec.template.spec.restartPolicy", 'Unsupported value: supported values: "Always"')
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    _fill(spec, {"revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": rolling})


def _pod(item: Json, _old: Json | None, judge: _Judge) -> None:
    _pod_spec(item.setdefault("spec", {}), "spec", judge)


def _active(item: Json, _old: Json | None, _judge: _Judge) -> None:
    item.setdefault("spec", {"finalizers": ["kubernetes"]})
    item.setdefault("status", {"phase": "Active"})


def _event(item: Json, _old: Json | None, judge: _Judge) -> None:
    if not isinstance(item.get("involvedObject"), dict):
        raise judge.wrong("involvedObject", "Required value")


_RULES: dict[str, Callable[[Json, Json | None, _Judge], Any]] = {
    "Job": _job,
    "CronJob": _cron_job,
    "Deployment": _deployment,
    "ReplicaSet": _deployment,
    "Pod": _pod,
    "Namespace": _active,
    "Event": _event,
}
