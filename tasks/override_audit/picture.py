"""The overrides of each gate, week by week, as a picture: where nobody recorded them they are red."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from tasks.override_audit.audit import Audited
from tasks.override_audit.review import SILENT
from tasks.remediation.drawing import Picture
from tasks.remediation.grid_picture import MOST_ROWS, Row, State, grid

WEEKS = 12
"""Columns at most, the newest ones."""
STATES = {
    "silent": State("!", "bad", "passed without a record"),
    "granted": State("✓", "calm", "overridden, on record"),
    "none": State("", "none", "not overridden"),
}


def by_week(seen: Audited) -> Picture | None:
    """The picture; None when no gate was passed."""
    facts = seen.facts
    count = min(WEEKS, max(1, -(-(facts.now - facts.since) // timedelta(days=7))))
    granted = Counter((one.gate, week_of(one.at, facts.now)) for one in seen.decisions if one.granted and one.at)
    silent = Counter((one.gate, week_of(one.at, facts.now)) for one in seen.findings if one.code in SILENT and one.at)
    weeks = list(range(count - 1, -1, -1))
    gates = sorted({gate for gate, week in (*granted, *silent) if week in weeks})
    if not gates:
        return None
    rows = []
    for gate in gates:
        keys = tuple("silent" if silent[gate, week] else "granted" if granted[gate, week] else "none" for week in weeks)
        counts = tuple(str(granted[gate, week] + silent[gate, week] or "") for week in weeks)
        rows.append(Row(gate, keys, counts))
    columns = [f"{facts.now - timedelta(days=7 * week):%m-%d}" for week in weeks]
    return grid("Overrides by gate, weeks until", columns, rows[:MOST_ROWS], STATES, len(rows[MOST_ROWS:]))


def week_of(at: datetime, now: datetime) -> int:
    """How many whole weeks ago; what is still to come is of this week."""
    return max(0, (now - at) // timedelta(days=7))
