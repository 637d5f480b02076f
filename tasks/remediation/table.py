"""Rows for people: a table where it fits the narrowest place that shows it, else a list with an entry for each row.

Prefect's interface of today breaks no line of a table and gives it 700 pixels of a window of 1,280: a sentence in a cell is
off the screen at once. A page of our own wraps, and always has the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Cell = str | int | float

PIXELS = 700
"""What a table may need, measured in a window of 1,280 pixels."""
LETTER, PADDING = 8, 24
"""Pixels of a letter, and of a cell round its letters, likewise."""
SHORT = 40
"""Letters of a value that stands in the first line of an entry; a longer one has a line of its own."""
BREAK = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
MARK = re.compile(r"^(?:(\d{1,9})(?=[.)](?:\s|$))|(?=(?:[-+*]|#{1,6})(?:\s|$)|>))")
"""Where a backslash goes before what would begin a heading, a quotation or a list where a line begins."""


def table(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Rows as a Markdown table; the first row names the columns. Empty for none."""
    if not rows:
        return ""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([escaped(row.get(name, "")) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fitting(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Rows as a table if none of it runs off the screen, else as a list. Empty for none."""
    return table(rows) if width(rows) <= PIXELS else "\n".join(map(entry, rows))


def fitted(markdown: str) -> str:
    """A document with each of its tables as `fitting` has it."""
    parts = markdown.split("\n\n")
    return "\n\n".join(
        fitting(rows_of(part)) if part.partition("\n")[2].startswith("| ---") else part for part in parts
    )


def rows_of(written: str) -> list[dict[str, str]]:
    """The rows that `table` has written; a pipe within a cell is escaped there."""
    split = (line.removeprefix("| ").removesuffix(" |").split(" | ") for line in written.strip().splitlines())
    names, _, *lines = ([cell.replace("\\|", "|") for cell in cells] for cells in split)
    return [dict(zip(names, cells, strict=True)) for cells in lines]


def width(rows: Sequence[Mapping[str, Cell]]) -> int:
    """The pixels that a table needs whose lines are not broken."""
    columns = {name: [name, *(escaped(row.get(name, "")) for row in rows)] for name in (rows[0] if rows else ())}
    return sum(PADDING + LETTER * max(len(LINK.sub(r"\1", cell)) for cell in cells) for cells in columns.values())


def entry(row: Mapping[str, Cell]) -> str:
    """One row of a list: its first value leads, and the others are below it; where it is short, other short ones stand in its
    line. Empty ones are left out."""
    (_, first), *rest = ((name, one_line(value)) for name, value in row.items())
    said = [(name, value) for name, value in rest if value]
    if len(first) > SHORT:
        lead, beside = MARK.sub(lambda found: f"{found[1] or ''}\\", first), 0
    else:
        lead, beside = f"**{first}**" if first else "", SHORT
    line = " · ".join([*filter(None, [lead]), *(f"{name}: {value}" for name, value in said if len(value) <= beside)])
    return "\n".join([f"- {line}", *(f"  - {name}: {value}" for name, value in said if len(value) > beside)])


def one_line(value: Cell) -> str:
    return BREAK.sub(" ", str(value)).strip()


def escaped(value: Cell) -> str:
    """A value that cannot break its table."""
    return BREAK.sub(" ", str(value)).replace("|", "\\|")
