"""The health of the Genie Sim server as its block sees it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from blocks.genie_sim import GenieSimEndpoint
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.genie_sim import GenieSimState


@pytest.fixture(autouse=True)
def serving_again(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.genie_sim.switch("serving")


@pytest.mark.parametrize(
    ("server", "state", "detail"),
    [
        ("serving", "serving", "answers SERVING"),
        ("not_serving", "not_serving", "answers NOT_SERVING"),
        ("unimplemented", "unknown", "can be reached, but has no gRPC health service"),
        ("down", "down", "No connection to"),
    ],
)
def test_each_state_of_the_server_is_told_apart(
    genie_sim: GenieSimEndpoint, sandbox: Sandbox, server: GenieSimState, state: str, detail: str
) -> None:
    sandbox.genie_sim.switch(server)
    health = genie_sim.check()
    assert health.state == state
    assert detail in health.detail
    assert genie_sim.address in health.detail


def test_a_server_that_hangs_is_not_serving_and_the_check_ends_in_time(
    genie_sim: GenieSimEndpoint, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="genie_sim", kind="hang", seconds=30.0))
    begun = time.monotonic()
    health = genie_sim.check()
    assert health.state == "not_serving"
    assert "DEADLINE_EXCEEDED" in health.detail
    assert time.monotonic() - begun < 25.0


def test_a_port_that_takes_connections_but_never_speaks_is_not_serving() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        health = GenieSimEndpoint(address=address, connect_seconds=1.0, check_seconds=0.5).check()
    assert health.state in ("not_serving", "down")


def test_a_server_that_drops_every_connection_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def drop() -> None:
            while True:
                try:
                    rude.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=drop, daemon=True)
        thread.start()
        address = f"127.0.0.1:{rude.getsockname()[1]}"
        health = GenieSimEndpoint(address=address, connect_seconds=1.0, check_seconds=1.0).check()
        rude.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert health.state == "down"


def test_a_name_that_does_not_resolve_is_down() -> None:
    assert GenieSimEndpoint(address="genie-sim.invalid:50051", connect_seconds=1.0).check().state == "down"


def test_one_check_asks_once(genie_sim: GenieSimEndpoint, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="genie_sim", kind="status", status=503))
    genie_sim.check()
    assert sandbox.requests.count("genie_sim", "Check") == 1


@pytest.mark.parametrize("address", ["localhost", "localhost:", ":50051", "localhost:port", ""])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not host:port; use one like 'localhost:50051'"):
        GenieSimEndpoint(address=address)
