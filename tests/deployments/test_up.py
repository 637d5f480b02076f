"""`remediate up` and the commands that use what it started: found again, no second one, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.pipeline.activity import live_work
from tests.deployments.world import EXPORT, FREE_PORTS, RunningStack, Up, nobody_works, wait_for


def written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_second_one_says_where_the_first_is(stack: RunningStack) -> None:
    second = stack.remediate("up")
    assert second.returncode == 2
    assert stack.ui_url in second.stdout
    assert f"kill {stack.process.pid}" in second.stdout
    assert stack.process.poll() is None


@pytest.fixture
def only_the_command_line(stack: RunningStack) -> Iterator[None]:
    """The recovery that the failed execution starts by its event waits."""
    with nobody_works(stack):
        yield


@pytest.mark.usefixtures("only_the_command_line")
def test_recover_and_undo_use_its_prefect_server(stack: RunningStack) -> None:
    scene = stack.scene("cli_001", "export_corrupt")
    planned = stack.remediate("recover", scene)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.splitlines()[-1] == f"{scene}: planned"
    assert not stack.is_healthy(scene)
    stack.control("POST", "simulator", {"workflow": EXPORT, "scene_id": scene, "kind": "raise", "times": 1})
    failed = stack.remediate("recover", scene, "--apply")
    assert failed.returncode == 1
    undo = failed.stderr.rpartition("remediate ")[2].split()[:3]
    assert undo[:2] == ["undo", scene]
    # An execution that a written object started may be at work, and then the undo is refused.
    wait_for(lambda: not [one for one in live_work(stack.environment) if one.scene_id == scene], f"nothing on {scene}")
    undone = stack.remediate(*undo, "--apply")
    assert undone.returncode == 0, undone.stderr
    found = stack.prefect("POST", "flow_runs/filter", {"sort": "ID_DESC"})
    assert {run["name"] for run in found} >= {
        f"undo {scene} {undo[2]} (apply)",
        f"recover {scene} (apply)",
        f"recover {scene} (plan)",
    }


def test_a_night_is_backed_up_verified_drilled_and_restored_from_the_command_line(stack: RunningStack) -> None:
    scene = stack.scene("cli_backup_001")
    stack.policy("backup", prefix=f"scenes/{scene}/")  # other tests' scenes change, and are broken, in the meantime
    backed_up = stack.remediate("backup", "--apply")
    assert backed_up.returncode == 0, backed_up.stderr
    for command in ("verify-backup", "restore-drill"):
        done = stack.remediate(command)
        assert done.returncode == 0, done.stderr
    stack.control("POST", f"scenes/{scene}/damage", {"name": "usd_missing"})
    refused = stack.remediate("restore", "scene", scene, "--apply")
    assert refused.returncode == 3
    assert "Say why" in refused.stderr.splitlines()[-1]
    restored = stack.remediate("restore", "scene", scene, "--apply", "--reason", "a test")
    assert restored.returncode == 0, restored.stderr
    assert stack.is_healthy(scene)


def test_a_folder_is_loaded_into_its_sandbox(stack: RunningStack, tmp_path: Path) -> None:
    path = tmp_path / "scenes" / "loaded_001" / "regen3d" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    loaded = stack.remediate("sandbox", "load", str(tmp_path))
    assert loaded.returncode == 0, loaded.stderr
    assert stack.environment.storage.read("sandbox-scenes", "scenes/loaded_001/regen3d/x.json") == b"{}"


def test_nothing_is_written_outside_the_state_folder(stack: RunningStack) -> None:
    assert written(stack.home) == []
    assert {path.split("/")[0] for path in written(stack.root)} == {"home", "state", "up.log"}
    folders = stack.temporary_folders()
    assert len(folders) >= 4, "the server, the sandbox, the worker and the receiver"
    assert all(folder.is_relative_to(stack.state) for folder in folders), folders


@pytest.fixture
def taken() -> Iterator[list[socket.socket]]:
    """Somebody else listens where it would like to."""
    held = []
    for port in (4210, 4310):
        try:
            held.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
    yield held
    for one in held:
        one.close()


@pytest.mark.usefixtures("taken")
def test_ctrl_c_while_it_starts_on_other_ports_ends_it_at_once() -> None:
    up = Up()
    try:
        up.wait_until((up.state / "up" / "sandbox-1.json").exists, "its sandbox to start")
        assert up.facts()["ui_url"] != "http://127.0.0.1:4210"
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(120) == 0
        assert "nothing is left running" in up.log.read_text()
        assert up.processes() == []
        assert written(up.home) == []
    finally:
        up.end()


def test_kill_while_it_deploys_leaves_nothing_behind() -> None:
    up = Up(*FREE_PORTS)
    try:
        up.wait_until((up.state / "up" / "bootstrap.log").exists, "it to deploy")
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(120) == 0
        assert up.processes() == []
    finally:
        up.end()


def test_one_that_was_killed_outright_does_not_stop_the_next_one() -> None:
    up = Up(*FREE_PORTS)
    try:
        up.wait_until((up.state / "up" / "sandbox-1.json").exists, "its sandbox to start")
        up.process.kill()
        up.process.wait(60)
        wait_for(lambda: up.processes() == [], "its children to end by themselves")
        assert (up.state / "up-1.json").exists()
        again = subprocess.Popen(up.process.args, env=up.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_for(lambda: up.facts().get("pid") == again.pid, "the next one to start")
        again.send_signal(signal.SIGINT)
        assert again.wait(120) == 0
        assert up.processes() == []
    finally:
        up.end()


@pytest.mark.last
def test_killed_outright_while_a_flow_runs_it_leaves_no_process_behind(stack: RunningStack) -> None:
    scene = stack.scene("outright_001", "export_corrupt")
    stack.control("POST", "simulator", {"workflow": EXPORT, "scene_id": scene, "kind": "hold"})
    stack.start("export-recovery/export-recovery", scene_ids=[scene], mode="apply")
    wait_for(lambda: stack.worked(scene), "the export to run")
    assert len(stack.processes()) >= 6, "up, server, sandbox, worker, receiver and the flow"
    os.kill(stack.process.pid, signal.SIGKILL)
    wait_for(lambda: stack.processes() == [], "every process to end")
