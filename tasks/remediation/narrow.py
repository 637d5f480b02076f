"""Words and lines that a narrow column cannot break: Prefect's newer interface gives an artifact 584 pixels of a window of 1,280,
breaks no word there, and lets what is longer run under what stands beside it."""

from __future__ import annotations

import re

DIGEST = re.compile(r"(?<![/\w])([0-9a-f]{12})[0-9a-f]{52}\b")
"""A SHA-256 that is no part of an address."""
LETTERS = 64
"""Of a line of code that fit, measured there."""
GOES_ON = "    … "


def short_digests(markdown: str) -> str:
    """The text with each SHA-256 cut to twelve letters, as tools for images do; the report's page has it whole."""
    return DIGEST.sub(r"\1…", markdown)


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
