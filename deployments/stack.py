"""The whole thing on one machine: sandbox, a private Prefect server, deployments, a worker, and the event receiver.

Everything is written below one state folder; every port is free when it is chosen.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from deployments.authorities import one_authority
from deployments.children import Children
from deployments.sandbox.endpoints import Endpoints
from deployments.sandbox.names import DATA_BUCKET, PROJECT
from deployments.sandbox.services.pubsub_push import PushSubscription
from deployments.state import STATE
from tasks.doctor.prefect_server import LEASE_STORAGE

WORK_POOL = "remediation"
START_SECONDS = 240.0
"""How long a child may take to be ready on a machine that is slow or busy; one that ends meanwhile is noticed at once."""


SERVER_SETTINGS = {
    # In memory, the default, a restart of the server loses every lease, and the runs that hold one are killed.
    LEASE_STORAGE[0]: LEASE_STORAGE[1],
    # Whole seconds only: Prefect cuts the recorder's 0.5 to 0, and the server then spins on a whole core.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
}
"""What a Prefect server needs beyond its defaults, here and in a real project (docs/deploy.md)."""
WORKER_SETTINGS = {"PREFECT_WORKER_QUERY_SECONDS": "0.5"}
"""What a worker needs, likewise."""
ANSWER_SECONDS = 20.0
"""How long an answer is waited for before a request that may be made twice is made again."""


class Stack:
    """A running stack. Use it as a context manager."""

    def __init__(self, name: str, ui_port: int = 0, sandbox_port: int = 0) -> None:
        """
        Args:
            name: Folder below `.state/` for everything this stack writes.
            ui_port: Port of Prefect's API and UI; 0 picks a free one.
            sandbox_port: Port of the sandbox's HTTP services; 0 picks a free one.
        """
        self.folder = STATE / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.authority = one_authority(self.folder)  # once: whoever reads it must never find it half written
        self.children = Children(self.folder)
        self.ui_port = ui_port or free_port()
        self.receiver_port = free_port()
        self.sandbox_port = sandbox_port
        self.endpoints: Endpoints | None = None

    @property
    def api_url(self) -> str:
        """Prefect's API."""
        return f"http://127.0.0.1:{self.ui_port}/api"

    @property
    def ui_url(self) -> str:
        """Prefect's UI."""
        return f"http://127.0.0.1:{self.ui_port}"

    @property
    def receiver_url(self) -> str:
        """Where Pub/Sub would push to."""
        return f"http://127.0.0.1:{self.receiver_port}/pubsub"

    def environ(self) -> dict[str, str]:
        """Environment variables of every child: our own Prefect, nobody's profile or telemetry."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)  # each flow run would compile every module again
        temporary = self.folder / "tmp"  # what a killed flow run leaves behind stays with everything else
        temporary.mkdir(parents=True, exist_ok=True)
        return kept | {
            "TMPDIR": str(temporary),
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_UI_API_URL": self.api_url,
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(self.ui_port),
            "PREFECT_API_SSL_CERT_FILE": str(self.authority),
            # The server wants no token, and would be asked for one all the same.
            "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            **SERVER_SETTINGS,
            **WORKER_SETTINGS,
            "REMEDIATION_STATE": str(self.folder),
        }

    def start(self) -> None:
        """Start everything and wait until it is ready. Raises `ChildFailed`."""
        env = self.environ()
        self.children.start("prefect-server", prefect("server", "start", "--log-level", "WARNING"), env)
        self.start_sandbox(env)
        self.children.wait_for("prefect-server", self.server_is_up, START_SECONDS)
        known = [self.endpoints_json(), self.receiver_url.removesuffix("/pubsub")]
        self.children.run("bootstrap", [sys.executable, "-m", "deployments.bootstrap", *known], env)
        self.children.start("worker", prefect("worker", "start", "--pool", WORK_POOL, "--type", "process"), env)
        arguments = ["receiver", "--port", str(self.receiver_port)]
        self.children.start("receiver", [sys.executable, "-m", "deployments.cli", *arguments], env)
        health = self.receiver_url.replace("/pubsub", "/healthz")
        self.children.wait_for("receiver", lambda: answers(health), START_SECONDS)
        self.tell_the_receiver()
        self.children.wait_for("worker", self.worker_is_online, START_SECONDS)

    def tell_the_receiver(self) -> None:
        """New objects of scenes, and failed executions: a subscription, and the notification that the bucket then has."""
        made = PushSubscription(url=self.receiver_url, name_prefix="scenes/")
        self.control("POST", "push", made.model_dump(exclude_defaults=True))
        assert self.endpoints is not None
        told = {
            "topic": f"//pubsub.googleapis.com/projects/{PROJECT}/topics/{made.topic}",
            "payload_format": "JSON_API_V1",
            "event_types": ["OBJECT_FINALIZE"],
            "object_name_prefix": made.name_prefix,
        }
        call("POST", f"{self.endpoints.storage}/storage/v1/b/{DATA_BUCKET}/notificationConfigs", told)

    def start_sandbox(self, env: dict[str, str]) -> None:
        """Start the sandbox; its first line names every endpoint."""
        arguments = ["sandbox", "--port", str(self.sandbox_port), "--json"]
        self.children.start("sandbox", [sys.executable, "-m", "deployments.cli", *arguments], env)
        log = self.folder / "sandbox.log"
        self.children.wait_for("sandbox", lambda: b"\n" in log.read_bytes(), START_SECONDS)
        first = json.loads(log.read_text().splitlines()[0])
        self.endpoints = Endpoints.model_validate({key: first[key] for key in Endpoints.model_fields})

    def endpoints_json(self) -> str:
        """The endpoints for a child's command line."""
        assert self.endpoints is not None
        return self.endpoints.model_dump_json()

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call to the sandbox's control interface."""
        assert self.endpoints is not None
        return call(method, f"{self.endpoints.control}/{path}", body)

    def server_is_up(self) -> bool:
        """Whether our own server answers; one that somebody else started on this port just now does not count."""
        try:
            settings = call("GET", f"{self.api_url}/admin/settings", patience=0.0)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return isinstance(settings, dict) and settings.get("home") == self.environ()["PREFECT_HOME"]

    def worker_is_online(self) -> bool:
        """Whether the worker has reported to the server."""
        found = call("POST", f"{self.api_url}/work_pools/{WORK_POOL}/workers/filter", {})
        return any(worker.get("status") == "ONLINE" for worker in found)

    def stop(self) -> None:
        """End everything."""
        self.children.stop()

    def __enter__(self) -> Stack:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def prefect(*arguments: str) -> list[str]:
    """Prefect's command line in this interpreter."""
    return [sys.executable, "-m", "prefect", *arguments]


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def call(method: str, url: str, body: Any = None, patience: float = 180.0) -> Any:
    """A JSON request, made again for `patience` seconds while Prefect is busy: SQLite's locks become 503, and now and
    then a request is never answered, which is made again if that changes nothing. Raises OSError (HTTPError included).
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"content-type": "application/json"})
    twice = may_be_made_twice(method, url, body)
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS if twice else patience) as response:
                answer = response.read()
            return json.loads(answer) if answer else None
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                raise
        except TimeoutError:
            if not twice or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def may_be_made_twice(method: str, url: str, body: Any) -> bool:
    """Whether the second of two equal requests changes nothing: it reads, sets a value, or carries an identifier by
    which the server knows it again (Prefect remembers the ids of events for half an hour)."""
    reads = method == "GET" or url.endswith(("/filter", "/count"))
    return reads or method == "PATCH" or url.endswith("/events") or "idempotency_key" in (body or {})
