"""The doctor as a check: what is examined, and the word that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.doctor.examine import Look
from tasks.doctor.finding import Finding, worst_first
from tasks.doctor.parts import looks_of
from tasks.doctor.report import counts, sections
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome

SECONDS = 60.0
"""How long the parts may take, all at the same time. A real project's slowest, 60 calls one after another, takes ten."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is examined."""

    home: Path | None = None
    """The checkout with prefect.yaml, whose Prefect server is looked at too; None: only the pipeline."""
    seconds: float = SECONDS


class Doctor(Check[Question]):
    """Whether what is deployed is what the catalogue says. `Findings.facts` is what each part has found."""

    name = "doctor"

    def look(self, context: Context, question: Question) -> Findings:
        """Look at everything at the same time."""
        looks = looks_of(context.environment, question.home, question.seconds)
        return Findings(
            outcome=word_of(looks),
            reasons=[f"{one.code.name}: {one.what}" for one in findings(looks) if one.level in ("error", "unknown")],
            summary=counts(looks),
            sections=sections(looks),
            facts=looks,
        )


def findings(looks: Sequence[Look]) -> list[Finding]:
    """All of them, worst first."""
    return worst_first([one for look in looks for one in look.findings])


def word_of(looks: Sequence[Look]) -> Outcome:
    """`failed` when something will not work, `partial` when not everything was seen; warnings are nothing to do now."""
    levels = {one.level for one in findings(looks)}
    return "failed" if "error" in levels else "partial" if "unknown" in levels else "nothing_to_do"
