"""Child processes that never outlive us: each in its own session, ended in reverse order, logs in one folder."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from deployments.state import HOME

PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal a child gets when its parent dies."""

_asked: list[int] = []
"""The signals that were received."""


class ChildFailed(RuntimeError):
    """A child ended, or did not become ready in time. The message shows the end of its log."""


class Children:
    """The processes of one stack."""

    def __init__(self, folder: Path, patience: float = 10.0) -> None:
        """`folder` gets one log file for each child; `patience` is how many seconds each has to end when asked."""
        self.folder, self.patience = folder, patience
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a child; its output goes to `<name>.log`."""
        parent = os.getpid()
        with (self.folder / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                list(arguments),
                env=dict(env),
                cwd=HOME,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=(lambda: die_with(parent)) if sys.platform == "linux" else None,
            )
        self._running.append((name, child))
        return child

    def run(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a command to its end. Raises `ChildFailed`."""
        child = self.start(name, arguments, env)
        while (code := child.poll()) is None:
            stop_if_asked()
            time.sleep(0.05)
        self._running.remove((name, child))
        if code:
            raise ChildFailed(f"{name} ended with code {code}. {self.end_of_log(name)}")

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The process of that name. Raises StopIteration when none was started."""
        return next(child for known, child in self._running if known == name)

    def wait_for(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()` is true. Raises `ChildFailed` when the child ends first or the time is over."""
        child = self.process(name)
        deadline = time.monotonic() + seconds
        while not ready():
            stop_if_asked()
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

    def stop(self, name: str = "") -> None:
        """End every child (or the one of that name) and whatever it started, the last one first."""
        chosen = [one for one in self._running if name in ("", one[0])]
        for _, child in reversed(chosen):
            end(child, self.patience)
        self._running = [one for one in self._running if one not in chosen]

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def end(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask a child's process group to end; then make it, and everything else that it started."""
    left = descendants(child.pid)
    send(os.killpg, child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    send(os.killpg, child.pid, signal.SIGKILL)
    for pid in left:
        send(os.kill, pid, signal.SIGKILL)
    child.wait(seconds)


def send(kill: Callable[[int, int], None], pid: int, sign: int) -> None:
    """Send a signal to somebody who may be gone."""
    with contextlib.suppress(ProcessLookupError):
        kill(pid, sign)


def descendants(pid: int) -> list[int]:
    """Processes below this one that have a process group of their own, as a worker's flow runs do (Linux only)."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found[1:]


def die_with(parent: int) -> None:
    """Between fork and exec: end when the parent does, even if it was killed outright."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def stop_on_signals() -> None:
    """From now on Ctrl-C, `kill` and a closed terminal only leave a note, for `stop_if_asked`.

    A handler that raises would be lost where Python swallows exceptions, as it does around a fork.
    """
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _frame: _asked.append(number))


def stop_if_asked() -> None:
    """Raise KeyboardInterrupt after such a signal. Called wherever something is waited for."""
    if _asked:
        raise KeyboardInterrupt
