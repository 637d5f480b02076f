"""Killed at random moments, twenty times, then run once in peace: the manifest is true and next to nothing was redone."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.snapshots.nights import nights, read_summary
from tests.backup.world import DATA, HOME, backup, copies, fill, manifest, quick_environment, summary_of, untrue

KILLS = 20
OBJECTS = 1500
WORKERS = 2
IN_FLIGHT = 100 * WORKERS
"""Copies that one process has under way: a hundred in each request."""
RULES = {"workers": WORKERS}


class Victims:
    """The process that forks a backing-up process for each order."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.backup.victim"]
        self._process = subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._told() == {"ready": True}

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(120)

    def killed(self, sandbox: Sandbox, after: float) -> bool:
        """Start a backup and kill it `after` seconds. False when it was done before."""
        order = {"endpoints": sandbox.endpoints.model_dump(), "rules": RULES}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = self._told()["pid"]
        time.sleep(after)
        with suppress(ProcessLookupError):  # it was done before
            os.kill(pid, signal.SIGKILL)
        said: dict[str, Any] = {}
        while "exit" not in said:
            said |= self._told()
        return bool(said["exit"] == -signal.SIGKILL)

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@pytest.fixture
def victims() -> Iterator[Victims]:
    made = Victims()
    yield made
    made.close()


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    made = quick_environment(sandbox, **RULES)
    yield made
    made.close()


def test_killed_at_random_twenty_times_and_run_again(
    environment: PipelineEnvironment, sandbox: Sandbox, victims: Victims
) -> None:
    seed = secrets.randbelow(2**31)
    told = f"seed {seed}"
    sys.stdout.write(f"{told}\n")
    chance = random.Random(seed)
    fill(sandbox.store, OBJECTS)
    for method, seconds in (("batch", 0.25), ("objects.insert", 0.05), ("objects.list", 0.02)):
        sandbox.faults.add(FaultRule(service="storage", method=method, kind="latency", seconds=seconds))
    kills = tries = 0
    while kills < KILLS:
        tries += 1
        assert tries < 3 * KILLS, f"{told}: only {kills} were killed before they were done"
        kills += victims.killed(sandbox, chance.uniform(0.05, 0.6))
    sandbox.faults.clear()
    result = backup(environment)
    if result.outcome == "busy":  # a request that the last victim left under way has renewed its lease just now
        result = backup(environment)
    assert result.outcome == "done", f"{told}: {result.sentence()}"
    summary = summary_of(result)
    live = {found.name: found.generation for found in sandbox.store.list(DATA, "scenes/")}
    assert {name: entry.generation for name, entry in manifest(environment).items()} == live, told
    assert untrue(environment, sandbox.store) == [], told
    assert summary.objects == OBJECTS, told
    assert len(copies(sandbox.store)) == len(copies(sandbox.store, versions=True)) == OBJECTS, told
    asked = sandbox.requests.count("storage", "objects.rewrite")
    assert asked - OBJECTS <= kills * IN_FLIGHT, f"{told}: {asked} copies were asked for"
    recorded = [read_summary(environment, night) for night in nights(environment)]
    assert recorded[-1] == summary, told
    assert [untrue(environment, sandbox.store, night) for night in recorded] == [[]] * len(recorded), told
