"""The report for a terminal: the steps as a table, the promises, and what is to be done."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.runtime_report.report import Report
from tasks.runtime_report.words import next_actions, number, percent, sentence

COLUMNS = ("job", "timeout", "runs", "P50", "P95", "P99", "usage", "ended")


def text(report: Report, kept: str) -> str:
    """Everything that fits; the files have the rest."""
    rows = [
        (
            f"{one.job} ({one.workflow or 'unknown'})", f"{one.timeout:g}" if one.timeout else "unknown", f"{one.runs:,}",
            f"{one.p50:,.0f}", f"{one.p95:,.0f}", f"{one.p99:,.0f}", percent(one.usage_p95), f"{one.timed_out:,}",
        )
        for one in report.steps
    ]  # fmt: skip
    promises = [
        f"{one.state.upper():8} {one.name}: "
        + ("unknown" if one.good is None else f"{one.good:.2f} % of {number(one.events)}")
        for one in report.levels
    ]
    parts = [
        *(table(rows) if rows else ["No duration is known."]),
        "",
        *promises,
        *(f"Changed  {one.sentence()}" for one in report.changes),
        *(f"Propose  {one.sentence()}" for one in report.proposals),
        *(f"Do       {one}" for one in next_actions(report) if one != "Nothing."),
        *(f"UNKNOWN  {one}" for one in report.unknown),
        *(f"Note: {one}" for one in report.notes),
        kept,
        f"{sentence(report)}.",
    ]
    return "\n".join(parts)


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as what they hold, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (COLUMNS, *rows)
    ]
