"""Whether a process has certainly ended: only of this very machine, and never guessed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.remediation import process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nothing is proved")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is killed."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as made:
        yield made
        made.kill()


def test_a_living_process_is_not_gone_and_keeps_its_start(child: subprocess.Popen[bytes]) -> None:
    began = process.started(child.pid)
    assert began.isdigit()
    assert process.started(child.pid) == began
    assert not process.is_gone(process.machine(), child.pid, began)


def test_a_process_that_has_ended_is_gone(child: subprocess.Popen[bytes]) -> None:
    began = process.started(child.pid)
    child.kill()
    child.wait()
    assert process.is_gone(process.machine(), child.pid, began)
    assert process.started(child.pid) == ""


def test_one_that_has_ended_and_that_nobody_has_waited_for_is_gone_too(child: subprocess.Popen[bytes]) -> None:
    began = process.started(child.pid)
    child.kill()
    deadline = time.monotonic() + 20
    while process.started(child.pid) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert Path(f"/proc/{child.pid}/stat").exists(), "a zombie"
    assert process.is_gone(process.machine(), child.pid, began)


def test_an_id_that_is_used_again_is_another_process(child: subprocess.Popen[bytes]) -> None:
    assert process.is_gone(process.machine(), child.pid, "12345")


def test_this_process_began_after_its_parent() -> None:
    assert int(process.started(os.getpid())) >= int(process.started(os.getppid()) or 0)


@pytest.mark.parametrize("where", ["", "another boot/pid:[4026531836]", "another boot"])
@pytest.mark.parametrize("pid", [4_190_000, 1])
def test_of_another_machine_or_an_unknown_one_nothing_is_proved(where: str, pid: int) -> None:
    assert not process.is_gone(where, pid, "1")


@pytest.mark.parametrize("pid", [0, -1, -4_190_000])
def test_no_process_id_proves_nothing(pid: int) -> None:
    assert not process.is_gone(process.machine(), pid, "1")


def test_where_the_machine_cannot_be_told_nothing_is_proved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process._machine.cache_clear()
    monkeypatch.setattr(process, "PROC", tmp_path)
    try:
        assert process.machine() == ""
        assert process.started(os.getpid()) == ""
        assert not process.is_gone(process.machine(), 4_190_000, "1")
    finally:
        process._machine.cache_clear()


def test_a_machine_is_one_boot_and_one_space_of_process_ids() -> None:
    boot, _, space = process.machine().partition("/")
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert space.startswith("pid:[")


@pytest.mark.parametrize("name", ["a b", "a) S 1 (b", "((", "))"])
def test_a_process_may_be_called_anything(tmp_path: Path, name: str) -> None:
    sleeper = shutil.copy(shutil.which("sleep") or "/bin/sleep", tmp_path / name)
    with subprocess.Popen([sleeper, "60"]) as odd:
        try:
            stat = Path(f"/proc/{odd.pid}/stat").read_text()
            assert process.started(odd.pid) == stat[stat.rindex(")") + 2 :].split()[19]
            assert int(process.started(odd.pid)) >= int(process.started(os.getpid()))
        finally:
            odd.kill()


def test_the_clock_goes_on() -> None:
    first = process.seconds()
    assert process.seconds() >= first > 0
