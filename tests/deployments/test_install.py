"""`remediate install` on a Prefect server of its own: what is missing is made, and a second time changes nothing more."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.bootstrap import AUTOMATIONS, make_automations
from deployments.stack import Stack, call, prefect
from tests.deployments.world import REMEDIATE

OURS = {"self-crash-zombie-flow-runs", "self-crash-stuck-flow-runs"}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A server as docs/deploy.md has it before: it runs, and it has a work pool."""
    monkeypatch.setattr("deployments.stack.STATE", tmp_path)
    made = Stack("install")
    made.children.start("prefect-server", prefect("server", "start"), made.environ())
    try:
        made.children.wait_for("prefect-server", made.server_is_up, 300)
        call("POST", f"{made.api_url}/work_pools/", {"name": "remediation", "type": "process"})
        yield made
    finally:
        made.stop()


def install(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*REMEDIATE, "install"], env=environ, capture_output=True, text=True, timeout=400)


def seen(stack: Stack) -> tuple[list[str], dict[str, str], dict[str, Any]]:
    """Names of all automations, ids of ours, and each deployment's id with what starts it."""
    automations = call("POST", f"{stack.api_url}/automations/filter", {})
    deployments = call("POST", f"{stack.api_url}/deployments/filter", {})
    return (
        sorted(one["name"] for one in automations),
        {one["name"]: one["id"] for one in automations if one["name"] in OURS},
        {one["name"]: (one["id"], [each["schedule"] for each in one["schedules"]]) for one in deployments},
    )


def test_twice_changes_nothing_more_and_what_was_made_twice_is_there_once_again(stack: Stack) -> None:
    said = install(stack.environ())
    assert said.returncode == 0, said.stderr
    assert [line.split(":")[0] for line in said.stdout.splitlines()] == ["Blocks", "Automations", "Deployments"]
    assert "2 are there (2 made, 0 replaced, 0 kept)" in said.stdout
    before = seen(stack)
    assert set(before[1]) == OURS

    again = install(stack.environ())
    assert again.stdout == said.stdout.replace("2 made, 0 replaced, 0 kept", "0 made, 0 replaced, 2 kept")
    assert seen(stack) == before

    subprocess.run(prefect("automation", "create", "--from-file", str(AUTOMATIONS)), env=stack.environ(), check=True)
    assert len(seen(stack)[0]) == len(before[0]) + 2, (
        "this is why there is a command; if Prefect has mended it, so may we"
    )
    with temporary_settings({PREFECT_API_URL: stack.api_url}):  # as the command does it, without deploying once more
        assert make_automations(AUTOMATIONS) == Counter(replaced=2)
    assert seen(stack)[0] == before[0]


def test_without_a_server_it_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environ |= {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_HOME": str(tmp_path)}
    said = install(environ)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1)
    assert "http://127.0.0.1:9/api could not be asked" in said.stderr
