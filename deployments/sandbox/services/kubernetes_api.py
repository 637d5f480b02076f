"""The Kubernetes API over HTTP and JSON, as much as the flows use: Jobs, Pods, Events, namespaces, version."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import parse_qsl

from deployments.sandbox.asgi import Scope, answer_json, header
from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.kubernetes_cluster import Cluster, Json, KubernetesError
from deployments.sandbox.storage.connection import Receive, Send, cut, read_body, wait

_IN_NAMESPACE = "/namespaces/(?P<namespace>[^/]+)"
_JOBS = f"/apis/batch/v1{_IN_NAMESPACE}/jobs"
_ROUTES = [
    ("version.get", "GET", "/version/?"),
    ("namespaces.get", "GET", f"/api/v1{_IN_NAMESPACE}"),
    ("pods.list", "GET", f"/api/v1{_IN_NAMESPACE}/pods"),
    ("events.list", "GET", f"/api/v1{_IN_NAMESPACE}/events"),
    ("jobs.list", "GET", _JOBS),
    ("jobs.create", "POST", _JOBS),
    ("jobs.get", "GET", f"{_JOBS}/(?P<name>[^/]+)"),
    ("jobs.patch", "PATCH", f"{_JOBS}/(?P<name>[^/]+)"),
    ("jobs.delete", "DELETE", f"{_JOBS}/(?P<name>[^/]+)"),
]
_VERSION = {
    "major": "1", "minor": "34", "gitVersion": "v1.34.0-sandbox", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
}  # fmt: skip
_PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
_BAD = "BadRequest"
_LISTS = {"jobs": ("JobList", "batch/v1"), "pods": ("PodList", "v1"), "events": ("EventList", "v1")}
_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}
"""The words Kubernetes uses for the statuses a fault may answer with."""


def is_kubernetes_path(path: str) -> bool:
    """Whether a request belongs to the Kubernetes API rather than to Cloud Storage, which shares the port."""
    return path.startswith(("/api/", "/apis/")) or path.rstrip("/") == "/version"


class KubernetesApi:
    """An ASGI app for the stock `kubernetes` client."""

    def __init__(self, cluster: Cluster, faults: Faults, requests: RequestLog) -> None:
        """Methods are called jobs.list, jobs.get, jobs.create, jobs.patch, jobs.delete, pods.list, events.list, ..."""
        self._cluster = cluster
        self._faults = faults
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(receive)
        if body is None:
            return
        method, at = _route(scope)
        self._requests.record("kubernetes", method, mutates=scope["method"] not in ("GET", "HEAD"))
        fault = self._faults.draw("kubernetes", method)
        if fault is not None and await _before(fault, receive):
            return
        try:
            if fault is not None and fault.kind == "status":
                reason = _REASONS.get(fault.status, "InternalError")
                raise KubernetesError(fault.status, reason, f"The sandbox was told to answer {fault.status}.")
            status, value = self._answer(method, at, scope, body)
        except KubernetesError as error:
            status, value = error.status, _failure(error)
        if fault is not None and fault.kind == "lost_answer":
            await cut(receive)
        else:
            await answer_json(send, status, value)

    def _answer(self, method: str, at: dict[str, str], scope: Scope, body: bytes) -> tuple[int, Json]:
        match method:
            case "version.get":
                return 200, dict(_VERSION)
            case "namespaces.get":
                return 200, self._cluster.namespace(**at)
            case "jobs.list" | "pods.list" | "events.list":
                query = dict(parse_qsl(scope["query_string"].decode()))
                resource = method.partition(".")[0]
                return 200, _listing(resource, getattr(self._cluster, resource)(**at), query)
            case "jobs.create":
                return 201, self._cluster.create(**at, manifest=_object(body))
            case "jobs.get":
                return 200, self._cluster.get(**at)
            case "jobs.patch":
                _check_patch(scope)
                return 200, self._cluster.patch(**at, patch=_object(body))
            case "jobs.delete":
                options = _object(body) if body else {}
                return 200, self._cluster.delete(**at, preconditions=options.get("preconditions") or {})
            case _:
                raise KubernetesError(404, "NotFound", "the server could not find the requested resource")


async def _before(fault: FaultRule, receive: Receive) -> bool:
    """Let `fault` act before the request takes effect. True: the connection is cut, so nothing more is to be done."""
    if fault.kind == "latency":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "hang":
        await wait(receive, fault.seconds)
    if fault.kind in ("reset", "hang"):
        await cut(receive)
        return True
    return False


def _route(scope: Scope) -> tuple[str, dict[str, str]]:
    """The method a request calls and the names in its path; `unknown` for what is not served."""
    for method, verb, pattern in _ROUTES:
        if scope["method"] == verb and (match := re.fullmatch(pattern, scope["path"])):
            return method, match.groupdict()
    return "unknown", {}


def _check_patch(scope: Scope) -> None:
    if header(scope, "content-type").partition(";")[0] not in _PATCHES:
        _raise(415, "UnsupportedMediaType", f"the sandbox takes patches of type {' or '.join(_PATCHES)} only")


def _listing(resource: str, items: list[Json], query: dict[str, str]) -> Json:
    """A list object; `limit` and `continue` page it by name."""
    if "fieldSelector" in query:
        _raise(400, _BAD, "the sandbox selects by label only, not by field")
    wanted = _selector(query.get("labelSelector", ""))
    after = query.get("continue", "")
    items = [
        item for item in items if item["metadata"]["name"] > after and wanted(item["metadata"].get("labels") or {})
    ]
    limit = int(query.get("limit") or 0) or len(items)
    metadata = {"resourceVersion": "1"}
    if len(items) > limit:
        metadata["continue"] = items[limit - 1]["metadata"]["name"]
    kind, version = _LISTS[resource]
    return {"kind": kind, "apiVersion": version, "metadata": metadata, "items": items[:limit]}


def _selector(text: str) -> Callable[[dict[str, str]], bool]:
    """Kubernetes' equality-based label selector: `a=b`, `a==b`, `a!=b`, `a`, `!a`, joined by commas."""
    terms: list[tuple[str, str, str]] = []
    for part in filter(None, (term.strip() for term in text.split(","))):
        match = re.fullmatch(r"(!?)([\w./-]+)\s*(?:(==?|!=)\s*([\w.-]*))?", part)
        if match is None or (match[1] and match[3]):
            _raise(400, _BAD, f"unable to parse requirement {part!r}: the sandbox knows equality-based selectors only")
        terms.append((match[2], match[1] or match[3] or "has", match[4] or ""))
    return lambda labels: all(_holds(labels, *term) for term in terms)


def _holds(labels: dict[str, str], key: str, sign: str, value: str) -> bool:
    if sign in ("has", "!"):
        return (key in labels) is (sign == "has")
    return (labels.get(key) == value) is (sign != "!=")


def _object(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError as error:
        _raise(400, _BAD, f"the object provided is unrecognized: {error}")
    if not isinstance(value, dict):
        _raise(400, _BAD, "the object provided is not a JSON object")
    return value


def _raise(status: int, reason: str, message: str) -> NoReturn:
    raise KubernetesError(status, reason, message)


def _failure(error: KubernetesError) -> Json:
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": error.message, "reason": error.reason, "code": error.status,
    }  # fmt: skip
