"""A diagnosis for a tired person: the causes first, with what to do; then the evidence; then what is not known."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tasks.diagnosis.signs import Cause, utc
from tasks.diagnosis.symptoms import Row
from tasks.remediation.report import Section, counted
from tasks.remediation.table import escaped

PAGE = "docs/operations/diagnose.md"


def summary(causes: Sequence[Cause], unknown: Sequence[str]) -> str:
    """`2 causes found, 1 thing unknown`."""
    said = f"{counted(len(causes), 'cause')} found" if causes else "nothing wrong was found"
    return f"{said}, {counted(len(unknown), 'thing')} unknown" if unknown else said


def sections(causes: Sequence[Cause], unknown: Sequence[str]) -> list[Section]:
    """The parts of the report."""
    made = [Section("Causes, the heaviest first", rows=tuple(rows(causes)))] if causes else []
    for number, one in enumerate(causes, 1):
        lines = [*one.evidence, *(f"comes of it: {said}" for said in one.consequences)]
        made.append(Section(f"{number}. {one.subject}", "\n".join(f"- {escaped(line)}" for line in lines)))
    if unknown:
        made.append(Section("Not known, which does not mean that it is well", "\n".join(f"- {one}" for one in unknown)))
    return made


def rows(causes: Sequence[Cause]) -> Iterator[dict[str, str | int]]:
    """One row a cause."""
    for number, one in enumerate(causes, 1):
        comes = f" {counted(len(one.consequences), 'consequence')}." if one.consequences else ""
        yield {
            "#": number,
            "what is wrong": f"{one.sentence}{comes}",
            "what to do": one.remedy,
            "since": utc(one.since),
            "row": f"`{one.row}`",
        }


def text(causes: Sequence[Cause], unknown: Sequence[str], notes: Sequence[str], width: int = 100) -> str:
    """The diagnosis for a terminal."""
    lines: list[str] = []
    for number, one in enumerate(causes, 1):
        lines += wrapped(f"{number}. ", one.sentence, width)
        lines += wrapped("   Do:    ", one.remedy, width)
        lines += wrapped("   Since: ", f"{utc(one.since)}  ({one.row})", width)
        lines += [line for said in one.evidence for line in wrapped("   Seen:  ", said, width)]
        lines += [line for said in one.consequences for line in wrapped("   Hence: ", said, width)]
        lines.append("")
    lines += [line for one in unknown for line in wrapped("UNKNOWN  ", one, width)]
    lines += [line for one in notes for line in wrapped("Note: ", one, width)]
    return "\n".join([*lines, f"Every row: {PAGE}", f"{summary(causes, unknown).capitalize()}."])


def wrapped(head: str, said: str, width: int) -> list[str]:
    """A paragraph; a command, a path or a digest in it stays in one piece, however narrow the terminal."""
    wrapper = textwrap.TextWrapper(max(width, 40), break_on_hyphens=False, break_long_words=False)
    wrapper.initial_indent, wrapper.subsequent_indent = head, " " * len(head)
    return wrapper.wrap(said) or [head]


def as_data(causes: Sequence[Cause], unknown: Sequence[str], notes: Sequence[str]) -> dict[str, Any]:
    """Plain data with stable keys."""
    return {
        "summary": summary(causes, unknown),
        "causes": [one.as_dict() for one in causes],
        "unknown": list(unknown),
        "notes": list(notes),
    }


def table(symptoms: Iterable[Row]) -> str:
    """The table of symptoms as docs/operations/diagnose.md has it."""
    lines = ["| row | symptom | likely causes | what to do | probe |", "|---|---|---|---|---|"]
    for row in symptoms:
        one = row.symptom
        cells = (f"`{row.id}`", one.symptom, "; ".join(one.causes), f"`{one.remedy}`", one.probe.replace("_", " "))
        lines.append(f"| {' | '.join(escaped(cell) for cell in cells)} |")
    return "\n".join(lines)
