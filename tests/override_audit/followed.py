"""Audits one after the other, at times that never change: what each has found and looked at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from deployments.sandbox.names import OPS_BUCKET
from tasks.override_audit.audit import Audited
from tasks.override_audit.facts import Facts
from tasks.override_audit.finding import Finding, finding
from tasks.override_audit.recording import Person
from tasks.pipeline.override_findings import ROOT
from tasks.remediation.context import Context
from tests.override_audit.world import (
    GATE,
)

NOW = datetime(2026, 11, 28, 5, 20, tzinfo=UTC)
DAY = timedelta(days=1)
BO = Person("bo")
REASON = "It was looked at by hand, on every camera; the report is of a run that was thrown away."


def found(*numbers: int, now: datetime = NOW, **known: str) -> list[Finding]:
    """Findings, each about a report of its own."""
    about = {"scene": "kitchen_001", "gate": GATE} | known
    return [
        finding(
            "gate-passed-silently",
            now,
            f"report {one}",
            f"Report {one} failed.",
            None,
            settled_by=f"report {one}",
            **about,
        )
        for one in numbers
    ]


def seen(findings: list[Finding], now: datetime = NOW, looked: Iterable[int] = (1, 2, 3)) -> Audited:
    """An audit that found that, and has looked at those reports."""
    facts = Facts(now, now - timedelta(days=30), looked={f"report {one}" for one in looked})
    return Audited(facts, [], findings, [])


def entries(context: Context) -> list[str]:
    """The kinds of entry on record, the oldest first."""
    names = [one.name for one in context.environment.storage.list(OPS_BUCKET, ROOT)]
    return [json.loads(context.environment.storage.read(OPS_BUCKET, name))["kind"] for name in names]
