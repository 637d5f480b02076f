"""Genie Sim over the real wire: the right word for each server, and no server is brought down by asking."""

from __future__ import annotations

import socket
import subprocess
import sys

import grpc
import pytest

from blocks.environment import PipelineEnvironment
from blocks.genie_sim import GenieSimEndpoint
from tests.simulator_outage.servers import NEW, NOT_SERVING, OLD, SERVING, certificate, grpc_server
from tests.simulator_outage.world import looked_at, state_of

METHODS = {OLD: "GetObservation", NEW: "get_observation"}


@pytest.mark.parametrize("service", [OLD, NEW])
@pytest.mark.parametrize(
    ("health", "word", "outcome"),
    [(SERVING, "serving", "nothing_to_do"), (NOT_SERVING, "not_serving", "failed"), (None, "unknown", "partial")],
)
def test_each_protocol_with_and_without_a_health_service(
    looked: PipelineEnvironment, service: str, health: int | None, word: str, outcome: str
) -> None:
    with grpc_server(service, health) as (address, simulator):
        looked.genie_sim.address = address
        one, found = looked_at(looked)
    state = found.states[0]
    assert (state.word, one.outcome) == (word, outcome), one.sentence()
    assert address in state.evidence[0]
    assert simulator.called == 0, "a server without a robot crashes at the first call"


@pytest.mark.parametrize("service", [OLD, NEW])
def test_a_server_that_crashes_at_its_first_call_still_lives_after_a_look(
    looked: PipelineEnvironment, service: str
) -> None:
    with grpc_server(service) as (address, simulator):
        looked.genie_sim.address = address
        for _ in range(3):
            assert state_of(looked).word == "unknown"
        assert simulator.called == 0
        with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError):
            channel.unary_unary(f"/{service}/{METHODS[service]}")(b"", timeout=5)  # what a probe must never do
        assert simulator.called == 1
        assert state_of(looked).word == "down", "it does crash"


def test_a_server_that_hangs_is_hung(looked: PipelineEnvironment) -> None:
    with grpc_server(NEW, SERVING, hang=True) as (address, _):
        looked.genie_sim.address = address
        one, found = looked_at(looked)
    assert (found.states[0].word, one.outcome) == ("hung", "failed")
    assert "DEADLINE_EXCEEDED" in found.states[0].evidence[0]


def test_a_port_that_takes_the_connection_and_never_speaks_is_an_outage(looked: PipelineEnvironment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        looked.genie_sim.address = f"127.0.0.1:{mute.getsockname()[1]}"
        assert state_of(looked).word in ("hung", "down")


def test_nobody_who_listens_is_down(looked: PipelineEnvironment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        looked.genie_sim.address = f"127.0.0.1:{free.getsockname()[1]}"
    one, found = looked_at(looked)
    assert (found.states[0].word, one.outcome) == ("down", "failed")
    assert "genie-sim is down: No connection" in one.reasons[0]


CRASHES = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
listener.accept()[0].close()  # the connection that only looks whether somebody is there
listener.accept()[0].recv(1)
os._exit(1)
"""


def test_a_server_that_crashes_at_the_first_call_of_its_health_is_down(looked: PipelineEnvironment) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", CRASHES], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        looked.genie_sim.address = f"127.0.0.1:{process.stdout.readline().strip()}"
        assert state_of(looked).word == "down"
        assert process.wait(10) == 1


@pytest.mark.parametrize(("trusted", "word"), [(True, "serving"), (False, "unknown")])
def test_a_server_that_speaks_tls_is_asked_with_it_and_only_when_it_is_trusted(
    looked: PipelineEnvironment, trusted: bool, word: str
) -> None:
    key, chain = certificate()
    with grpc_server(NEW, SERVING, tls=(key, chain)) as (address, _):
        ca = chain if trusted else certificate()[1]
        looked.genie_sim = GenieSimEndpoint(address=address, tls=True, ca=ca.decode(), check_seconds=3.0)
        state = state_of(looked)
    assert state.word == word, state.evidence
    assert trusted or "check ca" in state.evidence[0]


def test_tls_where_none_is_expected_is_said_and_is_no_outage(looked: PipelineEnvironment) -> None:
    with grpc_server(NEW, SERVING, tls=certificate()) as (address, _):
        looked.genie_sim = GenieSimEndpoint(address=address, check_seconds=3.0)
        state = state_of(looked)
    assert (state.word, state.out) == ("unknown", False)
    assert "speaks TLS: set tls" in state.evidence[0]
