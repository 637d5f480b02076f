"""Killed outright again and again while events come in, the receiver loses none and does none twice."""

from __future__ import annotations

import os
import random
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

from deployments.sandbox.server import Sandbox
from deployments.stack import answers, free_port
from tests.receiver import messages as m
from tests.receiver.test_dispatch import ask, deployment, fail, runs, scenes  # noqa: F401  fixtures
from tests.receiver.world import rows, wait_for

KILLS = 5


class Victim:
    """The receiver's process, and a sender that behaves as Pub/Sub does: again until it is acknowledged."""

    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "tests.receiver.victim", str(path), str(self.port)]
        self._command += [sandbox.endpoints.model_dump_json()]
        self.start()

    def start(self) -> None:
        environ = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
        self.process = subprocess.Popen(self._command, env=environ)

    def up(self) -> None:
        wait_for(lambda: answers(f"{self.url}/healthz"), "the receiver to be up")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def deliver(self, sent: m.Sent) -> None:
        path, headers, body = sent
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method="POST")
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    assert answer.status == 204
                    return
            except urllib.error.HTTPError as error:
                assert error.code == 503
            except OSError:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def victim(path: Path, sandbox: Sandbox, deployment: str) -> Iterator[Victim]:  # noqa: F811
    one = Victim(path, sandbox)
    yield one
    one.kill()


def test_killed_five_times_it_loses_nothing_and_does_nothing_twice(
    victim: Victim,
    path: Path,
    sandbox: Sandbox,
    runs: Any,  # noqa: F811
) -> None:
    genuine = [fail(sandbox, f"killed_{number}") for number in range(40)]
    gone = [m.notification(f"scenes/killed_gone_{number}/geniesim/.failed", "7") for number in range(10)]
    garbage: list[m.Sent] = [("/pubsub", {}, f"garbage {number}".encode()) for number in range(10)]
    sent = [*genuine * 3, *gone, *garbage]
    random.shuffle(sent)
    victim.up()

    def deliver() -> None:
        while sent:
            victim.deliver(sent.pop())
            time.sleep(0.01)

    sender = threading.Thread(target=deliver)
    sender.start()
    for _ in range(KILLS):
        many = len(sent)
        wait_for(lambda many=many: len(sent) <= max(0, many - 20), "some events to be delivered")
        victim.kill()
        victim.start()
    sender.join(300)
    assert not sender.is_alive()
    found = wait_for(lambda: [] if rows(path, "new") else rows(path), "everything to be handled", 120)
    assert len(found) == 60
    assert sorted({(row.state, row.word) for row in found}) == [
        ("dead", "undecodable"),
        ("done", ""),
        ("ignored", "gone"),
    ]
    assert scenes(runs()) == sorted(f"killed_{number}" for number in range(40))


def test_told_to_stop_it_ends_by_itself_and_leaves_the_rest_for_the_next(victim: Victim, path: Path) -> None:
    victim.up()
    for number in range(20):
        victim.deliver(m.alert(number=str(number), policy=f"stopped_{number}"))
    victim.process.terminate()
    assert victim.process.wait(60) in (0, -15)
    victim.start()
    victim.up()
    found = wait_for(lambda: [] if rows(path, "new") else rows(path), "everything to be handled")
    assert [row.state for row in found] == ["done"] * 20
