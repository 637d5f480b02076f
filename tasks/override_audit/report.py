"""The audit for people: a page for Prefect, a table for a terminal, and data for machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from tasks.override_audit.audit import Audited
from tasks.override_audit.facts import Decision
from tasks.override_audit.finding import Finding
from tasks.override_audit.review import Review
from tasks.remediation.report import MAX_ROWS, Section, counted
from tasks.remediation.table import Cell

MINUTE = "%Y-%m-%d %H:%M"


def sentence(seen: Audited) -> str:
    """Everything in one line."""
    facts = seen.facts
    granted = [one for one in seen.decisions if one.granted]
    return (
        f"{counted(len(seen.findings), 'finding')} about {counted(len(granted), 'recorded override')} and approvals; "
        f"{counted(facts.seen, 'scene')} and {counted(facts.reports, 'gate report')} since {facts.since:%Y-%m-%d}"
        + (f"; {counted(len(facts.unknown), 'thing')} could not be asked." if facts.unknown else ".")
    )


def sections(seen: Audited) -> list[Section]:
    """What to do first, then gate by gate, then every decision."""
    cut = len(seen.findings) - MAX_ROWS
    more = f"{cut:,} more are in `remediate override audit --json`." if cut > 0 else ""
    granted = [one for one in seen.decisions if one.granted]
    rest = len(granted) - MAX_ROWS
    others = f"{rest:,} more are in `remediate override audit --json`." if rest > 0 else ""
    parts = [
        Section("What to do, the most urgent first", more, tuple(map(_row, seen.findings[:MAX_ROWS]))),
        Section("Gates: codify, tighten, or stop", "", tuple(map(_review_row, seen.reviews))),
        Section("Decisions", others, tuple(map(_decision_row, granted[:MAX_ROWS]))),
        Section("What could not be asked", "\n".join(f"- {one}" for one in seen.facts.unknown)),
    ]
    return [one for one in parts if one.rows or one.text]


def text(seen: Audited) -> str:
    """For a terminal."""
    lines = [f"{one.due:{MINUTE}}  {one.code:<22} {one.sentence}\n{'':<18}{'':<22} {one.todo}" for one in seen.findings]
    lines += [
        f"{one.verdict.upper():<16} {one.gate}: {counted(one.overrides, 'override')}, {one.silent} without a record, "
        f"{one.regressed} failed later; {one.why}."
        for one in seen.reviews
    ]
    return "\n".join([*lines, *(f"UNKNOWN  {one}" for one in seen.facts.unknown), sentence(seen)])


def as_data(seen: Audited) -> dict[str, Any]:
    """As JSON, with keys that stay."""
    facts = seen.facts
    return {
        "since": facts.since.isoformat(),
        "scenes": facts.seen,
        "gate_reports": facts.reports,
        "findings": [_data(one) for one in seen.findings],
        "by_code": dict(sorted(Counter(one.code for one in seen.findings).items())),
        "reviews": [asdict(one) for one in seen.reviews],
        "decisions": [_decision_row(one) for one in seen.decisions if one.granted],
        "unknown": facts.unknown,
    }


def _data(one: Finding) -> dict[str, Any]:
    return {**asdict(one), "due": one.due.isoformat(), "todo": one.todo}


def _row(one: Finding) -> dict[str, Cell]:
    about = " ".join(filter(None, (one.gate, one.scene)))
    return {"by": f"{one.due:{MINUTE}}", "what": one.sentence, "do": one.todo, "about": about, "code": one.code}


def _review_row(one: Review) -> dict[str, Cell]:
    return {
        "gate": one.gate,
        "verdict": one.verdict,
        "why": one.why,
        "overrides": one.overrides,
        "scenes": one.scenes,
        "without a record": one.silent,
        "failed later": one.regressed,
        "fails on": f"{one.failing} of {one.judged}",
        "categories": one.categories,
    }


def _decision_row(one: Decision) -> dict[str, Cell]:
    named = "verified" if one.verified else "claimed"
    return {
        "override": one.id,
        "gate": one.gate,
        "scene": one.scene,
        "decided": f"{one.at:{MINUTE}}" if one.at else "unknown",
        "by": f"{one.approver or 'nobody'} ({named})" if one.form == "ledger" else one.approver or "nobody",
        "asked by": one.requester or "unknown",
        "why": f"{one.category}: {one.justification}" if one.category else one.justification,
        "ticket": one.ticket,
        "failing": one.failing,
        "until": f"{one.until:{MINUTE}}" if one.until else "",
        "record": one.where,
    }
