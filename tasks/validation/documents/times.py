"""Times inside markers and records: ISO 8601 with `Z`, with an offset or with neither, alone or within a sentence.

The pipeline's workflows write `Z`, its jobs' failure records no offset at all; both mean UTC
(workflows/*.yaml, tools/workflow/failure_markers.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

TIME_FIELDS = ("completed_at", "timestamp", "export_timestamp", "generated_at", "failed_at", "updated_at")
"""Where markers and failure records say when; the first one present counts."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?")


def parse_time(text: object) -> datetime | None:
    """The time `text` is or holds, in UTC; None when there is none in it, or when it is none of the years 1 to 9999 in UTC."""
    if not isinstance(text, str):
        return None
    found = _ISO.search(text[:1000])
    if found is None:
        return None
    try:
        when = datetime.fromisoformat(found.group())
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def time_field(payload: Mapping[str, object]) -> str | None:
    """The name of the field that says when, None when there is none."""
    return next((name for name in TIME_FIELDS if name in payload), None)


def payload_time(payload: object) -> datetime | None:
    """When a marker or record says it happened: a field of an object, or a time in a sentence."""
    if isinstance(payload, str):
        return parse_time(payload)
    if not isinstance(payload, dict):
        return None
    name = time_field(payload)
    return None if name is None else parse_time(payload[name])


def shown(when: datetime) -> str:
    """A time for a message: `2026-01-18 09:30:00 UTC`."""
    return when.strftime("%Y-%m-%d %H:%M:%S UTC")
