"""The override audit as a check: it looks at everything, judges it, and changes nothing."""

from __future__ import annotations

from tasks.override_audit.audit import Audited, audit
from tasks.override_audit.report import sections, sentence
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome

SHOWN = 10
"""Findings that are told as reasons; all are in the table."""


class OverrideAudit(Check[int]):
    """Who let which gate be passed, and was it right? Asked with a number of days. `Findings.facts` is what was found."""

    name = "override-audit"

    def look(self, context: Context, question: int) -> Findings:
        """Look at everything and judge. Raises `Refused` for a number of days that makes no sense."""
        seen = audit(context, question)
        reasons = [f"{one.sentence} {one.todo}" for one in seen.findings[:SHOWN]]
        if len(seen.findings) > SHOWN:
            reasons.append(f"And {len(seen.findings) - SHOWN:,} more findings.")
        return Findings(
            outcome=word_of(seen),
            reasons=[*reasons, *(f"Unknown: {one}" for one in seen.facts.unknown)],
            notes=seen.facts.notes,
            summary=sentence(seen),
            sections=sections(seen),
            facts=seen,
        )


def word_of(seen: Audited) -> Outcome:
    """`failed` when a person must act, `partial` when nothing was found and not everything could be asked."""
    return "failed" if seen.findings else "partial" if seen.facts.unknown else "nothing_to_do"
