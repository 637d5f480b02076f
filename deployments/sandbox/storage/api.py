"""Google Cloud Storage's JSON API over HTTP, on an ObjectStore: an ASGI application.

Faults, counting and repeats are here; which request is which method is in storage_routes.py, and what the methods do
in the files beside it. Not served, and answered with 501: ACLs, IAM policies (but for the question which permissions one
has), folders, HMAC keys, moveTo, bulkRestore, restoring buckets, and multipart uploads of the XML API.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Collection, MutableMapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from pydantic_core import to_json

from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.storage.batch import batch
from deployments.sandbox.storage.connection import Receive, Send, cut, read_body, send_response, wait
from deployments.sandbox.storage.fields import parse_fields, select
from deployments.sandbox.storage.http import Request, Response, as_text, fault_answer, parse_query, refusal, unpacked
from deployments.sandbox.storage.routes import Route, routes
from deployments.sandbox.storage.store import ObjectStore, StoredVersion, StoreError
from deployments.sandbox.storage.store_errors import NotImplementedHere

SERVICE = "storage"
_OTHER_API = re.compile(r"/(?!storage/|download/)(?=(?:[a-z]+/)?v[0-9]+[a-z0-9]*/)([^/]+)/")
"""What paths of Google's other APIs begin with: /v1/projects/..., /compute/v1/projects/..."""
GIB = 1 << 30
REPEAT_SECONDS = 120.0
"""How long a write with an idempotency token answers its repeats with its first answer."""

_REPEATABLE = {"objects.insert", "objects.patch", "objects.delete"}
_MAX_REPEATS = 10_000


class StorageApp:
    """The storage server as an ASGI application. Anybody is let in; a 403 `status` fault shows a missing permission."""

    def __init__(
        self,
        store: ObjectStore,
        faults: Faults,
        requests: RequestLog,
        *,
        denied: Collection[str] = (),
        rewrite_bytes_per_call: int = GIB,
    ) -> None:
        """Serve `store`; draw from `faults` and count in `requests` under the service name `storage`. `denied` are the
        permissions that nobody is said to have."""
        self._store = store
        self._faults = faults
        self._requests = requests
        self._routes = routes(store, rewrite_bytes_per_call, denied)
        self._repeats: OrderedDict[tuple[str, ...], tuple[float, Response]] = OrderedDict()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other kinds of connection are not served."""
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        if body is None:
            return
        try:
            request = _request(scope, body)
        except StoreError as error:
            await send_response(send, refusal(error))
            return
        route = self._find(request)
        method = _name(request, route)
        self._requests.record(SERVICE, method, mutates=_mutates(request, method))
        rule = self._faults.draw(SERVICE, method)
        if rule is not None and await _show(rule, receive, send):
            return
        written: list[StoredVersion] = []
        response = self._batch(request, written) if method == "batch" else self._answer(request, route, written)
        if written and self._store.has_listeners:
            await asyncio.to_thread(self._announce, written)
        if rule is not None and rule.kind == "lost_answer":
            await cut(receive)
            return
        await send_response(send, response, head=request.method == "HEAD")

    def _find(self, request: Request) -> Route | None:
        """The method a request is for. Without such a bucket, a path of another Google API is no object of the XML API."""
        found = next((route for route in self._routes if route.match(request)), None)
        other = _OTHER_API.match(request.path) if found is not None and found.name == "objects.media" else None
        return None if other and not self._store.has_bucket(unquote(other[1])) else found

    def _batch(self, request: Request, written: list[StoredVersion]) -> Response:
        """The answer to a batch. Each call in it is counted and may draw a `status` fault of its own."""

        def call(part: Request) -> Response:
            route = self._find(part)
            method = _name(part, route)
            self._requests.record(SERVICE, method, mutates=_mutates(part, method))
            rule = self._faults.draw(SERVICE, method, kinds=("status",))
            return fault_answer(rule.status) if rule is not None else self._answer(part, route, written)

        try:
            return batch(request, call)
        except StoreError as error:
            return refusal(error)

    def _answer(self, request: Request, route: Route | None, written: list[StoredVersion]) -> Response:
        """The answer to one call, or once more the first answer to a write that is repeated with its token."""
        token = request.headers.get("x-goog-gcs-idempotency-token")
        if token is None or route is None or route.name not in _REPEATABLE or _is_resumable(request):
            return self._call(request, route, written)
        key = (token, request.method, request.path)
        until, first = self._repeats.get(key, (0.0, None))
        if first is not None and until > time.monotonic():
            return first
        response = self._call(request, route, written)
        if response.status < 300:
            self._repeats[key] = (time.monotonic() + REPEAT_SECONDS, response)
            if len(self._repeats) > _MAX_REPEATS:
                self._repeats.popitem(last=False)
        return response

    def _call(self, request: Request, route: Route | None, written: list[StoredVersion]) -> Response:
        """Let the method do its work; what it finalizes is added to `written`."""
        try:
            if route is None:
                raise NotImplementedHere(f"The sandbox does not serve {request.method} {request.path}.")
            mask = parse_fields(request.query["fields"], route.name) if request.query.get("fields") else {}
            found = route.match(request)
            response = route.handler(request, *(unquote(name) for name in found.groups())) if found else Response(404)
        except StoreError as error:
            refused = refusal(error)
            return as_text(refused) if route is not None and route.name == "objects.media" else refused
        if response.written is not None:
            written.append(response.written)
        if response.resource is None:
            return response
        return replace(response, body=to_json(select(response.resource, mask)), resource=None, written=None)

    def _announce(self, written: list[StoredVersion]) -> None:
        for version in written:
            self._store.announce(version)


async def _show(rule: FaultRule, receive: Receive, send: Send) -> bool:
    """Show the trouble of a rule; whether the request has had its answer with that."""
    if rule.kind == "status":
        await send_response(send, fault_answer(rule.status))
        return True
    if rule.kind == "latency":
        await asyncio.sleep(rule.seconds)
    elif rule.kind == "hang":
        await wait(receive, rule.seconds)
    if rule.kind in ("reset", "hang"):
        await cut(receive)
        return True
    return False


def _request(scope: MutableMapping[str, Any], body: bytes) -> Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    raw_query = scope["query_string"].decode("latin-1")
    query = parse_query(raw_query)
    if headers.get("content-encoding") == "gzip" and query.get("contentEncoding") != "gzip":
        body = unpacked(body)
    base = f"{scope.get('scheme', 'http')}://{headers.get('host', 'localhost')}"
    return Request(scope["method"], path, query, headers, body, base, raw_query)


def _name(request: Request, route: Route | None) -> str:
    if route is not None:
        return route.name
    return "batch" if request.method == "POST" and request.path.startswith("/batch") else "unknown"


def _mutates(request: Request, method: str) -> bool:
    """Whether a call asks for a change; the calls of a batch are counted one by one."""
    return request.method not in ("GET", "HEAD", "OPTIONS") and method != "batch"


def _is_resumable(request: Request) -> bool:
    return "upload_id" in request.query or request.query.get("uploadType") == "resumable"
