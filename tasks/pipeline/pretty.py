"""JSON that people read and programs compare."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any


def plain(value: Any) -> str:
    """What JSON has no word for; times in UTC."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def pretty(value: Any) -> bytes:
    """JSON for people and programs: equal values give equal bytes."""
    return (
        json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, default=plain).encode(errors="replace") + b"\n"
    )
