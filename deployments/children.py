"""Child processes that never outlive us: each in its own session, ended in reverse order, logs in one folder."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal a child gets when its parent dies."""


class ChildFailed(RuntimeError):
    """A child ended, or did not become ready in time. The message shows the end of its log."""


class Children:
    """The processes of one stack."""

    def __init__(self, folder: Path) -> None:
        """`folder` gets one log file for each child."""
        self.folder = folder
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a child; its output goes to `<name>.log`."""
        log = (self.folder / f"{name}.log").open("wb")
        child = subprocess.Popen(
            list(arguments),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )
        log.close()
        self._running.append((name, child))
        return child

    def wait_for(self, name: str, ready: object, seconds: float) -> None:
        """Wait until `ready()` is true. Raises `ChildFailed` when the child ends first or the time is over."""
        child = next(child for known, child in self._running if known == name)
        deadline = time.monotonic() + seconds
        while not ready():  # type: ignore[operator]
            if child.poll() is not None:
                raise ChildFailed(f"{name} ended with code {child.returncode}. {self.end_of_log(name)}")
            if time.monotonic() > deadline:
                raise ChildFailed(f"{name} was not ready after {seconds:.0f} s. {self.end_of_log(name)}")
            time.sleep(0.05)

    def end_of_log(self, name: str, lines: int = 15) -> str:
        """The last lines of a child's log, and where the rest is."""
        path = self.folder / f"{name}.log"
        tail = "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
        return f"Its log is {path}; it ends:\n{tail}"

    def ended(self) -> str | None:
        """The name of a child that has ended by itself, if any."""
        return next((name for name, child in self._running if child.poll() is not None), None)

    def stop(self) -> None:
        """End every child and whatever it started, the last one first."""
        for _, child in reversed(self._running):
            end(child)
        self._running.clear()

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def end(child: subprocess.Popen[bytes], seconds: float = 5.0) -> None:
    """Ask the child's whole process group to end, then make it."""
    for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            return
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        if sign == signal.SIGTERM:
            continue  # the leader is gone; SIGKILL reaches what it left behind
        return


def die_with_parent() -> None:
    """Between fork and exec: end when the parent does, even if it was killed outright."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
