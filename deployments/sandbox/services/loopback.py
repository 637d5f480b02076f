"""Listening on loopback: nothing of the sandbox can be reached from another machine."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import grpc
import uvicorn

from deployments.sandbox.asgi import App

HOST = "127.0.0.1"


def listen(port: int, patience: float = 0.0) -> socket.socket:
    """A socket that listens on `port` of 127.0.0.1 (0 = a free one).

    `patience` is how many seconds to wait for a port that is being closed. Raises OSError when it stays taken.
    """
    until = time.monotonic() + patience
    while True:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if time.monotonic() >= until:
                raise OSError(f"port {port} of {HOST} is in use by another program") from error
            time.sleep(0.05)
        else:
            return listener


class LoopbackServer:
    """A gRPC server of the sandbox with its threads."""

    def __init__(self, handlers: Sequence[grpc.GenericRpcHandler], threads: int) -> None:
        """`threads` is how many calls it answers at the same time."""
        self._pool = ThreadPoolExecutor(threads, "sandbox-grpc")
        # Without this a second server could share the port and take half of the calls.
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(list(handlers))

    def start(self, port: int, patience: float = 0.0) -> int:
        """Listen on `port` (0 = a free one) and return it. Raises OSError when it is taken for `patience` seconds."""
        if port:
            listen(port, patience).close()  # gRPC itself would fill stderr with its own account of a taken port
        try:
            port = self._server.add_insecure_port(f"{HOST}:{port}")
        except RuntimeError as error:
            raise OSError(f"port {port} of {HOST} is in use by another program") from error
        self._server.start()
        return port

    def stop(self) -> None:
        """Close the port, cut every call and let the threads end."""
        self._server.stop(grace=None).wait()
        self._pool.shutdown(wait=True, cancel_futures=True)


class HttpServer:
    """An ASGI app served by uvicorn in a thread of its own."""

    def __init__(self, app: App, port: int) -> None:
        """Listen on `port` (0 = a free one) and serve. Raises OSError when it is taken."""
        listener = listen(port)
        self.port: int = listener.getsockname()[1]
        config = uvicorn.Config(app, lifespan="off", log_level="critical", access_log=False, timeout_keep_alive=60)
        self._server = _Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="sandbox-http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and cut every request that is still open."""
        self._server.end()
        self._thread.join()

    def _run(self) -> None:
        with self._listener:
            self._server.run(sockets=[self._listener])


class _Server(uvicorn.Server):
    """Ends at once and like a server that is killed: open requests see their connection cut, not a last answer.

    uvicorn itself looks ten times a second whether it is to end and then waits a while for its connections: thousands
    of tests, each with a sandbox of its own, would wait with it.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()

    def end(self) -> None:
        """From any thread: stop serving."""
        self.should_exit = self.force_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._wake.set)

    async def main_loop(self) -> None:
        """Serve until told to end; uvicorn's own tick keeps the date of the answers."""
        self._loop = asyncio.get_running_loop()
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn when it is to end."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
