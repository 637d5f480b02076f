"""What the receiver's tests share."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.receiver import dispatch
from tests.receiver.world import DEPLOYMENT, FLOW, World, ask, plain_environment, running


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    for name in ("FIRST_WAIT", "IDLE_SECONDS"):
        monkeypatch.setattr(dispatch, name, 0.02)


@pytest.fixture
def deployment(prefect_server: None) -> Iterator[str]:
    """The deployment that rules name, without a worker: its runs can be counted."""
    flow = ask("POST", "/flows/", {"name": FLOW})["id"]
    schema = {"type": "object", "properties": {"scene_ids": {"type": "array", "items": {"type": "string"}}}}
    body = {"name": DEPLOYMENT, "flow_id": flow, "parameters": {"mode": "apply"}, "parameter_openapi_schema": schema}
    yield ask("POST", "/deployments/", {**body, "enforce_parameter_schema": True})["id"]
    for one in ask("POST", "/deployments/filter", {"deployments": {"name": {"any_": [DEPLOYMENT]}}}):
        ask("DELETE", f"/deployments/{one['id']}")


@pytest.fixture
def runs(deployment: str) -> Callable[[], list[dict[str, Any]]]:
    """The flow runs there are."""

    def look() -> list[dict[str, Any]]:
        wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "ID_DESC", "limit": 200}
        return list(ask("POST", "/flow_runs/filter", wanted))

    return look
