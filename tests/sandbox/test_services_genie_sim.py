"""The Genie Sim stand-in: what its port and its health service tell, asked over TCP and by gRPC's own health stub."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.genie_sim import STATES, GenieSim
from deployments.sandbox.services.loopback import HOST
from deployments.sandbox.services.rpc import Wire

EXPECTED = {
    "serving": (True, "SERVING"),
    "not_serving": (True, "NOT_SERVING"),
    "unimplemented": (True, "UNIMPLEMENTED"),
    "down": (False, "UNAVAILABLE"),
}


@pytest.fixture
def genie_sim() -> Iterator[GenieSim]:
    server = GenieSim(Wire(Faults(1), RequestLog()))
    server.start()
    yield server
    server.stop()


def is_open(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def health(port: int, timeout: float = 2.0, service: str = "") -> str:
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=timeout
            )
        except grpc.RpcError as error:
            return str(error.code().name)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_after_a_switch_port_and_health_are_those_of_the_new_state(
    genie_sim: GenieSim, before: str, after: str
) -> None:
    port = genie_sim.port
    for state in (before, after):
        genie_sim.switch(state)
        assert (is_open(port), health(port)) == EXPECTED[state]
    assert genie_sim.port == port


def test_while_it_is_down_its_port_is_taken_and_answers_nobody(genie_sim: GenieSim) -> None:
    """A free port would be given to the next sandbox, which serves: a service that is down would be seen to serve."""
    genie_sim.switch("down")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((HOST, genie_sim.port))
    assert not is_open(genie_sim.port)
    genie_sim.switch("serving")
    assert health(genie_sim.port) == "SERVING"


def test_a_port_that_somebody_took_while_it_was_down_is_an_error(genie_sim: GenieSim) -> None:
    genie_sim.switch("down")
    with socket.create_server((HOST, genie_sim.port)):
        with pytest.raises(OSError, match="in use by another program"):
            genie_sim.switch("serving")
        assert genie_sim.state == "down"
    genie_sim.switch("serving")
    assert health(genie_sim.port) == "SERVING"


def test_the_health_of_another_service_is_not_found(genie_sim: GenieSim) -> None:
    assert health(genie_sim.port, service="geniesim.GenieSimService") == "SERVING"
    assert health(genie_sim.port, service="somebody.Else") == "NOT_FOUND"


def test_a_hanging_health_check_ends_with_the_callers_deadline() -> None:
    faults = Faults(1)
    faults.add(FaultRule(service="genie_sim", method="Check", kind="hang", seconds=30))
    server = GenieSim(Wire(faults, RequestLog()))
    server.start()
    try:
        assert is_open(server.port)
        assert health(server.port, timeout=0.2) == "DEADLINE_EXCEEDED"
    finally:
        server.stop()
