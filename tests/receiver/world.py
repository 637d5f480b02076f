"""A receiver of its own for a test: its spool, its rules, and ways to ask it things."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prefect.settings import PREFECT_API_URL
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from blocks.environment import PipelineEnvironment
from deployments.receiver import spool
from deployments.receiver.app import Receiver, make_app
from deployments.receiver.auth import Door, OpenDoor
from deployments.receiver.decode import DECODERS
from deployments.receiver.rules import load_rules
from deployments.receiver.spool import Row
from deployments.sandbox.server import Sandbox
from deployments.stack import call
from tests.receiver.messages import DATA, PROJECT, Sent, notification

ANYBODY: dict[str, Door] = dict.fromkeys(DECODERS, OpenDoor())


def plain_environment() -> PipelineEnvironment:
    """A pipeline that nothing is asked of."""
    return PipelineEnvironment(project=PROJECT, data_bucket=DATA)


def wait_for(look: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first answer of `look` that is not empty."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.01)
    return found


class World:
    """A receiver that runs in this process."""

    def __init__(self, receiver: Receiver, client: TestClient) -> None:
        self.receiver, self.client = receiver, client

    def send(self, sent: Sent, **more: str) -> int:
        """The status a request is answered with."""
        path, headers, body = sent
        return int(self.client.post(path, content=body, headers=headers | more).status_code)

    def rows(self, state: str = "") -> list[Row]:
        """The events in the spool, in the order they came."""
        return rows(self.receiver.path, state)

    def handled(self, many: int) -> list[Row]:
        """The events, once there are so many and none of them waits."""

        def look() -> list[Row]:
            found = self.rows()
            return found if len(found) >= many and all(row.state != "new" for row in found) else []

        return list(wait_for(look, f"{many} events to be handled"))

    def number(self, name: str, **labels: str) -> float:
        """The value of a metric now; 0 when it was never counted."""
        families = text_string_to_metric_families(self.client.get("/metrics").text)
        samples = [one for family in families for one in family.samples]
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())


def rows(path: Path, state: str = "") -> list[Row]:
    """The events in a spool, in the order they came."""
    with spool.opened(path) as connection:
        return spool.rows(connection, "? IN ('', state) ORDER BY number", state)


@contextmanager
def running(
    path: Path, environment: PipelineEnvironment, doors: dict[str, Door] = ANYBODY, **options: Any
) -> Iterator[World]:
    """A receiver on this spool, until the end of the block."""
    receiver = Receiver(path, load_rules(environment), doors, **options)
    with TestClient(make_app(receiver)) as client:
        yield World(receiver, client)


FLOW, DEPLOYMENT = "export-recovery", "export-recovery-on-failure"


def ask(method: str, path: str, body: Any = None) -> Any:
    """Prefect's API; asked again while the server is busy."""
    return call(method, f"{PREFECT_API_URL.value()}{path}", body)


def fail(sandbox: Sandbox, scene: str = "kitchen_001", path: str = "geniesim/.failed") -> Sent:
    """A failure marker that is there, and what Cloud Storage tells of it."""
    name = f"scenes/{scene}/{path}"
    return notification(name, str(sandbox.store.put(DATA, name, b"{}", quiet=True).generation))


def scenes(found: list[dict[str, Any]]) -> list[str]:
    return sorted(run["parameters"]["scene_ids"][0] for run in found)


def events(of: str) -> list[dict[str, Any]]:
    """Prefect's events about a resource, once there are any."""
    wanted = {"filter": {"any_resource": {"id": [of]}}, "limit": 50}
    return list(wait_for(lambda: ask("POST", "/events/filter", wanted)["events"], f"an event of {of}"))


class Bridge:
    """A port that leads to another one, and can be taken away and put back: a server that goes and comes again."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = 0
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def up(self) -> None:
        """Let connections through."""
        listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        assert self._listener is not None
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._listener, self._open = None, []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
