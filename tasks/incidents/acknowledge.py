"""A person says "I have it": pages stop, and everybody sees who it is."""

from __future__ import annotations

from typing import Literal

from tasks.incidents.entries import Acknowledged, Reopened
from tasks.incidents.incident import Incident, read_incident
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused

LONGEST_NAME = 100


def acknowledge(
    context: Context,
    id_: str,
    by: str,
    how: Literal["command", "link", "ui"],
    identity: Literal["verified", "claimed"] = "claimed",
) -> tuple[Incident, bool]:
    """Record that somebody has an incident.

    Each person is recorded once for each time it was opened: saying it again, or by another road, has no second effect.

    Args:
        context: Environment, and who asks.
        id_: The incident.
        by: The person's name.
        how: By which road they said it.
        identity: Whether somebody vouches for the name.

    Returns:
        The incident as it stands then, and whether this was news.

    Raises:
        Refused: there is no such incident, it is closed, or no name was given.
        LedgerDamaged: its record is broken.
    """
    name = " ".join(by.split())
    if not name:
        raise Refused("Say who you are: whoever is told next must know whom to ask.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise Refused(f"The name is longer than {LONGEST_NAME} characters, or cannot be shown; give a shorter one.")
    incident = read_incident(context, id_)
    if incident.closed:
        raise Refused(f"Incident {id_} is closed; nobody has to take it any more. Reopen it if it is not over.")
    times = len(incident.all_of(Reopened))
    new = incident.say_once(f"{times}:{name}", Acknowledged(by=name, how=how, identity=identity))
    return read_incident(context, id_), new
