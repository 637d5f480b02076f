"""Whether the Genie Sim server answers."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from blocks.base import RemediationBlock
from blocks.clients import plain_channel

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True)
class GenieSimHealth:
    """What was found, and a sentence for the person on call."""

    state: Literal["serving", "not_serving", "unknown", "down"]
    """serving: it says so. not_serving: it says it is loading or failing, or hangs. unknown: reachable, but it has no
    health service, or speaks TLS where none is expected. down: no connection."""
    detail: str
    hung: bool = False
    """It took the connection and did not answer in time."""


class GenieSimEndpoint(RemediationBlock):
    """The Genie Sim gRPC server."""

    _block_type_name = "Remediation Genie Sim"
    _block_type_slug = "remediation-genie-sim"
    _description = "The Genie Sim server: whether it can be reached and says that it is ready."

    address: str = Field(default="localhost:50051", description="host:port of the server.")
    tls: bool = Field(default=False, description="Whether the server speaks TLS.")
    ca: str = Field(
        default="", description="Certificates (PEM) that its own is checked against; empty: the usual ones."
    )
    connect_seconds: float = Field(default=5.0, gt=0, description="Seconds to wait for the connection.")
    check_seconds: float = Field(default=5.0, gt=0, description="Seconds to wait for the answer of the health check.")

    @field_validator("address")
    @classmethod
    def _has_port(cls, address: str) -> str:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"address {address!r} is not host:port; use one like 'localhost:50051'.")
        return address

    def check(self) -> GenieSimHealth:
        """Connect, then ask gRPC's standard health service for the whole server (service name empty).

        Nothing is repeated and nothing raised: a server that does not answer is a finding. No method of the simulator's
        own is ever called: a server without a robot crashes on them.
        """
        try:
            self._connect().close()
        except OSError as error:
            return GenieSimHealth("down", f"No connection to {self.address}: {error}.")
        import grpc
        from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
        from grpc_health.v1.health_pb2_grpc import HealthStub

        with self._channel() as channel:
            try:
                answer = HealthStub(channel).Check(HealthCheckRequest(service=""), timeout=self.check_seconds)
            except grpc.RpcError as error:
                return self._failed(error)
        name = HealthCheckResponse.ServingStatus.Name(answer.status)
        if answer.status == HealthCheckResponse.SERVING:
            return GenieSimHealth("serving", f"{self.address} answers SERVING.")
        return GenieSimHealth("not_serving", f"{self.address} answers {name}.")

    def _connect(self) -> socket.socket:
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=self.connect_seconds)

    def _channel(self) -> grpc.Channel:
        if not self.tls:
            return plain_channel(self.address)
        import grpc

        credentials = grpc.ssl_channel_credentials(self.ca.encode() or None)
        return grpc.secure_channel(self.address, credentials, options=[("grpc.enable_http_proxy", 0)])

    def _failed(self, error: grpc.RpcError) -> GenieSimHealth:
        import grpc

        code, detail = error.code(), error.details()
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return GenieSimHealth("unknown", f"{self.address} can be reached, but has no gRPC health service.")
        if code is grpc.StatusCode.UNAVAILABLE and not self.tls and self._speaks_tls():
            return GenieSimHealth("unknown", f"{self.address} speaks TLS: set tls of the Genie Sim block.")
        if code is grpc.StatusCode.UNAVAILABLE and self.tls and "handshake" in str(detail).lower():
            return GenieSimHealth("unknown", f"{self.address} speaks no TLS that is trusted here ({detail}): check ca.")
        if code is grpc.StatusCode.UNAVAILABLE:
            return GenieSimHealth("down", f"{self.address} accepted the connection and dropped it: {detail}.")
        said = f"{self.address} did not answer the health check ({code.name}: {detail})."
        return GenieSimHealth("not_serving", said, hung=code is grpc.StatusCode.DEADLINE_EXCEEDED)

    def _speaks_tls(self) -> bool:
        """Whether a handshake succeeds, whoever signed the certificate: nothing is sent after it."""
        import ssl

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with self._connect() as plain, context.wrap_socket(plain):
                return True
        except OSError:
            return False
