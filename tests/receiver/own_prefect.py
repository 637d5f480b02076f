"""A Prefect server that a test may kill: a process of its own, with its own database, that comes back on the same port."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.children import Children
from deployments.stack import SERVER_SETTINGS, START_SECONDS, answers, free_port, prefect
from tests.receiver.world import ask

SERVER = "prefect-server"
NO_WORKER = {"PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false"}
"""Nobody takes the runs, so it would write again and again that thousands are late, and SQLite would be busy with that."""
PAGE = 200
"""Flow runs that Prefect lists at once."""


class OwnPrefect:
    """The server."""

    def __init__(self, folder: Path, children: Children) -> None:
        self._children, self.port = children, free_port()
        self.api = f"http://127.0.0.1:{self.port}/api"
        own = {"PREFECT_HOME": str(folder), "PREFECT_API_URL": self.api, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self._env |= {**own, **SERVER_SETTINGS, **NO_WORKER, "DO_NOT_TRACK": "1"}

    def start(self) -> None:
        """Start it, or start it again; `up` waits for it."""
        arguments = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port), "--log-level", "WARNING"]
        self._children.start(SERVER, prefect(*arguments), self._env)

    def up(self) -> None:
        """Wait until it answers."""
        self._children.wait_for(SERVER, lambda: answers(f"{self.api}/health"), START_SECONDS)

    def kill(self) -> None:
        """Kill it outright: it finishes nothing, and loses what it has not written yet."""
        os.killpg(self._children.process(SERVER).pid, signal.SIGKILL)
        self._children.process(SERVER).wait(30)
        self._children.stop(SERVER)


@contextmanager
def own_prefect(folder: Path) -> Iterator[OwnPrefect]:
    """A server that is coming up, and is this process's until the end of the block."""
    folder.mkdir()
    with Children(folder) as children:
        one = OwnPrefect(folder, children)
        one.start()
        with temporary_settings({PREFECT_API_URL: one.api}):
            yield one


def deploy(flow: str, name: str, *parameters: str) -> None:
    """A deployment without a worker: its runs are only counted. All its parameters are texts, but for `scene_ids`."""
    text = {"type": "string"}
    kinds = {one: {"type": "array", "items": text} if one == "scene_ids" else text for one in parameters}
    made = ask("POST", "/flows/", {"name": flow})["id"]
    body = {"name": name, "flow_id": made, "parameter_openapi_schema": {"type": "object", "properties": kinds}}
    ask("POST", "/deployments/", {**body, "enforce_parameter_schema": True})


def every_run() -> list[dict[str, Any]]:
    """All flow runs there are, page by page; as many as Prefect counts."""
    found: list[dict[str, Any]] = []
    while page := ask("POST", "/flow_runs/filter", {"sort": "ID_DESC", "limit": PAGE, "offset": len(found)}):
        found += page
    assert len(found) == ask("POST", "/flow_runs/count", {})
    return found


def every_event(prefix: str) -> list[dict[str, Any]]:
    """All events that Prefect has written down under names that begin so."""
    answer = ask("POST", "/events/filter", {"filter": {"event": {"prefix": [prefix]}}, "limit": 50})
    found = list(answer["events"])
    while answer["next_page"]:
        answer = ask("GET", answer["next_page"].partition("/api")[2])
        found += answer["events"]
    return found
