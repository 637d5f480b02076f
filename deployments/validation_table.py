"""A scene's report for people: the verdict, the stages that need something, and what is wrong, worst first."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.validation.findings import Finding, SceneReport

COLOURS = {"error": "red", "warning": "yellow", "unread": "magenta", "info": "blue"}
VERDICTS = {True: "[green]healthy[/green]", False: "[red]not healthy[/red]", None: "[magenta]unknown[/magenta]"}
SHOWN = 3
"""Findings of one kind that are written out; the rest are counted."""
DIALECT = "dialect-"
WIDTH = 160


def print_report(report: SceneReport) -> None:
    """Print one scene's report to standard output."""
    console = Console(width=None if Console().is_terminal else WIDTH, highlight=False)
    count = Counter(finding.severity for finding in report.findings)
    verdict = VERDICTS[report.healthy]
    tally = f"{count['error']} errors, {count['warning']} warnings, {count['info']} notes"
    if count["unread"]:
        tally += f", {count['unread']} not looked at"
    console.print(f"[bold]{escape(report.scene_id)}[/bold]: {verdict} ({tally})")
    wanting = [f"{name} {state}" for name, state in report.stages.items() if state not in ("complete", "never_ran")]
    if wanting:
        console.print(f"  stages: {escape(', '.join(wanting))}")
    told = [finding for finding in report.findings if finding.severity != "info"]
    shown = [finding for finding in told if not finding.code.startswith(DIALECT)]
    if shown:
        console.print(_table(shown))
    dialects = dict.fromkeys(finding.code for finding in told if finding.code.startswith(DIALECT))
    if dialects:
        console.print(f"  known peculiarities of the pipeline: {', '.join(dialects)} (docs/validation.md)")


def _table(findings: list[Finding]) -> Table:
    table = Table(show_edge=False, pad_edge=True, expand=False)
    for name, ratio in (("finding", 2), ("what", 5), ("what to do", 4)):
        table.add_column(name, ratio=ratio, overflow="fold")
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.code, finding.stage), []).append(finding)
    for (code, _), same in kinds.items():
        colour = COLOURS[same[0].severity]
        for finding in same[:SHOWN]:
            table.add_row(f"[{colour}]{escape(code)}[/{colour}]", _what(finding), escape(finding.fix))
        if len(same) > SHOWN:
            table.add_row("", f"… and {len(same) - SHOWN} more like these; --json lists them.", "")
    return table


def _what(finding: Finding) -> str:
    place = f" [dim]{escape(finding.path)}[/dim]" if finding.path else ""
    return f"{escape(finding.message)}{place}"
