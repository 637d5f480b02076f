"""A Genie Sim server, as far as its health can be seen from outside: a TCP port and gRPC's standard health service."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, get_args

import grpc
from grpc_health.v1 import health_pb2

from deployments.sandbox.services.loopback import HOST, LoopbackServer
from deployments.sandbox.services.rpc import Methods, Wire, not_found

GenieSimState = Literal["serving", "not_serving", "unimplemented", "down"]
SERVICE = "geniesim.GenieSimService"
STATES: tuple[str, ...] = get_args(GenieSimState)

_ANSWERS = {
    "serving": health_pb2.HealthCheckResponse.SERVING,
    "not_serving": health_pb2.HealthCheckResponse.NOT_SERVING,
}


class GenieSim:
    """One server on one port, which it keeps for life: `down` closes the port, any other state opens it again.

    * `serving`, `not_serving`: the health service answers so.
    * `unimplemented`: a server without the health service, which answers UNIMPLEMENTED.
    * `down`: nothing listens, a connection is refused.
    """

    def __init__(self, wire: Wire, port: int = 0) -> None:
        """`port` 0 takes a free one when it is started."""
        self.port = port
        self.state: GenieSimState = "serving"
        self.since = datetime.now(UTC)
        """Since when it is in this state."""
        self.served: list[Callable[[datetime], None]] = []
        """Told since when it serves, each time that it begins to."""
        self.stuck = False
        """Whether a restart of its Pods leaves it as it is."""
        self._health = _HealthWhenImplemented(self, wire)
        self._server: LoopbackServer | None = None
        self._kept: socket.socket | None = None
        """While it is down: else the system would give the port to the next program that asks for a free one."""
        self._lock = threading.Lock()

    def start(self) -> None:
        """Open the port. Raises OSError when somebody else has it."""
        with self._lock:
            self._open()

    def stop(self) -> None:
        """Close the port for good."""
        with self._lock:
            self._close()
            self._let_go()

    def switch(self, state: GenieSimState) -> None:
        """Take on a state; once this returns, callers see it. Raises OSError when the port was taken while down."""
        with self._lock:
            if state == "down" and self._server is not None:
                self._close()
                self._keep()
            elif state != "down" and self._server is None:
                self._open(patience=1.0)  # the system may need a moment to let go of the port
            before, self.state = self.state, state
            if state != before:
                self.since = datetime.now(UTC)
        for tell in self.served if state == "serving" != before else ():
            tell(self.since)

    def restarted(self) -> None:
        """Its Pods begin anew, so it serves, unless it is stuck."""
        if not self.stuck:
            self.switch("serving")

    def _open(self, patience: float = 0.0) -> None:
        self._let_go()
        self._server = LoopbackServer([self._health], threads=4)
        try:
            self.port = self._server.start(self.port, patience)
        except OSError:
            self._server = None
            self._keep()
            raise

    def _close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _keep(self) -> None:
        kept = socket.socket()
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            kept.bind((HOST, self.port))
        except OSError:  # somebody has it already
            kept.close()
        else:
            self._kept = kept

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class _HealthWhenImplemented(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The health service, which is not there at all in the state `unimplemented`."""

    def __init__(self, genie_sim: GenieSim, wire: Wire) -> None:
        self._genie_sim = genie_sim
        methods: Methods = {"Check": (health_pb2.HealthCheckRequest, self._check)}
        self._handlers = wire.service("grpc.health.v1.Health", "genie_sim", methods)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """gRPC answers UNIMPLEMENTED when this is None."""
        if self._genie_sim.state == "unimplemented":
            return None
        return self._handlers.service(handler_call_details)

    def _check(self, request: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        if request.service not in ("", SERVICE):
            raise not_found(request.service)
        return health_pb2.HealthCheckResponse(status=_ANSWERS.get(self._genie_sim.state, 0))
