"""What an incident has paused and nobody has given back, asked of the pauses themselves."""

from __future__ import annotations

from tasks.incidents.incident import Incident
from tasks.intake.pauses import OpenPause, open_pauses
from tasks.remediation.context import Context


def pauses_of(context: Context, incident: Incident) -> list[OpenPause]:
    """Its open pauses: those made for it, and those its record names. Raises `LedgerDamaged`."""
    named = {acted.run for _, acted in incident.actions if acted.gives_back}
    return [
        one for one in open_pauses(context) if one.run in named or one.journal.begin.data.get("case") == incident.id
    ]


def in_force(context: Context, incident: Incident) -> list[str]:
    """What is still in force, one sentence each, with how to take it back."""
    return [f"{one.sentence()}; {gives_back(one.run)}" for one in pauses_of(context, incident)]


def gives_back(run: str) -> str:
    """The command that takes back a pause."""
    return f"remediate intake resume {run} --apply"
