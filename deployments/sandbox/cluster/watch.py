"""Watches: a stream of what changes (Kubernetes: "Efficient detection of changes")."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator

from deployments.sandbox.cluster.errors import Json, KubernetesError, status_of
from deployments.sandbox.cluster.objects import Change, Objects
from deployments.sandbox.cluster.requests import Request
from deployments.sandbox.cluster.table import table
from deployments.sandbox.storage.connection import Receive, Send, gone

LONGEST = 1800
"""Seconds after which a watch ends by itself, as a real server's do."""
EVERY = 0.05
"""Seconds between two looks at the log of changes."""
_INITIAL_END = "k8s.io/initial-events-end"


class _Watch:
    """One watch: what it has shown, and up to which resourceVersion."""

    def __init__(self, objects: Objects, request: Request, wanted: Callable[[Json], bool]) -> None:
        assert request.target is not None
        self._objects, self._request, self._wanted = objects, request, wanted
        self._resource = request.target.resource
        self._shown: set[str] = set()
        self._version = 0

    def begin(self) -> Iterator[Json]:
        """What is there, unless the caller names the resourceVersion he has seen."""
        asked = self._request.number("resourceVersion")
        with self._objects.lock:
            items = [one for one in self._objects.all(self._resource.plural) if self._wanted(one)]
            self._version = asked or self._objects.version
        self._shown = {one["metadata"]["uid"] for one in items}
        if asked and not self._request.flag("sendInitialEvents"):
            return
        for one in items:
            yield self._event("ADDED", one)
        if self._request.flag("sendInitialEvents"):
            metadata = {"resourceVersion": str(self._version), "annotations": {_INITIAL_END: "true"}}
            mark = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": metadata}
            yield {"type": "BOOKMARK", "object": mark}

    def more(self) -> Iterator[Json]:
        """What has changed since. Raises KubernetesError 410 when that is no longer known."""
        changes = self._objects.since(self._version)
        if changes is None:
            raise KubernetesError(410, "Expired", f"too old resource version: {self._version}")
        for change in changes:
            self._version = change.version
            if change.plural == self._resource.plural and (kind := self._kind(change)):
                yield self._event(kind, change.item)

    def _kind(self, change: Change) -> str:
        """What a change is to whoever watches only what the selectors choose; '' = nothing."""
        uid = change.item["metadata"]["uid"]
        known, fits = uid in self._shown, self._wanted(change.item)
        if change.kind == "DELETED" or not fits:
            self._shown.discard(uid)
            return "DELETED" if known or (change.kind == "DELETED" and fits) else ""
        self._shown.add(uid)
        return "MODIFIED" if known and change.kind == "MODIFIED" else "ADDED"

    def _event(self, kind: str, item: Json) -> Json:
        if "as=Table" in self._request.accept:
            item = table(self._resource, [item], item["metadata"]["resourceVersion"])
        return {"type": kind, "object": item}


async def watch(
    objects: Objects, request: Request, wanted: Callable[[Json], bool], receive: Receive, send: Send
) -> None:
    """Stream the changes of what `wanted` chooses until the caller goes or the time is over."""
    stream = _Watch(objects, request, wanted)
    until = time.monotonic() + min(request.number("timeoutSeconds") or LONGEST, LONGEST)
    first = [_line(event) for event in stream.begin()]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"".join(first), "more_body": True})
    leaving = asyncio.ensure_future(gone(receive))
    try:
        while not leaving.done() and time.monotonic() < until:
            try:
                lines = b"".join(_line(event) for event in stream.more())
            except KubernetesError as error:
                await send({"type": "http.response.body", "body": _line({"type": "ERROR", "object": status_of(error)})})
                return
            if lines:
                await send({"type": "http.response.body", "body": lines, "more_body": True})
            await asyncio.wait({leaving}, timeout=EVERY)
        if not leaving.done():
            await send({"type": "http.response.body", "body": b""})
    finally:
        leaving.cancel()


def _line(event: Json) -> bytes:
    return json.dumps(event).encode() + b"\n"
