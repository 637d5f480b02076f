"""Real servers for the looks: gRPC ones with each protocol of the simulator, and HTTP ones that answer as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

import grpc
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.certificates import self_signed

OLD, NEW = "geniesim.GenieSimService", "aimdk.protocol.SimObservationService"
"""The simulator's service in January and in June."""
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Simulator(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A simulator without a robot: the first call of any of its methods brings it down."""

    def __init__(self, service: str) -> None:
        self.service_name, self.called = service, 0
        self.crash: Callable[[], object] = lambda: None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if not handler_call_details.method.startswith(f"/{self.service_name}/"):
            return None
        return grpc.unary_unary_rpc_method_handler(self._crash)

    def _crash(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.called += 1
        self.crash()
        context.abort(grpc.StatusCode.UNAVAILABLE, "the server has crashed")
        return b""


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """The standard health service, in one state, or never answering."""

    def __init__(self, status: int, hang: threading.Event | None) -> None:
        self._status, self._hang = status, hang

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        if self._hang is not None:
            self._hang.wait(30)
        return health_pb2.HealthCheckResponse(status=self._status)


@contextmanager
def grpc_server(
    service: str, health: int | None = None, *, hang: bool = False, tls: tuple[bytes, bytes] | None = None
) -> Iterator[tuple[str, Simulator]]:
    """A server with that protocol: its address, and the simulator that knows whether it was called.

    `health` None: it has no health service. `tls`: key and certificate, PEM.
    """
    simulator, released = Simulator(service), threading.Event()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([simulator])
    if health is not None:
        health_pb2_grpc.add_HealthServicer_to_server(Health(health, released if hang else None), server)
    if tls is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([tls]))
    simulator.crash = lambda: server.stop(0)
    server.start()
    try:
        yield f"127.0.0.1:{port}", simulator
    finally:
        released.set()
        server.stop(0)


def certificate() -> tuple[bytes, bytes]:
    """A key and a certificate for 127.0.0.1."""
    return self_signed(x509.IPAddress(ip_address("127.0.0.1")))


class Web:
    """What an HTTP server answers by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.headers: dict[str, str] = {}
        """Of every answer."""
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and Authorization of each request."""
        self.hang = threading.Event()
        self.hanging: set[str] = set()
        """Paths that are never answered."""
        self.url = ""


@contextmanager
def http_server() -> Iterator[Web]:
    """A server whose answers the test sets; 404 where it sets none."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
            if self.path in web.hanging:
                web.hang.wait(30)
                return
            status, body = web.answers.get(self.path, (404, "not found"))
            self.send_response(status)
            for key, value in web.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *said: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    web.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        web.hang.set()
        server.shutdown()
        server.server_close()
