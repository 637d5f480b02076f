"""The monitoring audit as a check: is everything there by which people are told, and would anybody be? Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.monitoring.finding import Finding
from tasks.monitoring.judge import gates, judge
from tasks.monitoring.report import sections, sentence
from tasks.monitoring.seen import look
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found."""

    findings: list[Finding]
    gates: dict[str, list[str] | None]
    """By workflow, what its gate misses; None: not known."""
    unknown: list[str]


class MonitoringAudit(Check[datetime | None]):
    """Whether monitoring can tell anybody anything. `Findings.facts` is an `Audit`. It is asked nothing but the moment."""

    name = "monitoring-audit"

    def look(self, context: Context, question: datetime | None) -> Findings:
        """Ask everything at the same time and judge it by the catalogue."""
        environment, now = context.environment, question or datetime.now(UTC)
        seen = look(environment)
        audit = Audit(judge(environment.catalogue, seen, now), gates(environment.catalogue, seen), seen.unseen)
        return Findings(
            outcome=word_of(audit),
            reasons=[*(one.sentence for one in audit.findings), *(f"Unknown: {one}" for one in audit.unknown)],
            summary=sentence(environment.catalogue.monitoring, audit.findings, audit.gates, audit.unknown),
            sections=sections(audit.findings, audit.unknown),
            facts=audit,
        )


def word_of(audit: Audit) -> Outcome:
    """`failed` when something is wrong, `partial` when not everything was seen."""
    return "failed" if audit.findings else "partial" if audit.unknown else "nothing_to_do"
