"""`remediate sandbox`: its first line is for machines, and `sandbox load` finds the one that was started last."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.stack import answers, call
from tests.deployments.world import REMEDIATE

NAMES = {
    "storage",
    "workflows",
    "executions",
    "run",
    "eventarc",
    "kubernetes",
    "genie_sim",
    "control",
    "project",
    "region",
}


class Served:
    """One `remediate sandbox`."""

    def __init__(self, state: Path, *options: str) -> None:
        self.environ = {"REMEDIATION_STATE": str(state), "PATH": "/usr/bin:/bin"}
        self.process = subprocess.Popen(
            [*REMEDIATE, "sandbox", *options], env=self.environ, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said: dict[str, Any] = json.loads(self.process.stdout.readline())

    def end(self) -> str:
        """Stop it; the rest of what it printed."""
        self.process.terminate()
        assert self.process.wait(20) == 0
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def scenes(self) -> list[str]:
        """Names in the data bucket."""
        found = call("GET", f"{self.said['storage']}/storage/v1/b/{self.said['buckets']['data']}/o")
        return [one["name"] for one in found.get("items", [])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "given" / "scenes" / "loaded_001" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    return tmp_path / "given"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """Two that run at the same time, the second for machines only."""
    first = Served(tmp_path / "state")
    second = Served(tmp_path / "state", "--json")
    yield first, second
    for one in (first, second):
        if one.process.poll() is None:
            one.end()


def load(one: Served, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [*REMEDIATE, "sandbox", "load", *arguments]
    return subprocess.run(command, env=one.environ | environ, capture_output=True, text=True, timeout=60)


def test_the_first_line_names_every_endpoint_and_the_last_one_started_is_found(
    two: tuple[Served, Served], folder: Path
) -> None:
    first, second = two
    assert first.said.keys() >= NAMES
    assert second.said.keys() >= NAMES
    assert answers(f"{first.said['control']}/endpoints")
    assert load(first, str(folder)).returncode == 0
    assert second.scenes() == ["scenes/loaded_001/config.json"]
    assert first.scenes() == []
    assert load(first, str(folder), "--control", first.said["control"]).returncode == 0
    assert first.scenes() == ["scenes/loaded_001/config.json"]
    assert second.end() == "", "with --json there is one line"
    other = folder / "scenes" / "loaded_002" / "config.json"
    other.parent.mkdir()
    other.write_text("{}")
    assert load(first, str(folder)).returncode == 0, "the one that still runs is found"
    assert len(first.scenes()) == 2
    assert first.said["storage"] in first.end()
    nowhere = load(first, str(folder))
    assert nowhere.returncode == 2
    assert "No sandbox runs from this checkout" in nowhere.stderr


def test_the_environment_can_name_the_sandbox(tmp_path: Path, folder: Path) -> None:
    one = Served(tmp_path / "state", "--json")
    try:
        elsewhere = {"REMEDIATION_STATE": str(tmp_path / "another"), "REMEDIATION_SANDBOX": one.said["control"]}
        assert load(one, str(folder), **elsewhere).returncode == 0
        assert one.scenes() == ["scenes/loaded_001/config.json"]
    finally:
        one.end()
