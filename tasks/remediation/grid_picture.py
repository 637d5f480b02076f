"""A table of states as a picture: a row of coloured cells for each name, each with a letter of its own for whoever sees no colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import drawsvg as draw

from tasks.remediation.drawing import WIDTH, Picture, box, canvas, svg_of, words
from tasks.remediation.times import one_line

ROW, LEFT, EDGE = 22, 210, 24
OVERHANG = 90
"""Pixels that a slanting name of the last column needs beside it."""
WIDEST = 96.0
"""Pixels of a cell at most: seven days of a week need no more."""
LONGEST = 28
"""Characters of a row's name: as many as fit beside the cells."""
MOST_ROWS = 60
"""Rows that are drawn; whoever draws more says how many are left out."""
Colour = Literal["good", "bad", "warn", "calm", "none"]
STYLE = """
.page{fill:#fff}.text{fill:#1f2328}.dim{fill:#59636e}.good{fill:#1a7f37}.bad{fill:#cf222e}.warn{fill:#9a6700}
.calm{fill:#0969da}.none{fill:#eff2f5}.in{fill:#fff}.in-none{fill:#59636e}
@media (prefers-color-scheme: dark){.page{fill:#0d1117}.text{fill:#f0f6fc}.dim{fill:#9198a1}.good{fill:#238636}
.bad{fill:#da3633}.warn{fill:#9e6a03}.calm{fill:#1f6feb}.none{fill:#212830}.in{fill:#fff}.in-none{fill:#9198a1}}
"""


@dataclass(frozen=True, slots=True)
class State:
    """What a cell may be."""

    letter: str
    """What stands in the cell: a few characters."""
    colour: Colour
    words: str
    """What it means, for the legend."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    name: str
    cells: tuple[str, ...]
    """Keys of the states, one a column; empty: nothing is drawn there."""
    labels: tuple[str, ...] = ()
    """Text of each cell before its letter, such as a date."""


def grid(
    title: str, columns: Sequence[str], rows: Sequence[Row], states: Mapping[str, State], left_out: int = 0
) -> Picture:
    """The picture. A state that is not known is drawn as it is called.

    Args:
        title: What is shown.
        columns: Their names, upright where they fit, else slanting.
        rows: At most `MOST_ROWS` are drawn.
        states: By their keys.
        left_out: How many rows the caller has left out already.
    """
    shown, left_out = rows[:MOST_ROWS], left_out + max(len(rows) - MOST_ROWS, 0)
    cell, slanting = widths(columns)
    top = 76 + (90 if slanting else 0)
    height = top + ROW * max(len(shown), 1) + 34
    told = alt(title, rows, states, left_out)
    made = canvas(title, one_line(title, 110), told, STYLE, height)
    made.extend(legend(rows, states))
    made.extend(head(name, LEFT + cell * number, top, cell, slanting) for number, name in enumerate(columns))
    for number, row in enumerate(shown):
        made.extend(drawn(row, top + ROW * number, cell, states))
    if left_out:
        made.append(words(f"{left_out:,} more are not drawn here", EDGE, top + ROW * len(shown) + 18, "dim"))
    return Picture(svg_of(made), told)


def widths(columns: Sequence[str]) -> tuple[float, bool]:
    """How wide a cell is, and whether the names of the columns slant: then the last one needs room on its right."""
    cell = min((WIDTH - LEFT - EDGE) / max(len(columns), 1), WIDEST)
    if all(len(name) * 7 <= cell for name in columns):
        return cell, False
    return min((WIDTH - LEFT - EDGE - OVERHANG) / len(columns), WIDEST), True


def head(name: str, x: float, top: int, cell: float, slanting: bool) -> draw.DrawingElement:
    """A column's name."""
    said, middle = one_line(name, 22), x + cell / 2
    if slanting:
        return words(said, 0, 0, "dim", transform=f"translate({middle:.1f} {top - 6}) rotate(-40)")
    return words(said, middle, top - 6, "dim", text_anchor="middle")


def drawn(row: Row, y: int, cell: float, states: Mapping[str, State]) -> Iterator[draw.DrawingElement]:
    """A row's name and its cells."""
    yield words(one_line(row.name, LONGEST), EDGE, y + 15, "text")
    for number, key in enumerate(row.cells):
        if not key:
            continue
        state, x = states.get(key, State("?", "none", key)), LEFT + cell * number
        label = row.labels[number] if number < len(row.labels) else ""
        yield box(state.colour, x + 1, y + 1, cell - 2, ROW - 2, rx=3)
        yield words(f"{label} {state.letter}".strip(), x + cell / 2, y + 15, ink(state), text_anchor="middle")


def legend(rows: Sequence[Row], states: Mapping[str, State]) -> Iterator[draw.DrawingElement]:
    """What the letters mean: of those that are shown."""
    shown, x = {key for row in rows for key in row.cells}, float(EDGE)
    for key, state in states.items():
        if key in shown:
            yield box(state.colour, x, 36, 18, 16, rx=3)
            yield words(state.letter, x + 9, 48, ink(state), text_anchor="middle")
            yield words(state.words, x + 24, 48, "dim")
            x += 40 + 6.6 * len(state.words)


def ink(state: State) -> str:
    """The class of what stands in a cell."""
    return "in-none" if state.colour == "none" else "in"


def alt(title: str, rows: Sequence[Row], states: Mapping[str, State], left_out: int) -> str:
    """The same in words: how many cells are in which state, and the rows in which something is bad."""
    counts = Counter(key for row in rows for key in row.cells if key)
    told = ", ".join(f"{count:,} {states[key].words if key in states else key}" for key, count in counts.items())
    bad = [row.name for row in rows if any(key in states and states[key].colour == "bad" for key in row.cells)]
    named = f" Bad: {', '.join(bad[:20])}{f' and {len(bad) - 20} more' if len(bad) > 20 else ''}." if bad else ""
    more = f" {left_out:,} more are not drawn." if left_out else ""
    return f"{one_line(title)}: {told or 'nothing'}.{named}{more}"
