"""Sinks of messages: whatever is posted to `/<name>` is kept, as a pager's or a chat's webhook would take it.

Left out: what real services ask for (keys, formats). Any path with one name is a sink; the body is JSON.
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from deployments.sandbox.asgi import Scope, answer_json
from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.loopback import HOST, HttpServer
from deployments.sandbox.storage.connection import Receive, Send, cut, read_body, wait

SinksState = Literal["serving", "down"]
KEPT = 1000
"""The newest messages that are kept."""


@dataclass(frozen=True)
class Received:
    """One message."""

    sink: str
    title: str
    text: str
    kind: str
    """How bad it is, as Apprise says it in `type`: `failure`, `warning`, `info`."""
    at: str


class Sinks:
    """One server with a port of its own, kept for life: `down` closes it, so that a connection is refused.

    Faults go by the service `sinks` and the sink's name as method.
    """

    def __init__(self, faults: Faults, requests: RequestLog, port: int = 0) -> None:
        """`port` 0 takes a free one when it is started."""
        self.port = port
        self.state: SinksState = "serving"
        self._faults, self._requests = faults, requests
        self._server: HttpServer | None = None
        self._lock = threading.Lock()
        self._received: list[Received] = []

    @property
    def address(self) -> str:
        """Where sinks are, as in http://127.0.0.1:4314."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Open the port. Raises OSError when somebody else has it."""
        self._server = HttpServer(self, self.port)
        self.port = self._server.port

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def switch(self, state: SinksState) -> None:
        """Take on a state. Raises OSError when the port was taken while down."""
        if state == "down":
            self.stop()
        elif self._server is None:
            self.start()
        self.state = state

    def received(self, sink: str = "") -> list[Received]:
        """The messages that came, oldest first; of one sink or of all."""
        with self._lock:
            return [one for one in self._received if sink in ("", one.sink)]

    def shown(self) -> list[dict[str, str]]:
        """The same as plain data."""
        return [asdict(one) for one in self.received()]

    def forget(self) -> None:
        """Forget every message."""
        with self._lock:
            self._received.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one message."""
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        if body is None:
            return
        sink = scope["path"].strip("/")
        self._requests.record("sinks", sink, mutates=scope["method"] != "GET")
        fault = self._faults.draw("sinks", sink)
        if fault is not None and await _before(fault, receive):
            return
        if fault is not None and fault.kind == "status":
            await answer_json(send, fault.status, {"error": f"The sandbox was told to answer {fault.status}."})
            return
        status, answer = self._take(scope["method"], sink, body)
        if fault is not None and fault.kind == "lost_answer":
            await cut(receive)
            return
        await answer_json(send, status, answer)

    def _take(self, method: str, sink: str, body: bytes) -> tuple[int, dict[str, str]]:
        if method != "POST" or not sink or "/" in sink:
            return 404, {"error": "POST a message to /<name of a sink>."}
        try:
            said = json.loads(body)
        except ValueError:
            return 400, {"error": "The message is not JSON."}
        if not isinstance(said, dict):
            return 400, {"error": "The message is not a JSON object."}
        text = next((str(said[key]) for key in ("message", "text", "body") if key in said), "")
        one = Received(sink, str(said.get("title", "")), text, str(said.get("type", "")), datetime.now(UTC).isoformat())
        with self._lock:
            self._received = [*self._received, one][-KEPT:]
        return 200, {"ok": "taken"}


async def _before(fault: FaultRule, receive: Receive) -> bool:
    """What a fault does before the message is taken. Whether nothing follows."""
    if fault.kind == "latency":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "hang":
        await wait(receive, fault.seconds)
    if fault.kind in ("hang", "reset"):
        await cut(receive)
        return True
    return False
