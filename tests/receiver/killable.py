"""A receiver that a test may kill, and a sender that tells it things."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from prefect.settings import PREFECT_API_URL

from deployments.sandbox.server import Sandbox
from deployments.stack import answers, free_port
from tests.receiver.storm import Signer, Telling
from tests.receiver.world import wait_for


class Victim:
    """The receiver's process, and a sender that behaves as Pub/Sub does: again until it is acknowledged."""

    def __init__(self, path: Path, sandbox: Sandbox, certificates: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "tests.receiver.victim", str(path), str(self.port)]
        self._command += [sandbox.endpoints.model_dump_json(), certificates]
        self._signer = Signer()
        self.answers: list[tuple[str, int]] = []
        """What each request was signed with, and the answer it got in the end."""
        self.start()

    def start(self) -> None:
        environ = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
        self.process = subprocess.Popen(self._command, env=environ)

    def up(self) -> None:
        wait_for(lambda: answers(f"{self.url}/healthz"), "the receiver to be up")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def deliver(self, one: Telling) -> None:
        """Send it until there is an answer that is not "send it again"."""
        deadline = time.monotonic() + 120
        while (status := self._sent(one)) in (0, 503):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.answers.append((one.key, status))

    def deliver_all(self, tellings: list[Telling]) -> None:
        """Send them, one after the other."""
        for one in tellings:
            self.deliver(one)

    def _sent(self, one: Telling) -> int:
        path, _, body = one.sent
        headers = self._signer.headers(one)
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, http.client.HTTPException):
            return 0
