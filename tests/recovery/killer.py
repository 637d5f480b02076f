"""Killing a process at a chosen request: the sandbox sees every request it makes and pulls the trigger itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
WRITES = (
    "storage.objects.insert",
    "storage.objects.delete",
    "storage.objects.rewrite",
    "storage.objects.restore",
    "executions.CreateExecution",
    "run.RunJob",
)
"""Every request by which a recovery changes something."""


@dataclass(frozen=True)
class Moment:
    """When to kill: at the last of these requests, counted one after the other."""

    steps: tuple[tuple[str, int], ...]
    done: bool
    """True: the request takes effect, its answer is never read. False: it is cut off before it has any effect."""

    def __str__(self) -> str:
        way = "-".join(f"{name.rpartition('.')[2]}{count}" for name, count in self.steps)
        return f"{way}-{'done' if self.done else 'not-done'}"


def at(name: str, count: int = 1, *, done: bool, after: tuple[str, int] | None = None) -> Moment:
    """The `count`th request of that name, counted from the beginning or `after` another request."""
    return Moment(((after,) if after else ()) + ((name, count),), done)


class Watch(Faults):
    """The sandbox's faults with a finger on the trigger. The killed process never learns what became of its request."""

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self.struck = threading.Event()
        self._moment = moment
        self._pid: int | None = None
        self._known = threading.Event()
        self._counting = threading.Lock()
        self._ahead = [list(step) for step in moment.steps]

    def victim_is(self, pid: int) -> None:
        """Whom to kill. Until this is said, every request waits."""
        self._pid = pid
        self._known.set()

    def draw(self, service: str, method: str, kinds: Container[str] | None = None) -> FaultRule | None:
        """Count the request; kill its sender when it is the one."""
        if self.struck.is_set():
            return super().draw(service, method, kinds)
        self._known.wait(120)
        with self._counting:
            if not self._reached(f"{service}.{method}") or self._pid is None:
                return None
            os.kill(self._pid, signal.SIGKILL)
            self.struck.set()
        return FaultRule(kind="lost_answer" if self._moment.done else "reset")

    def _reached(self, name: str) -> bool:
        if not self._ahead:
            return False
        if name == self._ahead[0][0] or (self._ahead[0][0] == "any write" and name in WRITES):
            self._ahead[0][1] = int(self._ahead[0][1]) - 1
            if not self._ahead[0][1]:
                self._ahead.pop(0)
        return not self._ahead


class Victims:
    """The process that forks a recovering process for each order."""

    def __init__(self, module: str = "tests.recovery.victim") -> None:
        command = [sys.executable, "-m", module]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.told() == {"ready": True}

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(120)

    def told(self) -> dict[str, Any]:
        """The next line it says."""
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def start(
        self, sandbox: Sandbox, scene_id: str, *, actor: str = "victim", dead: Sequence[str] = (), **wanted: Any
    ) -> int:
        """Have a child recover a scene; its process id. `dead` are actors whose leases may be taken over."""
        policy = {"poll_seconds": 0.02, "settle_seconds": 0.3, "lease_seconds": 120}
        order = {
            "endpoints": sandbox.endpoints.model_dump(),
            "scene_id": scene_id,
            "policy": policy,
            "dead": list(dead),
            "actor": actor,
            "wanted": {"mode": "apply", **wanted},
        }
        return self.send(order)

    def send(self, order: dict[str, Any]) -> int:
        """Have a child carry out an order; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid: int = self.told()["pid"]
        return pid

    def ended(self) -> dict[str, Any]:
        """What became of the child: its outcome if it told one, and its exit code (-9: killed)."""
        found: dict[str, Any] = {}
        while "exit" not in found:
            found |= self.told()
        return found
