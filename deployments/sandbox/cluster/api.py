"""The Kubernetes API over HTTP and JSON, for kubectl and the stock client: every kind of resources.py, alike.

Left out: access control, admission webhooks, orphaning, exec, attach and port-forward, protocol buffers, and every kind
that is not in the table. Such a path is answered with 501 and a Status. Quotas count Pods, Jobs and GPUs only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from deployments.sandbox.asgi import Scope, answer_bytes, answer_json
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.cluster.discovery import document
from deployments.sandbox.cluster.errors import Json, KubernetesError, refuse, status_of
from deployments.sandbox.cluster.merge import json_patch, merge_patch, strategic_patch
from deployments.sandbox.cluster.registry import Manager, WriteOptions
from deployments.sandbox.cluster.requests import (
    APPLY_PATCH,
    JSON_PATCH,
    PATCHES,
    STRATEGIC_PATCH,
    Request,
    Target,
    read_request,
    read_token,
    token,
)
from deployments.sandbox.cluster.selectors import field_selector, label_selector
from deployments.sandbox.cluster.table import table
from deployments.sandbox.cluster.watch import watch
from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.storage.connection import Receive, Send, cut, read_body, wait

_REASONS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
    429: "TooManyRequests", 501: "NotImplemented", 503: "ServiceUnavailable", 504: "Timeout",
}  # fmt: skip
"""The words Kubernetes uses for the statuses a fault may answer with."""
_NOT_ALLOWED = "the server does not allow this method on the requested resource"
_PREFIXES = ("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz")


def is_kubernetes_path(path: str) -> bool:
    """Whether a request belongs to the Kubernetes API rather than to Cloud Storage, which shares the port."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in _PREFIXES)


class KubernetesApi:
    """An ASGI app."""

    def __init__(self, cluster: Cluster, faults: Faults, requests: RequestLog) -> None:
        """Methods are called jobs.list, jobs.watch, jobs/status.patch, pods/log.get, discovery.get, version.get, ..."""
        self._cluster = cluster
        self._faults = faults
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(receive)
        if body is None:
            return
        request = read_request(scope, body)
        mutates = request.verb not in ("GET", "HEAD") and request.query.get("dryRun") != "All"
        self._requests.record("kubernetes", request.method, mutates=mutates)
        fault = self._faults.draw("kubernetes", request.method)
        if fault is not None and await _before(fault, receive):
            return
        try:
            if fault is not None and fault.kind == "status":
                refuse(
                    fault.status,
                    _REASONS.get(fault.status, "InternalError"),
                    f"The sandbox was told to answer {fault.status}.",
                )
            if request.does == "watch" and request.target is not None:
                await watch(self._cluster.objects, request, self._wanted(request, request.target), receive, send)
                return
            status, value = self._answer(request)
        except KubernetesError as error:
            status, value = error.status, status_of(error)
        except RecursionError:
            status, value = (
                400,
                status_of(KubernetesError(400, "BadRequest", "the object provided is nested too deeply")),
            )
        if fault is not None and fault.kind == "lost_answer":
            await cut(receive)
        elif isinstance(value, str):
            await answer_bytes(send, status, value.encode(), "text/plain")
        else:
            await answer_json(send, status, value)

    def _answer(self, request: Request) -> tuple[int, Json | str]:
        at, registry = request.target, self._cluster.registry
        if at is None:
            return _discover(request)
        match f"/{at.sub}.{request.does}" if at.sub in ("log", "scale") else request.does:
            case "list":
                return 200, self._list(request, at)
            case "get":
                found = registry.get(at.resource, at.namespace, at.name)
                return 200, table(at.resource, [found], found["metadata"]["resourceVersion"]) if _as_table(
                    request
                ) else found
            case "create" if at.namespace or not at.resource.namespaced:
                made = registry.create(at.resource, at.namespace, request.object(), _options(request))
                return 201, made
            case "update":
                body = request.object()
                return 200, registry.change(
                    at.resource, at.namespace, at.name, lambda _: body, sub=at.sub, options=_options(request)
                )
            case "patch":
                return self._patch(request, at)
            case "delete":
                return 200, self._delete(request, at)
            case "deletecollection":
                return 200, self._delete_all(request, at)
            case "/log.get":
                return 200, _tail(self._cluster.log(at.namespace, at.name), request)
            case "/scale.get" | "/scale.update" | "/scale.patch":
                return 200, self._scale(request, at)
            case _:
                raise KubernetesError(405, "MethodNotAllowed", _NOT_ALLOWED)

    def _wanted(self, request: Request, at: Target) -> Callable[[Json], bool]:
        """What the namespace and the selectors of a request choose."""
        labels = label_selector(request.query.get("labelSelector", ""))
        fields = field_selector(request.query.get("fieldSelector", ""), at.resource)
        inside = at.namespace or None
        return lambda item: inside in (None, item["metadata"].get("namespace")) and labels(item) and fields(item)

    def _list(self, request: Request, at: Target) -> Json:
        after, wanted = read_token(request.query.get("continue", "")), self._wanted(request, at)
        with self._cluster.objects.lock:
            version = str(self._cluster.objects.version)
            every = self._cluster.objects.all(at.resource.plural, at.namespace or None)
        items = [one for one in every if _place(one) > after and wanted(one)]
        limit = request.number("limit") or len(items)
        metadata: Json = {"resourceVersion": version}
        if len(items) > limit:
            metadata |= {"continue": token(items[limit - 1]), "remainingItemCount": len(items) - limit}
        if _as_table(request):
            return table(at.resource, items[:limit], version) | {"metadata": metadata}
        kind = {"kind": f"{at.resource.kind}List", "apiVersion": at.resource.api_version}
        return {**kind, "metadata": metadata, "items": items[:limit]}

    def _patch(self, request: Request, at: Target) -> tuple[int, Json]:
        registry, options = self._cluster.registry, _options(request)
        if request.content_type == APPLY_PATCH:
            manager = request.query.get("fieldManager", "")
            if not manager:
                refuse(400, "BadRequest", "fieldManager is required for apply patch")
            by = Manager(manager, request.flag("force"))
            return registry.apply(at.resource, at.namespace, at.name, request.object(), by, options)
        how = _patcher(request)
        return 200, registry.change(at.resource, at.namespace, at.name, how, sub=at.sub, options=options)

    def _delete(self, request: Request, at: Target) -> Json:
        options = request.object() if request.body else {}
        preconditions = options.get("preconditions") or {}
        if not isinstance(preconditions, dict):
            refuse(400, "BadRequest", "json: cannot unmarshal preconditions into a Go value of type object")
        policy = options.get("propagationPolicy") or request.query.get("propagationPolicy")
        if policy == "Orphan" or options.get("orphanDependents"):
            refuse(501, "NotImplemented", "the sandbox deletes what an object owns with it: it orphans nothing")
        dry_run = request.dry_run or options.get("dryRun") == ["All"]
        return self._cluster.registry.delete(at.resource, at.namespace, at.name, preconditions, dry_run=dry_run)

    def _delete_all(self, request: Request, at: Target) -> Json:
        """Kubernetes: `deletecollection`. Without a namespace a namespaced kind is refused: nobody means that."""
        if at.resource.namespaced and not at.namespace:
            refuse(405, "MethodNotAllowed", _NOT_ALLOWED)
        gone = self._list(Request("GET", request.path, request.query, at, "", "", b""), at)
        for item in gone["items"]:
            namespace, name = _place(item)
            self._cluster.registry.delete(at.resource, namespace, name, {}, dry_run=request.dry_run)
        return gone

    def _scale(self, request: Request, at: Target) -> Json:
        registry = self._cluster.registry
        found = registry.get(at.resource, at.namespace, at.name)
        if request.does != "get":
            shown = _scale_of(found)
            wanted = request.object() if request.does == "update" else _patcher(request)(shown)
            replicas = (wanted.get("spec") or {}).get("replicas", 0) if isinstance(wanted.get("spec"), dict) else None
            if not isinstance(replicas, int) or isinstance(replicas, bool):
                refuse(400, "BadRequest", "json: cannot unmarshal spec.replicas into a Go value of type int32")
            how: Callable[[Json], Json] = lambda old: {**old, "spec": {**old["spec"], "replicas": replicas}}  # noqa: E731
            found = registry.change(at.resource, at.namespace, at.name, how, options=_options(request))
        return _scale_of(found)


def _discover(request: Request) -> tuple[int, Json | str]:
    if request.verb == "GET" and request.path.rstrip("/") == "/openapi/v2":
        return 200, ""  # an empty document in protocol buffers: kubectl then checks nothing by itself
    found = document(request.path) if request.verb == "GET" else None
    if found is None:
        refuse(501, "NotImplemented", f"the sandbox does not serve {request.verb} {request.path}")
    return 200, found


def _options(request: Request) -> WriteOptions:
    return WriteOptions(request.dry_run, request.strict)


def _patcher(request: Request) -> Callable[[Json], Json]:
    """What a patch makes of an object. Raises KubernetesError 400 or 415."""
    kind = request.content_type
    if kind not in PATCHES or kind == APPLY_PATCH:
        refuse(
            415,
            "UnsupportedMediaType",
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(PATCHES)}",
        )
    if kind == JSON_PATCH:
        steps = request.value()
        return lambda old: json_patch(old, steps)
    patch = request.object()
    return lambda old: (strategic_patch if kind == STRATEGIC_PATCH else merge_patch)(old, patch)


def _scale_of(item: Json) -> Json:
    meta = {key: item["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    labels = ((item["spec"].get("selector") or {}).get("matchLabels") or {}).items()
    status = {
        "replicas": (item.get("status") or {}).get("replicas", 0),
        "selector": ",".join(f"{key}={value}" for key, value in labels),
    }
    spec = {"replicas": item["spec"]["replicas"]}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}


def _as_table(request: Request) -> bool:
    return "as=Table" in request.accept


def _place(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _tail(text: str, request: Request) -> str:
    if "tailLines" not in request.query:
        return text
    lines = text.splitlines(keepends=True)
    count = request.number("tailLines")
    return "".join(lines[-count:] if count else [])


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
