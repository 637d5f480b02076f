"""What runs here now: small files below the state folder, so that one command finds what another one started."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("REMEDIATION_STATE", HOME / ".state"))


def announce(name: str, facts: dict[str, Any]) -> None:
    """Write down that this process runs something, and where it is."""
    STATE.mkdir(parents=True, exist_ok=True)
    (STATE / f"{name}.json").write_text(json.dumps({**facts, "pid": os.getpid()}))


def withdraw(name: str) -> None:
    """Forget it again, if it is this process's."""
    found = running(name)
    if found and found["pid"] == os.getpid():
        (STATE / f"{name}.json").unlink(missing_ok=True)


def running(name: str) -> dict[str, Any] | None:
    """What is written down, if its process still runs."""
    try:
        facts: dict[str, Any] = json.loads((STATE / f"{name}.json").read_text())
        os.kill(int(facts["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts
