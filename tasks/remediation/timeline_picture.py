"""The timeline as a picture: one row an event, its dot where it was in time. SVG of plain text, light and dark.

It needs nothing from outside, so it can be opened from the bucket, put into a page, and read aloud (`title` and `desc`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tasks.remediation.drawing import described, printable
from tasks.remediation.times import clock, lasted, one_line

WIDTH, ROW, TOP, LEFT, RIGHT = 960, 22, 64, 24, 24
MOST_ROWS = 40
"""Events that are drawn: more rows than this nobody reads; the table has them all."""
LONGEST = 78
"""Characters of a row's text: at 12 pixels they take about half the width."""
QUIET = ("evidence",)
"""Kinds that are not drawn: a dozen files of one moment say nothing of time."""
COLOURS = {
    "declared": "bad", "reopened": "bad", "failed": "bad", "begin": "told", "intent": "act", "outcome": "good", "acknowledged": "person", "decision": "person", "note": "person",
    "action": "act", "update": "told", "paging": "told", "paged": "told", "resolved": "good", "closed": "good",
}  # fmt: skip
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800)
"""Seconds between two ticks that people can count by."""
STYLE = """
.page{fill:#fff}.text{fill:#1f2328}.dim{fill:#59636e}.line{stroke:#d1d9e0}.dot{fill:#59636e}
.bad{fill:#cf222e}.person{fill:#8250df}.act{fill:#0969da}.told{fill:#9a6700}.good{fill:#1a7f37}
@media (prefers-color-scheme: dark){.page{fill:#0d1117}.text{fill:#f0f6fc}.dim{fill:#9198a1}.line{stroke:#3d444d}
.dot{fill:#9198a1}.bad{fill:#ff7b72}.person{fill:#d2a8ff}.act{fill:#79c0ff}.told{fill:#e3b341}.good{fill:#56d364}}
"""


class Event(Protocol):
    """Something that happened at a moment, for people."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def kind(self) -> str:
        """What kind it is, which gives the dot its colour (`COLOURS`)."""

    @property
    def what(self) -> str:
        """One sentence."""


def timeline_svg(title: str, events: Sequence[Event]) -> str:
    """The picture. Events must be in their order; there is at least one."""
    rows, left_out = drawn(events)
    first, last = rows[0].at, rows[-1].at
    height = TOP + ROW * (len(rows) + bool(left_out)) + 24
    alt = alt_text(title, rows, left_out)
    named, words = described(f"Timeline of {one_line(title, LONGEST)}", alt)
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'{named} font-family="system-ui,sans-serif" font-size="12">',
        words,
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text class="text" x="{LEFT}" y="22" font-size="15" font-weight="600">{printable(one_line(title, LONGEST))}</text>',
        *axis(first, last, height),
        *(row_of(number, one, first, last) for number, one in enumerate(rows)),
    ]
    if left_out:
        said = f"{left_out} more events are in the table, not here"
        body.append(f'<text class="dim" x="{LEFT}" y="{TOP + ROW * len(rows) + 15}">{said}</text>')
    return "\n".join([*body, "</svg>"]) + "\n"


def drawn(events: Sequence[Event]) -> tuple[list[Event], int]:
    """The events that have a row, and how many are left out for there are too many: those in the middle."""
    loud = [one for one in events if one.kind not in QUIET] or list(events[:1])
    if len(loud) <= MOST_ROWS:
        return loud, 0
    half = MOST_ROWS // 2
    return [*loud[:half], *loud[-half:]], len(loud) - MOST_ROWS


def place(at: datetime, first: datetime, last: datetime) -> float:
    """Where a moment is across the picture."""
    whole = (last - first).total_seconds()
    share = (at - first).total_seconds() / whole if whole > 0 else 0.0
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def axis(first: datetime, last: datetime, height: int) -> list[str]:
    """Ticks that people can count by, with the first one's date."""
    whole = (last - first).total_seconds()
    step = next((one for one in STEPS if whole / one <= 6), STEPS[-1])
    ticks = [first + timedelta(seconds=step * number) for number in range(int(min(whole / step, 6)) + 1)]
    parts = []
    for number, at in enumerate(ticks):
        x = place(at, first, last)
        label = f"{clock(at)}" if number == 0 else f"+{lasted(step * number)}"
        anchor = "start" if number == 0 else "end" if x > WIDTH - 120 else "middle"
        parts.append(f'<line class="line" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 16}"/>')
        if number == 0 or x > LEFT + 190:
            parts.append(f'<text class="dim" x="{x:.1f}" y="{TOP - 14}" text-anchor="{anchor}">{label}</text>')
    return parts


def row_of(number: int, one: Event, first: datetime, last: datetime) -> str:
    """A dot with its words on the side where there is room."""
    x, y = place(one.at, first, last), TOP + ROW * number + 11
    right = x < WIDTH / 2
    words = printable(one_line(f"{one.at:%H:%M:%S} {one.what}", LONGEST))
    return (
        f'<circle class="{COLOURS.get(one.kind, "dot")}" cx="{x:.1f}" cy="{y}" r="5"/>'
        f'<text class="text" x="{x + (10 if right else -10):.1f}" y="{y + 4}" text-anchor="{"start" if right else "end"}">{words}</text>'
    )


def alt_text(title: str, rows: Sequence[Event], left_out: int) -> str:
    """The same in words, for whoever does not see the picture."""
    told = "; ".join(f"{one.at:%H:%M:%S} {one_line(one.what, LONGEST)}" for one in rows)
    more = f" {left_out} more events are in the table." if left_out else ""
    return f"Events of {one_line(title, LONGEST)} from {clock(rows[0].at)} to {clock(rows[-1].at)}: {told}.{more}"
