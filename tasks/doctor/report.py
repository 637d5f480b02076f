"""What was found, for people: a table a part, worst first; what is in order is a number."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from tasks.doctor.examine import Look
from tasks.doctor.finding import LEVELS, Finding
from tasks.remediation.report import Section, counted, listed

PAGE = "docs/operations/doctor.md"
NAMED = 4
"""Sentences of one code that are shown; all are counted, and `--json` has them all."""


def counts(looks: Sequence[Look]) -> str:
    """`2 errors, 1 warning, 131 in order`."""
    found = [one for look in looks for one in look.findings]
    parts = [(level, sum(one.level == level for one in found)) for level in LEVELS]
    shown = [f"{number} unknown" if level == "unknown" else counted(number, level) for level, number in parts if number]
    return ", ".join([*shown, f"{sum(look.good for look in looks):,} in order"])


def sections(looks: Sequence[Look]) -> list[Section]:
    """One for each part in which something was found, the worst part first."""
    return [
        Section(f"{look.part}: {counts([look])}", rows=tuple(rows(look)))
        for look in sorted(looks, key=_worst)
        if look.findings
    ]


def rows(look: Look) -> Iterator[dict[str, str | int | float]]:
    """One row a code: what, why and what next."""
    for found in by_code(look.findings):
        code = found[0].code
        what = " ".join(one.what for one in found[:NAMED]) + more(found)
        yield {"level": code.level, "code": code.name, "what": what, "why": code.why, "next": code.todo}


def by_code(findings: list[Finding]) -> list[list[Finding]]:
    """Findings of one code together, worst first."""
    ordered = sorted(findings, key=lambda one: (LEVELS.index(one.level), one.code.name))
    return [list(group) for _, group in groupby(ordered, key=lambda one: one.code.name)]


def more(found: list[Finding]) -> str:
    """What is not shown of a code."""
    rest = [one.subject for one in found[NAMED:]]
    return f" Likewise: {listed(rest, 12)}." if rest else ""


def text(looks: Sequence[Look], width: int = 100) -> str:
    """The whole examination for a terminal."""
    lines: list[str] = []
    for look in sorted(looks, key=_worst):
        if look.findings:
            lines += ["", f"{look.part}: {counts([look])}"]
            for found in by_code(look.findings):
                lines += paragraph(found, width)
    well = [f"{look.part} ({look.good})" for look in looks if not look.findings]
    lines += ["", f"In order: {', '.join(well)}."] if well else []
    return "\n".join([*lines, "", f"Every code: {PAGE}", verdict(looks)]).lstrip("\n")


def verdict(looks: Sequence[Look]) -> str:
    """The last line: what all of it comes to."""
    levels = {one.level for look in looks for one in look.findings}
    said = "No errors"
    if "error" in levels:
        said = "Something will not work"
    elif "unknown" in levels:
        said = "No errors, but not everything could be looked at"
    return f"{said}: {counts(looks)}."


def paragraph(found: list[Finding], width: int) -> Iterator[str]:
    """One code: what was found, then why it matters and what next, once. Of a note only the former."""
    code = found[0].code
    yield f"  {code.level.upper():<8} {code.name}"
    for one in found[:NAMED]:
        yield from _wrapped(one.what, width, " " * 11)
    if rest := more(found).strip():
        yield from _wrapped(rest, width, " " * 11)
    if code.level == "note":
        return
    yield from _wrapped(code.why, width, " " * 11, "Why:  ")
    yield from _wrapped(code.todo, width, " " * 11, "Next: ")


def _wrapped(said: str, width: int, indent: str, head: str = "") -> list[str]:
    follow = indent + " " * len(head)
    # A setting, a path or a command stays in one piece, however narrow the terminal: people copy it.
    wrapper = textwrap.TextWrapper(max(width, 40), break_on_hyphens=False, break_long_words=False)
    wrapper.initial_indent, wrapper.subsequent_indent = indent + head, follow
    return wrapper.wrap(said)


def _worst(look: Look) -> int:
    return min((LEVELS.index(one.level) for one in look.findings), default=len(LEVELS))
