"""A table of states as a picture: a row of coloured cells for each name, each with a letter of its own for whoever sees no colour.

SVG of plain text like the timeline of a run: it needs nothing from outside, is light and dark, and is told in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.remediation.drawing import Picture, printable
from tasks.remediation.times import one_line

WIDTH, ROW, LEFT, EDGE = 960, 22, 210, 24
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
    words = alt(title, rows, states, left_out)
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{printable(words)}" font-family="system-ui,sans-serif" font-size="12">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text class="text" x="{EDGE}" y="22" font-size="15" font-weight="600">{printable(one_line(title, 110))}</text>',
        *legend(rows, states),
        *(head(name, LEFT + cell * number, top, cell, slanting) for number, name in enumerate(columns)),
        *(part for number, row in enumerate(shown) for part in drawn(row, top + ROW * number, cell, states)),
    ]
    if left_out:
        said = f"{left_out:,} more are not drawn here"
        body.append(f'<text class="dim" x="{EDGE}" y="{top + ROW * len(shown) + 18}">{said}</text>')
    return Picture("\n".join([*body, "</svg>"]) + "\n", words)


def widths(columns: Sequence[str]) -> tuple[float, bool]:
    """How wide a cell is, and whether the names of the columns slant: then the last one needs room on its right."""
    cell = min((WIDTH - LEFT - EDGE) / max(len(columns), 1), WIDEST)
    if all(len(name) * 7 <= cell for name in columns):
        return cell, False
    return min((WIDTH - LEFT - EDGE - OVERHANG) / len(columns), WIDEST), True


def head(name: str, x: float, top: int, cell: float, slanting: bool) -> str:
    """A column's name."""
    words = printable(one_line(name, 22))
    if slanting:
        at = f"{x + cell / 2:.1f} {top - 6}"
        return f'<text class="dim" transform="translate({at}) rotate(-40)">{words}</text>'
    return f'<text class="dim" x="{x + cell / 2:.1f}" y="{top - 6}" text-anchor="middle">{words}</text>'


def drawn(row: Row, y: int, cell: float, states: Mapping[str, State]) -> list[str]:
    """A row's name and its cells."""
    parts = [f'<text class="text" x="{EDGE}" y="{y + 15}">{printable(one_line(row.name, LONGEST))}</text>']
    for number, key in enumerate(row.cells):
        if not key:
            continue
        state, x = states.get(key, State("?", "none", key)), LEFT + cell * number
        label = row.labels[number] if number < len(row.labels) else ""
        said, ink = printable(f"{label} {state.letter}".strip()), "in-none" if state.colour == "none" else "in"
        parts.append(
            f'<rect class="{state.colour}" x="{x + 1:.1f}" y="{y + 1}" width="{cell - 2:.1f}" height="{ROW - 2}" rx="3"/>'
            f'<text class="{ink}" x="{x + cell / 2:.1f}" y="{y + 15}" text-anchor="middle">{said}</text>'
        )
    return parts


def legend(rows: Sequence[Row], states: Mapping[str, State]) -> list[str]:
    """What the letters mean: of those that are shown."""
    shown, parts, x = {key for row in rows for key in row.cells}, [], float(EDGE)
    for key, state in states.items():
        if key in shown:
            ink = "in-none" if state.colour == "none" else "in"
            parts.append(
                f'<rect class="{state.colour}" x="{x:.0f}" y="36" width="18" height="16" rx="3"/>'
                f'<text class="{ink}" x="{x + 9:.0f}" y="48" text-anchor="middle">{printable(state.letter)}</text>'
                f'<text class="dim" x="{x + 24:.0f}" y="48">{printable(state.words)}</text>'
            )
            x += 40 + 6.6 * len(state.words)
    return parts


def alt(title: str, rows: Sequence[Row], states: Mapping[str, State], left_out: int) -> str:
    """The same in words: how many cells are in which state, and the rows in which something is bad."""
    counts = Counter(key for row in rows for key in row.cells if key)
    told = ", ".join(f"{count:,} {states[key].words if key in states else key}" for key, count in counts.items())
    bad = [row.name for row in rows if any(key in states and states[key].colour == "bad" for key in row.cells)]
    named = f" Bad: {', '.join(bad[:20])}{f' and {len(bad) - 20} more' if len(bad) > 20 else ''}." if bad else ""
    more = f" {left_out:,} more are not drawn." if left_out else ""
    return f"{one_line(title)}: {told or 'nothing'}.{named}{more}"
