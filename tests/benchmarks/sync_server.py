"""The server of the sync benchmark: the sandbox's storage alone, filled, in a process of its own, and a slow line to it.

Nobody listens to its buckets, so a written object starts nothing. It prints one JSON line with both addresses.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, cast

import uvloop

from deployments.sandbox.faults import Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.loopback import HOST, HttpServer, listen
from deployments.sandbox.storage.api import StorageApp
from deployments.sandbox.storage.connection import Receive, Send
from deployments.sandbox.storage.store import ObjectStore

SOURCE, TARGET = "bench-source", "bench-target"
PER_SCENE = 40


def fill(store: ObjectStore, small: int, large: int, large_bytes: int) -> None:
    """`small` objects of 4 KiB in scenes of 40, and `large` ones of `large_bytes`, no two with the same bytes."""
    numbers = random.Random(1)
    store.create_bucket(SOURCE)
    store.create_bucket(TARGET)
    for number in range(small):
        name = f"scenes/scene_{number // PER_SCENE:05d}/assets/obj_{number % PER_SCENE:02d}/asset.glb"
        store.put(SOURCE, name, numbers.randbytes(4096), quiet=True)
    for number in range(large):
        store.put(
            SOURCE, f"scenes/scene_{number:05d}/episodes/recording.bin", numbers.randbytes(large_bytes), quiet=True
        )


class Served:
    """The storage, and beside it `/count` (requests since the last call) and `/empty?bucket` (forget a bucket's objects)."""

    def __init__(self, store: ObjectStore) -> None:
        self.store, self.requests = store, RequestLog()
        self.storage = StorageApp(store, Faults(1), self.requests)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        answer: object
        if scope["type"] == "http" and scope["path"] == "/count":
            answer = self.requests.snapshot()
            self.requests.reset()
        elif scope["type"] == "http" and scope["path"] == "/renew":
            name = scope["query_string"].decode()
            for version in list(self.store.list(name)):
                self.store.delete(name, version.name)
            answer = name
        elif scope["type"] == "http" and scope["path"] == "/change":
            name = scope["query_string"].decode()
            answer = self.store.put(SOURCE, name, random.randbytes(4096), quiet=True).generation
        else:
            await self.storage(scope, receive, send)
            return
        body = json.dumps(answer).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


class SlowLine(asyncio.Protocol):
    """One side of a connection that passes bytes on; those towards the server are `delay` seconds late."""

    def __init__(self, delay: float, other: asyncio.Protocol | None = None, target: int = 0) -> None:
        self.delay, self.other, self.target = delay, other, target
        self.transport: asyncio.Transport | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if self.target:
            asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self.other = await loop.create_connection(lambda: SlowLine(0.0, self), HOST, self.target)
        for data in self.early:
            self._pass_on(data)

    def data_received(self, data: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._pass_on, data)
        else:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is None:
            self.early.append(data)
        elif isinstance(self.other, SlowLine) and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if isinstance(self.other, SlowLine) and self.other.transport is not None:
            self.other.transport.close()


def slow_line(port: int, delay: float) -> int:
    """Listen on a free port and pass everything on to `port`; returns the port. Runs in a thread of its own."""
    listener = listen(0)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: SlowLine(delay, target=port), sock=listener)
        await server.serve_forever()

    threading.Thread(target=lambda: uvloop.run(serve()), daemon=True).start()
    return int(listener.getsockname()[1])


def main() -> None:
    """Serve until standard input ends: `sync_server SMALL LARGE LARGE_BYTES`, or `sync_server --line PORT SECONDS`."""
    if sys.argv[1] == "--line":
        print(json.dumps({"line": f"http://{HOST}:{slow_line(int(sys.argv[2]), float(sys.argv[3]))}"}), flush=True)
    else:
        store = ObjectStore()
        fill(store, *(int(number) for number in sys.argv[1:4]))
        print(json.dumps({"direct": f"http://{HOST}:{HttpServer(Served(store), 0).port}"}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
