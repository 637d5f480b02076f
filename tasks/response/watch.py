"""Notice incidents that somebody must look after: an update that is late, a pause that was not resumed, nobody who leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tasks.delivery.pauses import OpenPause, open_pauses
from tasks.incidents.entries import Resolved
from tasks.incidents.incident import Incident, read_incident
from tasks.incidents.open_marks import open_marks
from tasks.incidents.overdue import overdue
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused
from tasks.remediation.report import Section, counted
from tasks.remediation.table import Cell
from tasks.response.in_force import among

NEWEST = 200
"""Incidents that are read: each costs a call an entry."""
AT_A_TIME = 8
JUST_NOW = timedelta(days=1)
"""How long after it was resolved an incident's runtime report is asked for again, in case it could not be started."""


class IncidentWatch(Check[None]):
    """Which incidents are not closed, and what of them is wrong. `Findings.facts` are those that are not closed."""

    name = "incident-watch"

    def look(self, context: Context, question: None) -> Findings:
        """Read the incidents that may be open, by their marks, and judge those that are not closed."""
        incidents, damaged, older = read_all(context, [one for one, _ in open_marks(context.environment)])
        now, left = datetime.now(UTC), [one for one in incidents if one.closed is None]
        found = Findings(facts=left, reasons=list(damaged))
        pauses = known_pauses(context, found) if left else []
        for one in left:
            found.reasons += [f"{one.id} ({one.first.title}): {why}" for why in alarms(pauses, one, now)]
        found.summary = f"{counted(sum(one.status == 'open' for one in left), 'open incident')}"
        found.notes += [f"{older} older incidents were not looked at: only the newest {NEWEST} are."] if older else []
        found.outcome = "failed" if found.reasons else "nothing_to_do"
        found.sections += [Section("Incidents", rows=tuple(row(one, now) for one in left))] if left else []
        return found


def just_resolved(incidents: Iterable[Incident], now: datetime) -> Iterator[Incident]:
    """Those of which somebody said within the last day that they are over, whenever that was."""
    for one in incidents:
        said = [entry.at for entry, _ in one.all_of(Resolved)]
        if one.resolved_at is not None and said and now - said[-1] < JUST_NOW:
            yield one


def read_all(context: Context, ids: list[str]) -> tuple[list[Incident], list[str], int]:
    """The first of these incidents; a sentence for each that cannot be read; and how many more there are."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        read = list(pool.map(lambda id_: readable(context, id_), ids[:NEWEST]))
    good = [one for one in read if isinstance(one, Incident)]
    return good, [one for one in read if isinstance(one, str)], max(len(ids) - NEWEST, 0)


def readable(context: Context, id_: str) -> Incident | str:
    """An incident, or why a person must look at its record."""
    try:
        return read_incident(context, id_)
    except (LedgerDamaged, Refused) as error:
        return f"{id_}: {error} See `remediate incident verify {id_}`."


def known_pauses(context: Context, found: Findings) -> list[OpenPause]:
    """Every open pause of intake, asked once for all incidents; one that cannot be read is a reason of its own."""
    try:
        return open_pauses(context)
    except LedgerDamaged as error:
        found.reasons.append(f"Whether intake is paused for an incident is not known: {error}")
        return []


def alarms(pauses: list[OpenPause], one: Incident, now: datetime) -> Iterator[str]:
    """Why somebody must act."""
    if one.status == "open" and not one.first.commander:
        yield f"nobody leads it: remediate incident change {one.id} --commander NAME"
    if late := overdue(one, now):
        yield late
    yield from among(pauses, one)


def row(one: Incident, now: datetime) -> dict[str, Cell]:
    """One line of the table."""
    promised = one.next_update_at
    return {
        "incident": one.id,
        "title": one.first.title,
        "severity": one.first.severity,
        "state": one.status,
        "phase": one.phase,
        "led by": one.first.commander or "nobody",
        "next update": f"{promised:%Y-%m-%d %H:%M} UTC{' (late)' if overdue(one, now) else ''}" if promised else "-",
    }
