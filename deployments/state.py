"""What runs here now: small files below the state folder, so that one command finds what another one started.

Whoever writes such a file keeps it locked while it lives. A file that a killed process left behind is therefore known to
be old, even when its process id belongs to somebody else by now.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO, Any

HOME = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("REMEDIATION_STATE", HOME / ".state")).resolve()
PLACES = range(1, 100)
"""How many of the same name can run side by side."""

_held: dict[str, IO[str]] = {}


def announce(name: str, facts: dict[str, Any], alone: bool = False) -> bool:
    """Write down that this process runs something, and where it is. Said again, the new facts replace the old ones.

    Args:
        name: What it is: `up`, `sandbox`.
        facts: What others need to know to use it.
        alone: There may be only one. Returns False, and writes nothing, when there is another.
    """
    file = _held.get(name) or _take(name, PLACES[:1] if alone else PLACES)
    if file is None:
        return False
    _held[name] = file
    file.seek(0)
    file.truncate()
    json.dump({**facts, "pid": os.getpid(), "since": time.time()}, file)
    file.flush()
    return True


def withdraw(name: str) -> None:
    """Forget it again, if this process announced it."""
    file = _held.pop(name, None)
    if file is not None:
        Path(file.name).unlink(missing_ok=True)
        file.close()


def running(name: str) -> dict[str, Any] | None:
    """What was announced under that name and still runs; of several the one that was started last."""
    found = [facts for path in STATE.glob(f"{name}-*.json") if (facts := _living(path)) is not None]
    return max(found, key=lambda facts: float(facts["since"]), default=None)


def _take(name: str, places: range) -> IO[str] | None:
    """The first file of that name that nobody holds, locked."""
    STATE.mkdir(parents=True, exist_ok=True)
    for place in places:
        file = (STATE / f"{name}-{place}.json").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        return file
    return None


def _living(path: Path) -> dict[str, Any] | None:
    """What the file says, if somebody holds it."""
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                facts: dict[str, Any] = json.load(file)
                return facts
    except (OSError, ValueError):
        return None
    return None
