"""Times and texts as people read them in reports and pictures."""

from __future__ import annotations

from datetime import UTC, datetime

UNKNOWN = "unknown"


def second(moment: datetime) -> datetime:
    """The second in which it was."""
    return moment.astimezone(UTC).replace(microsecond=0)


def clock(moment: datetime | None) -> str:
    """`2026-01-18 12:00:00 UTC`, or `unknown`."""
    return UNKNOWN if moment is None else f"{second(moment):%Y-%m-%d %H:%M:%S} UTC"


def lasted(seconds: int) -> str:
    """`3 s`, `2 min 03 s`, `1 h 02 min 03 s`, `2 d 01 h 02 min 03 s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02} h {minutes:02} min {rest:02} s"
    if hours:
        return f"{hours} h {minutes:02} min {rest:02} s"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def one_line(text: str, most: int = 400) -> str:
    """A text on one line, cut when it is long: the record has all of it."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 4]} ..."
