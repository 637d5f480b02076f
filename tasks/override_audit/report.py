"""The audit for people: a page for Prefect, a table for a terminal, and data for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from tasks.override_audit.audit import Audited
from tasks.override_audit.facts import Decision
from tasks.override_audit.finding import Finding
from tasks.override_audit.follow_up import Followed
from tasks.override_audit.picture import by_week
from tasks.override_audit.review import Review
from tasks.pipeline.override_findings import Answer, Decided, Found
from tasks.remediation.report import MAX_ROWS, Section, counted
from tasks.remediation.table import Cell

MINUTE = "%Y-%m-%d %H:%M"
T = TypeVar("T")


def sentence(followed: Followed) -> str:
    """Everything in one line."""
    seen = followed.seen
    facts = seen.facts
    granted = [one for one in seen.decisions if one.granted]
    open_ = len(seen.findings) + len(followed.left)
    late = followed.overdue()
    return (
        f"{counted(open_, 'finding')}{f' ({late:,} overdue)' if late else ''} about "
        f"{counted(len(granted), 'recorded override')} and approvals; "
        f"{counted(facts.seen, 'scene')} and {counted(facts.reports, 'gate report')} since {facts.since:%Y-%m-%d}"
        + (f"; {counted(len(facts.unknown), 'thing')} could not be asked." if facts.unknown else ".")
    )


def sections(followed: Followed) -> list[Section]:
    """What to do first, then gate by gate, then every decision."""
    seen = followed.seen
    granted = [one for one in seen.decisions if one.granted]
    parts = [
        _table("What to do, the most urgent first", seen.findings, partial(_row, now=seen.facts.now)),
        _table("Found before, never settled, and not looked at this time", followed.left, _left_row),
        Section("Gates: codify, tighten, or stop", rows=_review_rows(followed), picture=by_week(seen)),
        _table("Decisions", granted, partial(_decision_row, seen=seen)),
        _table("What somebody has answered for", followed.answered, _answered_row),
        Section("What could not be asked", "\n".join(f"- {one}" for one in seen.facts.unknown)),
    ]
    return [one for one in parts if one.rows or one.text or one.picture]


def _review_rows(followed: Followed) -> tuple[dict[str, Cell], ...]:
    return tuple(_review_row(one, followed.decided.get(one.gate)) for one in followed.seen.reviews)


def _table(title: str, found: Sequence[T], row: Callable[[T], dict[str, Cell]]) -> Section:
    cut = len(found) - MAX_ROWS
    more = f"{cut:,} more are in `remediate override audit --json`." if cut > 0 else ""
    return Section(title, more, tuple(map(row, found[:MAX_ROWS])))


def text(followed: Followed) -> str:
    """For a terminal."""
    seen, now = followed.seen, followed.seen.facts.now
    lines = [
        f"{one.due:{MINUTE}}  {one.code:<22} {_late(one.due, now)}{one.sentence}\n{'':<18}{one.id:<22} {one.todo}"
        for one in seen.findings
    ]
    lines += [
        f"{one.due:{MINUTE}}  {one.code:<22} NEVER SETTLED {one.sentence}\n{'':<18}{one.id}" for one in followed.left
    ]
    lines += [
        f"{one.verdict.upper():<16} {one.gate}: {counted(one.overrides, 'override')}, {one.silent} without a record, "
        f"{one.regressed} failed later; {one.why}."
        for one in seen.reviews
    ]
    return "\n".join([*lines, *(f"UNKNOWN  {one}" for one in seen.facts.unknown), sentence(followed)])


def as_data(followed: Followed) -> dict[str, Any]:
    """As JSON, with keys that stay."""
    seen = followed.seen
    facts = seen.facts
    return {
        "since": facts.since.isoformat(),
        "scenes": facts.seen,
        "gate_reports": facts.reports,
        "findings": [_data(one) for one in seen.findings],
        "left": [one.model_dump(mode="json") for one in followed.left],
        "answered": [_data(one) | {"answer": said.model_dump(mode="json")} for one, said in followed.answered],
        "overdue": followed.overdue(),
        "by_code": dict(sorted(Counter(one.code for one in seen.findings).items())),
        "reviews": [asdict(one) for one in seen.reviews],
        "decided": {gate: said.model_dump(mode="json") for gate, said in followed.decided.items()},
        "decisions": [_decision_row(one, seen) for one in seen.decisions if one.granted],
        "unknown": facts.unknown,
    }


def _data(one: Finding) -> dict[str, Any]:
    times = {name: when.isoformat() if when else None for name, when in (("at", one.at), ("since", one.since))}
    return {**asdict(one), **times, "id": one.id, "due": one.due.isoformat(), "todo": one.todo}


def _late(due: datetime, now: datetime) -> str:
    return "OVERDUE " if due < now else ""


def _row(one: Finding, now: datetime) -> dict[str, Cell]:
    return {
        "by": f"{_late(one.due, now)}{one.due:{MINUTE}}",
        "what": one.sentence,
        "do": one.todo,
        "about": " ".join(filter(None, (one.gate, one.scene))),
        "since": f"{one.since:{MINUTE}}" if one.since else "now",
        "code": one.code,
        "id": one.id,
    }


def _left_row(one: Found) -> dict[str, Cell]:
    return {
        "by": f"{one.due:{MINUTE}}",
        "what": one.sentence,
        "since": f"{one.since:{MINUTE}}",
        "code": one.code,
        "id": one.id,
    }


def _answered_row(pair: tuple[Finding, Answer]) -> dict[str, Cell]:
    one, said = pair
    return {"what": one.sentence, "by": said.by, "why": said.reason, "at": f"{said.at:{MINUTE}}", "id": one.id}


def _review_row(one: Review, decided: Decided | None) -> dict[str, Cell]:
    return {
        "gate": one.gate,
        "verdict": one.verdict,
        "decided": f"{decided.verdict} by {decided.by} at {decided.at:{MINUTE}}: {decided.reason}" if decided else "",
        "why": one.why,
        "overrides": one.overrides,
        "scenes": one.scenes,
        "without a record": one.silent,
        "failed later": one.regressed,
        "fails on": f"{one.failing} of {one.judged}",
        "categories": one.categories,
    }


def _decision_row(one: Decision, seen: Audited) -> dict[str, Cell]:
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
        "since then": seen.after.get(one.id, "unknown"),
        "until": f"{one.until:{MINUTE}}" if one.until else "",
        "record": one.where,
    }
