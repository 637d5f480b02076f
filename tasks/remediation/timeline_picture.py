"""The timeline as a picture: one row an event, its dot where it was in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import drawsvg as draw

from tasks.remediation.drawing import WIDTH, canvas, line, svg_of, words
from tasks.remediation.times import clock, lasted, one_line

ROW, TOP, LEFT, RIGHT = 22, 64, 24, 24
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
    made = canvas(f"Timeline of {one_line(title, LONGEST)}", one_line(title, LONGEST), alt, STYLE, height)
    made.extend(axis(first, last, height))
    for number, one in enumerate(rows):
        made.extend(row_of(number, one, first, last))
    if left_out:
        said = f"{left_out} more events are in the table, not here"
        made.append(words(said, LEFT, TOP + ROW * len(rows) + 15, "dim"))
    return svg_of(made)


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


def axis(first: datetime, last: datetime, height: int) -> Iterator[draw.DrawingElement]:
    """Ticks that people can count by, with the first one's date."""
    whole = (last - first).total_seconds()
    step = next((one for one in STEPS if whole / one <= 6), STEPS[-1])
    ticks = [first + timedelta(seconds=step * number) for number in range(int(min(whole / step, 6)) + 1)]
    for number, at in enumerate(ticks):
        x = place(at, first, last)
        label = f"{clock(at)}" if number == 0 else f"+{lasted(step * number)}"
        anchor = "start" if number == 0 else "end" if x > WIDTH - 120 else "middle"
        yield line("line", x, TOP - 8, x, height - 16)
        if number == 0 or x > LEFT + 190:
            yield words(label, x, TOP - 14, "dim", text_anchor=anchor)


def row_of(number: int, one: Event, first: datetime, last: datetime) -> Iterator[draw.DrawingElement]:
    """A dot with its words on the side where there is room."""
    x, y = place(one.at, first, last), TOP + ROW * number + 11
    right = x < WIDTH / 2
    said = one_line(f"{one.at:%H:%M:%S} {one.what}", LONGEST)
    yield draw.Circle(round(x, 1), y, 5, class_=COLOURS.get(one.kind, "dot"))
    yield words(said, x + (10 if right else -10), y + 4, "text", text_anchor="start" if right else "end")


def alt_text(title: str, rows: Sequence[Event], left_out: int) -> str:
    """The same in words, for whoever does not see the picture."""
    told = "; ".join(f"{one.at:%H:%M:%S} {one_line(one.what, LONGEST)}" for one in rows)
    more = f" {left_out} more events are in the table." if left_out else ""
    return f"Events of {one_line(title, LONGEST)} from {clock(rows[0].at)} to {clock(rows[-1].at)}: {told}.{more}"
