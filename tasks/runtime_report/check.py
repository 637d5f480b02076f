"""The runtime report as a check: it reads, judges by what is promised, and keeps its files in the ops bucket."""

from __future__ import annotations

from datetime import UTC, datetime

from blocks.clients import load_libraries
from blocks.errors import OutsideError
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome
from tasks.runtime_report.files import keep, picture
from tasks.runtime_report.report import Report, make_report
from tasks.runtime_report.window import Question, window_of
from tasks.runtime_report.words import sections, sentence


class RuntimeReport(Check[Question]):
    """How long everything took, and what a person must do about it. `Findings.facts` is the report."""

    name = "runtime-report"

    def look(self, context: Context, question: Question) -> Findings:
        """Read and judge. Raises Refused for a window that makes no sense."""
        report, kept = reported(context, question)
        return Findings(
            outcome=word_of(report),
            reasons=report.reasons() + [f"Unknown: {one}" for one in report.unknown],
            notes=[*report.notes, kept],
            summary=sentence(report),
            sections=sections(report, picture(report)),
            facts=report,
        )


def reported(context: Context, question: Question, now: datetime | None = None) -> tuple[Report, str]:
    """The report, and a sentence about where its files are."""
    at = now or datetime.now(UTC)
    window = window_of(question, at)
    load_libraries()  # before the threads, which would do it in each other's way
    report = make_report(context.environment, window, at)
    try:
        kept = f"All files: gs://{context.environment.ops_bucket}/{keep(context, report)}"
    except OutsideError as error:
        report.unknown.append(f"The files could not be kept: {error}")
        kept = "The files were not kept."
    return report, kept


def word_of(report: Report) -> Outcome:
    """`failed` when a person must act, else `partial` when something could not be asked or kept."""
    return "failed" if report.reasons() else "partial" if report.unknown else "nothing_to_do"
