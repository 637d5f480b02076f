"""What the receiver's tests share."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.receiver.world import World, plain_environment, running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the spool is."""
    return tmp_path / "spool" / "receiver.db"


class HangUp(socketserver.BaseRequestHandler):
    """Cuts every connection: unlike a port where nobody listens, Prefect's client does not try that four times."""

    def handle(self) -> None:
        return


@pytest.fixture(scope="session")
def nobody() -> Iterator[str]:
    """The address of a Prefect server that is away."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        server.shutdown()


@pytest.fixture
def prefect_is_down(nobody: str) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: nobody}):
        yield


@pytest.fixture
def world(path: Path, prefect_is_down: None) -> Iterator[World]:
    """A receiver whose Prefect server is away: what it keeps stays as it came."""
    with running(path, plain_environment()) as one:
        yield one
