"""Killed outright again and again while events come in, the receiver loses none, does none twice, and lets no forged one in.

`REMEDIATION_STORM=10000 python -m pytest -n 0 tests/receiver/test_killed.py` sends so many, with five kills instead of two.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL

from deployments.receiver import spool
from deployments.sandbox.server import Sandbox
from deployments.stack import answers, free_port
from tests.receiver import google
from tests.receiver import messages as m
from tests.receiver.world import fail, rows, scenes, wait_for

STORM = int(os.environ.get("REMEDIATION_STORM", "100"))
KILLS = 2 if STORM == 100 else 5


class Victim:
    """The receiver's process, and a sender that behaves as Pub/Sub does: again until it is acknowledged."""

    def __init__(self, path: Path, sandbox: Sandbox, certificates: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "tests.receiver.victim", str(path), str(self.port)]
        self._command += [sandbox.endpoints.model_dump_json(), certificates]
        self.tokens = {True: google.token(), False: google.token(signed_by="somebody")}
        self.start()

    def start(self) -> None:
        environ = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
        self.process = subprocess.Popen(self._command, env=environ)

    def up(self) -> None:
        wait_for(lambda: answers(f"{self.url}/healthz"), "the receiver to be up")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def deliver(self, sent: m.Sent, genuine: bool = True) -> None:
        """Send it until there is an answer: 204, or 401 for one that is forged."""
        path, headers, body = sent
        signed = headers | {"authorization": f"Bearer {self.tokens[genuine]}"}
        request = urllib.request.Request(self.url + path, data=body, headers=signed, method="POST")
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    assert (answer.status, genuine) == (204, True)
                    return
            except urllib.error.HTTPError as error:
                assert (error.code, genuine) == (401, False)
                return
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


@pytest.fixture
def victim(path: Path, sandbox: Sandbox, deployment: str) -> Iterator[Victim]:
    with google.serving() as certificates:
        one = Victim(path, sandbox, certificates.url)
        yield one
        one.kill()


def storm(sandbox: Sandbox, many: int) -> list[tuple[m.Sent, bool]]:
    """Mixed events, and whether each is genuine: failures told three times, what is gone, garbage, and forged failures."""
    failures = [fail(sandbox, f"killed_{number}") for number in range(many // 5)]
    gone = [m.notification(f"scenes/gone_{number}/geniesim/.failed", "7") for number in range(many // 10)]
    garbage: list[m.Sent] = [("/pubsub", {}, f"garbage {number}".encode()) for number in range(many // 10)]
    forged = [m.notification(f"scenes/forged_{number}/geniesim/.failed", "7") for number in range(many // 5)]
    mixed = [*((sent, True) for sent in (*failures * 3, *gone, *garbage)), *((sent, False) for sent in forged)]
    random.shuffle(mixed)
    return mixed


def nothing_waits(path: Path) -> bool:
    with spool.opened(path) as connection:
        return spool.waiting(connection)[0] == 0


def test_killed_again_and_again_it_loses_nothing_and_does_nothing_twice(
    victim: Victim,
    path: Path,
    sandbox: Sandbox,
    runs: Any,
) -> None:
    mixed = storm(sandbox, STORM)
    many = len(mixed)
    victim.up()

    def deliver() -> None:
        while mixed:
            victim.deliver(*mixed.pop())

    sender = threading.Thread(target=deliver)
    sender.start()
    for kill in range(KILLS):
        wait_for(lambda kill=kill: len(mixed) < many - (kill + 1) * many / 7, "some events to be delivered", 300)
        victim.kill()
        victim.start()
    victim.up()
    victim.process.terminate()
    assert victim.process.wait(60) in (0, -signal.SIGTERM), "told to stop it ends by itself"
    victim.start()
    sender.join(300)
    assert not sender.is_alive()
    wait_for(lambda: nothing_waits(path), "everything to be handled", 60 + STORM)
    found = rows(path)
    states = [(row.state, row.word) for row in found]
    expected = {("done", ""): STORM // 5, ("ignored", "gone"): STORM // 10, ("dead", "undecodable"): STORM // 10}
    assert {state: states.count(state) for state in states} == expected
    assert len({row.run for row in found if row.run}) == STORM // 5
    made = scenes(runs())
    assert len(made) == len(set(made)) == min(STORM // 5, 200), "one run of each scene; Prefect lists 200"
