"""Lines of code that fit an artifact: Prefect's newer interface gives it 584 pixels of a window of 1,280 and breaks no line."""

from __future__ import annotations

LETTERS = 64
"""Of a line of code that fit, measured there."""
GOES_ON = "    … "


def diff_block(lines: str) -> str:
    """A unified diff as a block of code. A line that is too long goes on below, after dots, under its own sign."""
    shown = "\n".join(part for line in lines.splitlines() for part in folded(line))
    return f"````diff\n{shown}\n````"


def folded(line: str) -> list[str]:
    """The pieces of a line of a diff."""
    sign, rest = line[:1], line[LETTERS:]
    size = LETTERS - len(sign) - len(GOES_ON)
    more = [rest[start : start + size] for start in range(0, len(rest), size)]
    return [line[:LETTERS], *(f"{sign}{GOES_ON}{piece}" for piece in more)]
