"""The override audit as a check: it looks at everything, judges it, and changes nothing of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.override_audit.audit import DAYS, audit
from tasks.override_audit.follow_up import Followed, follow_up
from tasks.override_audit.report import sections, sentence
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome

SHOWN = 10
"""Findings that are told as reasons; all are in the table."""


@dataclass(frozen=True, slots=True)
class Question:
    """How it is looked."""

    days: int = DAYS
    """How far back."""
    keep: bool = False
    """Whether what is found is recorded and told, and evidence of it kept in the ops bucket."""


class OverrideAudit(Check[Question]):
    """Who let which gate be passed, and was it right? `Findings.facts` is a `Followed`."""

    name = "override-audit"

    def look(self, context: Context, question: Question) -> Findings:
        """Look at everything and judge. Raises `Refused` for a number of days that makes no sense."""
        followed = follow_up(context, audit(context, question.days), question.keep)
        seen = followed.seen
        reasons = [f"{one.sentence} {one.todo}" for one in seen.findings[:SHOWN]]
        more = len(seen.findings) - SHOWN
        reasons += [f"And {more:,} more findings."] if more > 0 else []
        reasons += [f"Never settled: {one.sentence} ({one.id})" for one in followed.left[:SHOWN]]
        return Findings(
            outcome=word_of(followed),
            reasons=[*reasons, *(f"Unknown: {one}" for one in seen.facts.unknown)],
            notes=seen.facts.notes,
            summary=sentence(followed),
            sections=sections(followed),
            facts=followed,
        )


def word_of(followed: Followed) -> Outcome:
    """`failed` when a person must act, `partial` when nothing was found and not everything could be asked."""
    if followed.seen.findings or followed.left:
        return "failed"
    return "partial" if followed.seen.facts.unknown else "nothing_to_do"
