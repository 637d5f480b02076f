"""The entries of a record as events: when, by whom, and in one sentence what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks.incidents.entries import (
    Acknowledged,
    Acted,
    Changed,
    Closed,
    Decided,
    Declared,
    Diagnosed,
    Entered,
    Evidence,
    FollowUp,
    Noted,
    Paged,
    Paging,
    Reopened,
    Resolved,
    Updated,
)
from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.incident import Incident, read_entries
from tasks.incidents.said import Said
from tasks.remediation.ledger import Entry
from tasks.remediation.report import counted, listed
from tasks.remediation.times import clock, one_line


@dataclass(frozen=True, slots=True)
class Event:
    """One entry, for people."""

    at: datetime
    """When it was, which may be earlier than when it was written."""
    written: datetime
    number: int
    actor: str
    kind: str
    what: str


def events(incident: Incident) -> list[Event]:
    """Everything that happened, by time; what happened in the same moment in the order of the record."""
    found = [event(entry, said) for entry, said in read_entries(incident.case)]
    return sorted(found, key=lambda one: (one.at, one.number))


def event(entry: Entry, said: Said | None) -> Event:
    """One entry. What this version does not know is shown with its kind."""
    at = said.at if isinstance(said, Noted | Resolved) and said.at is not None else entry.at
    what = one_line(sentence(said)) if said is not None else "an entry that this version does not know"
    return Event(at, entry.at, entry.sequence, entry.actor, entry.kind, what)


def sentence(said: Said) -> str:
    """What one entry says."""
    match said:
        case Declared():
            who = f", led by {said.commander}" if said.commander else ", nobody leads yet"
            return f"Declared: {said.title} ({said.severity}, {said.area}{who}; scope: {said.scope.words()})"
        case Noted():
            return said.text
        case Changed():
            return f"Changed: {changes(said)}"
        case Entered():
            return f"Phase: {said.phase}"
        case Acted():
            return f"{said.procedure}: {said.sentence or said.outcome}"
        case Decided():
            return f"{said.by or 'somebody'} decided ({said.phase}): {said.choice.replace('_', ' ')}{details(said)}"
        case Evidence():
            return f"Evidence: {said.what} ({said.bytes:,} bytes)"
        case Diagnosed():
            return f"Causes: {listed(said.causes, 2) if said.causes else 'unknown'}" + (
                f"; {counted(len(said.unknown), 'thing')} not known" if said.unknown else ""
            )
        case Fault():
            return f"Wrong since {clock(said.began_at)}: {said.row}, {said.subject}"
        case Mended():
            return f"Right again {'since' if said.exact else 'when looked at,'} {clock(said.ended_at)}: {said.row}, {said.subject}"
        case Updated():
            later = f"; next update {clock(said.next_update_at)}" if said.next_update_at else ""
            return f"Update: {said.impact}; {said.mitigation or 'no mitigation'}; ETA {said.eta}{later}"
        case Paging():
            return f"Message to {said.to} by {said.sink}: {said.text}"
        case Paged():
            return f"Message {said.key}: {said.outcome}{f' - {said.sentence}' if said.sentence else ''}"
        case Acknowledged():
            return f"Acknowledged by {said.by} ({said.how}; the name is {said.identity})"
        case FollowUp():
            return f"To do: {said.text} ({said.owner or 'nobody'}{f', by {clock(said.due)}' if said.due else ''})"
        case Resolved():
            return f"Resolved: {said.how}"
        case Reopened():
            return f"Opened again: {said.why}"
        case Closed():
            return "Closed"
    return said.kind


def changes(said: Changed) -> str:
    """What is known better now."""
    parts = {"severity": said.severity, "area": said.area, "commander": said.commander, "channel": said.channel}
    told = [f"{name} {value}" for name, value in parts.items() if value]
    told += [f"scope {said.scope.words()}"] if said.scope is not None else []
    told += [f"it began {clock(said.began_at)}"] if said.began_at is not None else []
    return "; ".join(told) or "nothing"


def details(said: Decided) -> str:
    """What a decision names."""
    parts = [listed(said.scenes)] if said.scenes else []
    parts += ["bad inputs are put back"] if said.restore_inputs else []
    parts += ["although many scenes show the same"] if said.accept_systematic else []
    parts += [said.thing] if said.thing else []
    parts += [said.text] if said.text else []
    return f" - {'; '.join(parts)}" if parts else ""
