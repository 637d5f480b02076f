"""One message from outside, in one form whatever road it came by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from deployments.receiver.strict import Undecodable, optional_table, table, text

Kind = Literal["object", "log", "incident", "acknowledgement", "other"]
"""An object was written (or deleted); a log entry; an incident of Cloud Monitoring; a person's "I have it" by the link in a
page (`acknowledge.py`); anything else."""
GENERATION = re.compile(r"[1-9][0-9]{0,19}")
"""Cloud Storage: a 64-bit number, written as a string; 0 is that of an object that does not exist."""


@dataclass(frozen=True)
class Message:
    """A message of a kind, with the fields rules look at."""

    kind: Kind
    data: dict[str, Any]
    """`object`: event, bucket, name, generation. `log`: the LogEntry. `incident`: the incident. `acknowledgement`: incident (ours),
    tier, link (its signature), by. `other`: attributes, data."""


def of_object(event: str, bucket: Any, name: Any, generation: Any) -> Message:
    """A change of an object. Raises `Undecodable` unless it says which generation: it could not be told from another."""
    number = text(generation, "The object's generation")
    if not GENERATION.fullmatch(number):
        raise Undecodable("The object's generation is not a number.")
    return Message(
        "object",
        {
            "event": event,
            "bucket": text(bucket, "The object's bucket"),
            "name": text(name, "The object's name"),
            "generation": number,
        },
    )


def of_content(data: dict[str, Any], attributes: dict[str, Any]) -> Message:
    """A message by what its data looks like. Raises `Undecodable`."""
    if "logName" in data and "resource" in data:
        return of_log(data)
    if "incident" in data:
        return of_incident(data)
    return Message("other", {"attributes": attributes, "data": data})


def of_log(entry: dict[str, Any]) -> Message:
    """A log entry. Google: equal logName, timestamp and insertId make it the same entry. Raises `Undecodable`."""
    for field in ("logName", "insertId", "timestamp"):
        text(entry.get(field), f"The log entry's {field}")
    resource = table(entry.get("resource"), "The log entry's resource")
    optional_table(resource.get("labels"), "The log entry's resource.labels")
    for field in ("labels", "jsonPayload", "protoPayload"):
        optional_table(entry.get(field), f"The log entry's {field}")
    return Message("log", entry)


def of_incident(data: dict[str, Any]) -> Message:
    """An incident, as a notification channel of Cloud Monitoring sends it (version 1.2). Raises `Undecodable`."""
    incident = table(data["incident"], "The incident")
    text(incident.get("incident_id"), "The incident's incident_id")
    if incident.get("state") not in ("open", "closed"):
        raise Undecodable("The incident's state is neither open nor closed.")
    return Message("incident", incident)
