"""Promises of an incident that nobody has kept."""

from __future__ import annotations

from datetime import datetime

from tasks.incidents.incident import Incident


def overdue(incident: Incident, now: datetime) -> str:
    """One sentence when the update that was promised last is late; empty when none is, or the incident is over."""
    promised = incident.next_update_at
    if incident.status != "open" or promised is None or promised >= now:
        return ""
    late = int((now - promised).total_seconds() // 60)
    return (
        f"the next update was promised for {promised:%Y-%m-%d %H:%M} UTC and is {late} minutes late: "
        f"remediate incident update {incident.id}"
    )
