"""What an incident has paused and nobody has given back, asked of the pauses themselves."""

from __future__ import annotations

from tasks.delivery.pauses import OpenPause, open_pauses
from tasks.incidents.incident import Incident
from tasks.remediation.context import Context


def in_force(context: Context, incident: Incident) -> list[str]:
    """What is still in force, one sentence each, with how to take it back. Raises `LedgerDamaged`."""
    return among(open_pauses(context), incident)


def among(pauses: list[OpenPause], incident: Incident) -> list[str]:
    """The same of pauses that were looked up: those made for it, and those its record names."""
    named = {acted.run for _, acted in incident.actions if acted.gives_back}
    mine = [one for one in pauses if one.run in named or one.journal.begin.data.get("case") == incident.id]
    return [f"{one.sentence()}; {gives_back(one.run)}" for one in mine]


def gives_back(run: str) -> str:
    """The command that takes back a pause."""
    return f"remediate intake resume {run} --apply"
