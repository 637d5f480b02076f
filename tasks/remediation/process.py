"""Who a process is, so that another one on the same machine can prove that it is gone.

A process is named by the machine's boot, its namespace of process ids, its id and its start time: ids are used again,
and two containers of one machine have different processes with the same id. Linux only; elsewhere nothing is proved.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path

PROC = Path("/proc")


def seconds() -> float:
    """A clock that goes on while the machine sleeps (Linux: CLOCK_BOOTTIME), unlike a monotonic one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def machine() -> str:
    """This boot of this machine and this namespace of process ids; empty where that cannot be told."""
    return _machine(os.getpid())  # a forked child may be in another namespace


def started(pid: int) -> str:
    """When a process began, in the kernel's ticks since boot; empty when there is no such process."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # its name, in parentheses, may hold spaces
    return "" if fields[0] in ("Z", "X") else fields[19]


def is_gone(where: str, pid: int, began: str) -> bool:
    """Whether a process of this very machine has certainly ended. False when that cannot be told."""
    if not where or where != machine() or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is there, and somebody else's
    return (PROC / str(pid) / "stat").exists() and started(pid) != began


@lru_cache(maxsize=4)
def _machine(_pid: int) -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""
