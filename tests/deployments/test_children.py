"""Child processes, and the notes by which one command finds what another one started."""

from __future__ import annotations

import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments import state
from deployments.children import ChildFailed, Children, end
from deployments.stack import Stack, free_port, is_free
from tests.deployments.world import wait_for

ENVIRON = {"PATH": os.environ["PATH"], "MARK": f"remediation-test-{os.getpid()}"}
GRANDCHILD = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']{how}); {then}"


def living() -> int:
    """How many processes carry our mark."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"MARK={ENVIRON['MARK']}".encode() in (folder / "environ").read_bytes()
            count += marked and bool((folder / "cmdline").read_bytes())
        except OSError:
            continue
    return count


@pytest.mark.parametrize("how", ["", ", start_new_session=True"], ids=["in its group", "in a session of its own"])
@pytest.mark.parametrize("deaf", [False, True], ids=["ends when asked", "deaf to SIGTERM"])
def test_stopping_ends_children_and_what_they_started(tmp_path: Path, how: str, deaf: bool) -> None:
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " if deaf else ""
    code = ignore + GRANDCHILD.format(how=how, then="print('ready', flush=True); time.sleep(600)")
    children = Children(tmp_path, patience=1.0)
    children.start("one", [sys.executable, "-c", code], ENVIRON)
    children.wait_for("one", lambda: b"ready" in (tmp_path / "one.log").read_bytes(), 20)
    assert living() == 2
    children.stop()
    wait_for(lambda: living() == 0, "both to end", 5)


def test_a_child_that_ends_too_early_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    children = Children(tmp_path)
    children.start("one", [sys.executable, "-c", "raise SystemExit('port in use')"], ENVIRON)
    with pytest.raises(ChildFailed, match=r"(?s)one ended with code 1.*one\.log.*port in use"):
        children.wait_for("one", lambda: False, 20)
    with pytest.raises(ChildFailed, match="two ended with code 3"):
        children.run("two", [sys.executable, "-c", "raise SystemExit(3)"], ENVIRON)


def test_a_child_that_is_never_ready_is_reported(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.start("one", [sys.executable, "-c", "import time; time.sleep(600)"], ENVIRON)
        with pytest.raises(ChildFailed, match=r"one was not ready after 0 s"):
            children.wait_for("one", lambda: False, 0.2)
    assert living() == 0


HOLD = "import sys, time; from deployments import state; print(state.announce('up', {'at': sys.argv[1]}, alone=True), flush=True); time.sleep(600)"
ASK = "import json; from deployments import state; print(json.dumps(state.running('up')))"


def in_state(folder: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    environ = os.environ | {"REMEDIATION_STATE": str(folder)}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=environ, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    first = in_state(tmp_path, HOLD, "here")
    assert first.stdout is not None
    assert first.stdout.readline() == "True\n"
    yield first
    first.kill()
    first.wait()


def test_what_is_announced_is_found_while_its_process_lives_and_not_a_moment_longer(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    found = json.loads(in_state(tmp_path, ASK).communicate(timeout=120)[0])
    assert (found["at"], found["pid"]) == ("here", holder.pid)
    second = in_state(tmp_path, HOLD, "there")
    assert second.stdout is not None
    assert second.stdout.readline() == "False\n", "there may be only one"
    second.kill()
    second.wait()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert [path.name for path in tmp_path.iterdir()] == ["up-1.json"], "it could not tidy up"
    assert json.loads(in_state(tmp_path, ASK).communicate(timeout=120)[0]) is None


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    port = free_port()
    assert is_free(port)
    code = f"import socket, time; s = socket.create_server(('', {port})); print('up', flush=True); time.sleep(600)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    assert not is_free(port)
    other.kill()
    other.wait()
    assert is_free(port)


def test_prefect_is_told_whole_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect's recorder cuts half a second to none, and its server then spins on a whole core."""
    monkeypatch.setattr("deployments.stack.STATE", tmp_path)
    environ = Stack("x").environ()
    waits = {key: value for key, value in environ.items() if key.endswith("_FLUSH_INTERVAL")}
    assert waits
    assert all(value.isdecimal() and int(value) >= 1 for value in waits.values())


@pytest.mark.parametrize(
    "says", [b"\0\0\x12\4\0 no HTTP\r\n", b"HTTP/1.0 200 OK\r\n\r\n<html>", b"HTTP/1.0 200 OK\r\n\r\n[1]"]
)
def test_somebody_else_on_the_servers_port_is_not_our_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    class Other(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(says)

    monkeypatch.setattr("deployments.stack.STATE", tmp_path)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        assert not Stack("x", ui_port=other.server_address[1]).server_is_up()
        other.shutdown()


def test_children_are_ended_last_first_and_one_that_is_named_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr("deployments.children.end", lambda child, patience: (ended.append(child.pid), end(child, 5.0)))
    with Children(tmp_path) as children:
        made = [children.start(name, ["sleep", "600"], ENVIRON).pid for name in ("one", "two", "three")]
        children.stop("two")
        assert ended == [made[1]]
    assert ended == [made[1], made[2], made[0]]


def test_a_command_that_ran_to_its_end_is_no_child_that_has_ended_by_itself(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.run("one", ["true"], ENVIRON)
        assert children.ended() is None
        children.start("two", ["false"], ENVIRON)
        wait_for(lambda: children.ended() == "two", "it to end", 20)


def test_what_is_announced_again_replaces_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "STATE", tmp_path)
    try:
        assert state.announce("a-test", {"at": "somewhere far away"})
        assert state.announce("a-test", {})
        found = state.running("a-test")
        assert found is not None
        assert sorted(found) == ["pid", "since"]
    finally:
        state.withdraw("a-test")
    assert state.running("a-test") is None
