"""Listings as kubectl prints them: it asks the server for a table (Kubernetes: "Receiving resources as Tables")."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from deployments.sandbox.cluster.errors import Json
from deployments.sandbox.cluster.resources import Resource

Column = tuple[str, Callable[[Json], Any]]


def _at(*path: str, default: Any = "") -> Callable[[Json], Any]:
    def look(item: Json) -> Any:
        value: Any = item
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return default if value is None else value

    return look


def age(item: Json) -> str:
    """How old an object is, as kubectl writes it: 5s, 3m, 2h, 4d."""
    made = datetime.fromisoformat(item["metadata"]["creationTimestamp"])
    seconds = max(0, int((datetime.now(UTC) - made).total_seconds()))
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{letter}"
    return f"{seconds}s"


def _job_status(item: Json) -> str:
    conditions = (item.get("status") or {}).get("conditions") or [{"type": "Running"}]
    return str(conditions[-1]["type"])


def _ready(item: Json) -> str:
    containers = (item.get("status") or {}).get("containerStatuses") or []
    whole = len(item["spec"]["containers"])
    return f"{sum(bool(one.get('ready')) for one in containers)}/{whole}"


def _restarts(item: Json) -> int:
    return sum(one.get("restartCount", 0) for one in (item.get("status") or {}).get("containerStatuses") or [])


def _node_status(item: Json) -> str:
    conditions = (item.get("status") or {}).get("conditions") or []
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    word = "Ready" if ready else "NotReady"
    return f"{word},SchedulingDisabled" if (item.get("spec") or {}).get("unschedulable") else word


def _object(item: Json) -> str:
    involved = item.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


_COLUMNS: dict[str, list[Column]] = {
    "Namespace": [("Status", _at("status", "phase"))],
    "Node": [
        ("Status", _node_status), ("Roles", lambda _: "<none>"), ("Version", _at("status", "nodeInfo", "kubeletVersion")),
    ],
    "Pod": [("Ready", _ready), ("Status", _at("status", "phase")), ("Restarts", _restarts)],
    "Event": [("Type", _at("type")), ("Reason", _at("reason")), ("Object", _object), ("Message", _at("message"))],
    "Deployment": [
        ("Ready", lambda item: f"{_at('status', 'readyReplicas', default=0)(item)}/{item['spec']['replicas']}"),
        ("Up-to-date", _at("status", "updatedReplicas", default=0)),
        ("Available", _at("status", "availableReplicas", default=0)),
    ],
    "ReplicaSet": [
        ("Desired", _at("spec", "replicas")), ("Current", _at("status", "replicas")),
        ("Ready", _at("status", "readyReplicas")),
    ],
    "Job": [
        ("Status", _job_status),
        ("Completions", lambda item: f"{_at('status', 'succeeded', default=0)(item)}/{item['spec']['completions']}"),
    ],
    "CronJob": [("Schedule", _at("spec", "schedule")), ("Suspend", lambda item: str(item["spec"]["suspend"]))],
}  # fmt: skip


def table(resource: Resource, items: list[Json], version: str) -> Json:
    """The items as a table, each row with the metadata of its object."""
    columns: list[Column] = [("Name", _at("metadata", "name")), *_COLUMNS.get(resource.kind, []), ("Age", age)]
    definitions = [
        {"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": name, "priority": 0}
        for name, _ in columns
    ]
    rows = [
        {
            "cells": [look(item) for _, look in columns],
            "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]},
        }
        for item in items
    ]
    metadata = {"resourceVersion": version}
    kind = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return {**kind, "columnDefinitions": definitions, "rows": rows}
