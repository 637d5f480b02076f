"""The whole thing as a person starts it: `remediate up` in a process of its own, and short ways to ask it things."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from blocks.environment import PipelineEnvironment
from deployments.children import Children
from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox
from deployments.stack import call
from tasks.pipeline.scene_view import scene_view
from tasks.validation.scene import validate_scene

FREE_PORTS = ("--ui-port", "0", "--sandbox-port", "0")
REMEDIATE = [sys.executable, "-m", "deployments.cli"]
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
EXPORT = "genie-sim-export-pipeline"
ON_FAILURE = "export-recovery-on-failure"
Run = dict[str, Any]


def wait_for(look: Callable[[], Any], what: str, seconds: float = 180.0) -> Any:
    """The first answer of `look` that is not empty."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)
    return found


class Up:
    """One `remediate up` with a home folder and a state folder of its own."""

    def __init__(self, *options: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="remediation-up-"))
        self.home, self.state = self.root / "home", self.root / "state"
        self.home.mkdir()
        self.environ = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
        self.environ |= {"HOME": str(self.home), "REMEDIATION_STATE": str(self.state)}
        self.log = self.root / "up.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*REMEDIATE, "up", *options], env=self.environ, stdout=output, stderr=output
            )

    def facts(self) -> dict[str, Any]:
        """What it has announced."""
        try:
            return dict(json.loads((self.state / "up-1.json").read_text()))
        except (OSError, ValueError):
            return {}

    def wait_until(self, ready: Callable[[], object], what: str, seconds: float = 400.0) -> None:
        """Wait for something while it runs."""

        def look() -> object:
            assert self.process.poll() is None, self.log.read_text()
            return ready()

        wait_for(look, f"{what}; it said: {self.log.read_text()}", seconds)

    def temporary_folders(self) -> list[Path]:
        """Where each process that it started puts temporary files."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                environ = dict(item.partition("=")[::2] for item in path.read_text(errors="replace").split("\0"))
            except OSError:
                continue
            if environ.get("REMEDIATION_STATE", "").startswith(f"{self.state}/"):
                found.append(Path(environ.get("TMPDIR", "/tmp")))
        return found

    def processes(self) -> list[str]:
        """Command lines of everything that was started by it and still lives (zombies do not)."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                ours = f"REMEDIATION_STATE={self.state}".encode() in (folder / "environ").read_bytes()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if ours and command:
                found.append(command)
        return found

    def remediate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the same person, to its end."""
        return subprocess.run([*REMEDIATE, *arguments], env=self.environ, capture_output=True, text=True, timeout=400)

    def end(self) -> None:
        """Stop it, whatever state it is in, and remove what it wrote."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(200)
        shutil.rmtree(self.root, ignore_errors=True)


class RunningStack(Up):
    """One that is up. Tests share it, each with scenes of its own; `settle` undoes whatever else they changed."""

    def __init__(self) -> None:
        super().__init__(*FREE_PORTS)
        try:
            self.connect()
        except BaseException:
            self.end()
            raise

    def connect(self) -> None:
        """Wait until it is up, and note how its environment block is to be for every test."""
        self.wait_until(lambda: "control" in self.facts(), "`remediate up` to be up")
        facts = self.facts()
        self.api_url: str = facts["api_url"]
        self.ui_url: str = facts["ui_url"]
        self.endpoints = Endpoints.model_validate({key: facts[key] for key in Endpoints.model_fields})
        self.environment: PipelineEnvironment = for_sandbox(self.endpoints)
        self.receiver: str = self.control("GET", "push")[0]["url"]
        self.children = Children(self.root)
        self.policy(systematic_scenes=1000)  # many scenes are broken here in the same way, on purpose
        self._data = self.block()["data"]
        self.settle()

    def settle(self) -> None:
        """For the next test: no simulated fault, a worker that works, the same policy, and no schedule but its own."""
        self.control("DELETE", "simulator")
        self.pool(is_paused=False)
        self.prefect("PATCH", f"block_documents/{self.block()['id']}", {"data": self._data})
        for deployment in self.prefect("POST", "deployments/filter", {}):
            for schedule in deployment["schedules"]:
                if schedule["active"]:
                    path = f"deployments/{deployment['id']}/schedules/{schedule['id']}"
                    self.prefect(
                        "PATCH", path, {"active": False, "parameters": schedule["parameters"]}
                    )  # else it drops them

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The sandbox's control interface."""
        return call(method, f"{self.endpoints.control}/{path}", body)

    def prefect(self, method: str, path: str, body: Any = None) -> Any:
        """Prefect's API."""
        return call(method, f"{self.api_url}/{path}", body)

    def scene(self, scene_id: str, *damages: str) -> str:
        """A small scene with these damages."""
        self.control("POST", "scenes", {"scene_id": scene_id, "kind": "office", "objects": 1})
        for name in damages:
            self.control("POST", f"scenes/{scene_id}/damage", {"name": name})
        return scene_id

    def is_healthy(self, scene_id: str) -> bool:
        """Whether the whole scene is without errors."""
        return validate_scene(scene_view(self.environment, scene_id), self.environment.catalogue, "full").healthy

    def worked(self, scene_id: str, workflow: str = EXPORT) -> list[dict[str, Any]]:
        """The executions of a workflow on a scene that did something."""
        listed = self.control("GET", "executions?limit=1000")["workflows"]
        return [one for one in listed if one["of"].endswith(workflow) and scene_id in json.dumps(one["argument"])]

    def runs(self, deployment: str, scene_id: str = "") -> list[Run]:
        """The flow runs of a deployment (for a scene), newest first."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "ID_DESC", "limit": 200}
        found = self.prefect("POST", "flow_runs/filter", wanted)
        return [run for run in found if not scene_id or run["parameters"].get("scene_ids") == [scene_id]]

    def start(self, deployment: str, **parameters: Any) -> Run:
        """A flow run of a deployment, to be started now."""
        found = self.prefect("GET", f"deployments/name/{deployment}")
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}, "idempotency_key": str(uuid4())}
        return dict(self.prefect("POST", f"deployments/{found['id']}/create_flow_run", body))

    def read(self, run: Run) -> Run:
        """The flow run as it is now."""
        return dict(self.prefect("GET", f"flow_runs/{run['id']}"))

    def ended(self, run: Run, seconds: float = 400.0) -> Run:
        """The flow run, once it has ended."""

        def look() -> Run | None:
            now = self.read(run)
            return now if now["state_type"] in FINAL else None

        return dict(wait_for(look, f"flow run {run['name']} to end", seconds))

    def pool(self, is_paused: bool) -> None:
        """Let the worker take up flow runs, or not."""
        self.prefect("PATCH", "work_pools/remediation", {"is_paused": is_paused})

    def block(self) -> dict[str, Any]:
        """The environment block as it is stored."""
        path = "block_types/slug/remediation-environment/block_documents/name/default?include_secrets=true"
        return dict(self.prefect("GET", path))

    def policy(self, part: str = "policy", **changes: Any) -> None:
        """Change the policy (or the rules of backups) in the environment block, as a person does in the UI."""
        block = self.block()
        changed = {part: {**block["data"][part], **changes}}
        self.prefect("PATCH", f"block_documents/{block['id']}", {"data": changed})


@contextmanager
def nobody_works(stack: RunningStack) -> Iterator[None]:
    """The worker takes up nothing, so that flow runs can be counted without being carried out."""
    stack.pool(is_paused=True)
    try:
        yield
    finally:
        for run in stack.runs(ON_FAILURE):
            if run["state_type"] == "SCHEDULED":
                stack.prefect("DELETE", f"flow_runs/{run['id']}")
        stack.pool(is_paused=False)


@pytest.fixture(scope="session")
def stacks() -> Iterator[list[RunningStack]]:
    """Every `remediate up` of this run of tests: one, unless a test ends it."""
    started: list[RunningStack] = []
    yield started
    for one in started:
        one.environment.close()
        one.end()


def living(stacks: list[RunningStack]) -> RunningStack:
    """The one that is up, started if there is none."""
    if not stacks or stacks[-1].process.poll() is not None:
        stacks.append(RunningStack())
    return stacks[-1]


@pytest.fixture
def stack(stacks: list[RunningStack]) -> Iterator[RunningStack]:
    """`remediate up`, for tests that use scenes of their own."""
    running = living(stacks)
    yield running
    if running.process.poll() is None:
        running.settle()
