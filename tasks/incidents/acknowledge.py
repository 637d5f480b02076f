"""A person says "I have it": pages stop, and everybody sees who it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from blocks.signing import fits, sign
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
    proof: str = "",
) -> tuple[Incident, bool]:
    """Record that somebody has an incident.

    Each person is recorded once for each time it was opened: saying it again, or by another road, has no second effect. A
    name that was claimed first and is proved later is recorded again.

    Args:
        context: Environment, and who asks.
        id_: The incident.
        by: The person's name.
        how: By which road they said it.
        proof: The receiver's signature for the name, when it has seen who it is; without one the name is claimed.

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
    known = is_proved(context, incident, by, proof)
    said = Acknowledged(by=name, how=how, identity="verified" if known else "claimed")
    times = len(incident.all_of(Reopened))
    new = incident.say_once(f"{times}{'v' if known else ''}:{name}", said)
    return read_incident(context, id_), new


def prove(secret: bytes, id_: str, by: str, at: datetime) -> str:
    """The receiver's word that it has seen who takes an incident, to the second."""
    seconds = str(int(at.timestamp()))
    return f"{seconds}.{sign(secret, 'acknowledged', id_, by, seconds)}"


def is_proved(context: Context, incident: Incident, by: str, proof: str) -> bool:
    """Whether the receiver has seen that person take this incident since it was opened last.

    Whoever can read the runs' parameters could say it again in the person's name after it was reopened.
    """
    seconds, _, signature = proof.partition(".")
    secret = context.environment.on_call.link_secret.get_secret_value().encode()
    if not fits(secret, signature, "acknowledged", incident.id, by, seconds):
        return False
    reopened = [entry.at for entry, _ in incident.all_of(Reopened)]
    return not reopened or datetime.fromtimestamp(int(seconds), UTC) >= reopened[-1]
