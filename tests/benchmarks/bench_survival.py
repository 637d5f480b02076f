"""What the remediation outlives, and how soon it is noticed: a flow, a host, a worker, a server that die in a recovery.

`python -m tests.benchmarks.bench_survival flow host worker server` measures those; without an argument all. `server` holds
a recovery for ten minutes.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blocks.errors import NotFound
from deployments.children import descendants
from deployments.sandbox_environment import for_sandbox
from deployments.stack import WORK_POOL, Stack, call, prefect
from tasks.remediation.runs import past_runs
from tests.benchmarks.bench_events import percentile

EXPORT = "genie-sim-export-pipeline"
ROUNDS = {"flow": 5, "host": 3, "worker": 3, "server": 1}
GOALS = {"flow": "5 s", "host": "120 s", "worker": "not for ever", "server": "the run lives, or is continued"}
LONG = 600.0
"""Seconds that the recovery takes in whose middle the server is restarted."""
PATIENCE = 900.0


def until(look: Callable[[], Any], what: str) -> Any:
    """The first answer that is not empty. Raises `TimeoutError` when there is none."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE:.0f} s for {what}")
        time.sleep(0.1)
    return found


class Recovery:
    """A recovery under way, whose export is held until it is released."""

    def __init__(self, stack: Stack, scene: str) -> None:
        assert stack.endpoints is not None
        self.stack, self.scene, self.storage = stack, scene, for_sandbox(stack.endpoints).storage
        stack.control("POST", "scenes", {"scene_id": scene, "kind": "office", "objects": 1})
        stack.control("POST", f"scenes/{scene}/damage", {"name": "export_corrupt"})
        stack.control("POST", "simulator", {"workflow": EXPORT, "scene_id": scene, "kind": "hold"})
        found = call("GET", f"{stack.api_url}/deployments/name/export-recovery/export-recovery")
        body = {"parameters": {"scene_ids": [scene], "mode": "apply"}, "state": {"type": "SCHEDULED"}}
        run = call("POST", f"{stack.api_url}/deployments/{found['id']}/create_flow_run", body)
        self.id = str(run["id"])
        until(self.exports, "the export to run")

    def exports(self) -> list[Any]:
        """The executions of the scene's export."""
        listed = self.stack.control("GET", "executions?limit=1000")["workflows"]
        return [one for one in listed if EXPORT in one["of"] and self.scene in str(one["argument"])]

    def state(self) -> Any:
        """The flow run's state, as Prefect has it."""
        return call("GET", f"{self.stack.api_url}/flow_runs/{self.id}")["state"]

    def other_holds(self) -> bool:
        """Whether another process has the scene's lease."""
        try:
            held = self.storage.read("sandbox-ops", f"remediation/leases/{self.scene}.json")
        except NotFound:
            return False
        return self.id.encode() not in held

    def ends(self) -> list[str]:
        """The words with which the scene's runs have ended."""
        return [one.outcome for one in past_runs(self.storage, "sandbox-ops", self.scene, 24)]

    def processes(self) -> list[int]:
        """What carries the flow run out."""
        mark, found = f"PREFECT__FLOW_RUN_ID={self.id}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def outlived(self, begun: datetime) -> tuple[float, float]:
        """Seconds until Prefect calls the run crashed, and until another process has taken the scene over; then lets the
        export end and waits for the scene. Raises `AssertionError` when anything was done twice or not at all."""
        crashed = until(lambda: (now := self.state())["type"] == "CRASHED" and now, "the run to be called crashed")
        noticed = (datetime.fromisoformat(crashed["timestamp"]) - begun).total_seconds()
        until(self.other_holds, "another process to take over")
        taken = (datetime.now(UTC) - begun).total_seconds()
        self.finish()
        return noticed, taken

    def finish(self) -> None:
        """Let the export end and see the recovery done, once."""
        self.stack.control("DELETE", "simulator")
        until(lambda: self.ends() == ["done"], "the recovery to be done")
        assert len(self.exports()) == 1, "the export ran twice"


def flow(stack: Stack, number: int) -> tuple[float, float]:
    """The flow's process is killed."""
    recovery = Recovery(stack, f"flow_{number}")
    begun = datetime.now(UTC)
    for pid in recovery.processes():
        os.kill(pid, signal.SIGKILL)
    return recovery.outlived(begun)


def host(stack: Stack, number: int) -> tuple[float, float]:
    """Worker and flow are killed together; another worker lives on another host, as it were."""
    return without_worker(stack, f"host_{number}", signal.SIGKILL)


def worker(stack: Stack, number: int) -> tuple[float, float]:
    """The worker is asked to end while it carries out a run; another is started at once."""
    return without_worker(stack, f"worker_{number}", signal.SIGTERM)


def without_worker(stack: Stack, scene: str, sign: signal.Signals) -> tuple[float, float]:
    recovery, old = Recovery(stack, scene), stack.children.process("worker")
    left = descendants(old.pid) if sign == signal.SIGKILL else []
    begun = datetime.now(UTC)
    for pid in (old.pid, *left):
        os.kill(pid, sign)
    old.wait(60)
    stack.children.stop("worker")
    command = prefect("worker", "start", "--pool", WORK_POOL, "--type", "process")
    stack.children.start("worker", command, stack.environ())
    return recovery.outlived(begun)


def server(stack: Stack, number: int) -> tuple[float, float]:
    """The Prefect server is restarted in the middle of a recovery of ten minutes."""
    recovery, begun = Recovery(stack, f"server_{number}"), time.monotonic()
    time.sleep(LONG / 2)
    down = time.monotonic()
    stack.children.stop("prefect-server")
    command = prefect("server", "start", "--log-level", "WARNING")
    stack.children.start("prefect-server", command, stack.environ())
    stack.children.wait_for("prefect-server", stack.server_is_up, 120)
    away = time.monotonic() - down
    time.sleep(max(0.0, LONG - (time.monotonic() - begun)))
    alive = bool(recovery.processes())
    recovery.finish()
    ended = until(lambda: (now := recovery.state())["type"] in ("COMPLETED", "FAILED", "CRASHED") and now, "its end")
    print(f"  server away for {away:.1f} s after {LONG / 2:.0f} s of {LONG:.0f}; ", end="")
    print(f"the run's own process lived: {'yes' if alive else 'no'}; it ended {ended['type']}: {ended['message']}")
    return away, time.monotonic() - begun


def main() -> None:
    """Measure what is named on the command line, or all."""
    with Stack(f"bench-survival-{os.getpid()}") as stack:
        for name in sys.argv[1:] or list(ROUNDS):
            kill = {"flow": flow, "host": host, "worker": worker, "server": server}[name]
            print(f"{name}: {(kill.__doc__ or '').strip()} Goal: {GOALS[name]}.", flush=True)
            times = [kill(stack, number) for number in range(ROUNDS[name])]
            if name == "server":
                continue
            for what, seconds in zip(
                ("called crashed", "taken over by another process"), zip(*times, strict=True), strict=True
            ):
                p50, most = statistics.median(seconds), percentile(list(seconds), 100)
                print(f"  {what}: median {p50:.1f} s, most {most:.1f} s ({len(seconds)} times)")
            print("  each time the export ran once and the recovery ended done", flush=True)


if __name__ == "__main__":
    main()
