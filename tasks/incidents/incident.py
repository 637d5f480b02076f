"""An incident: declared once, written by many, read by everybody, and kept as a chain in the ops bucket.

    remediation/incidents/<id>/record/000001.json      the entries
    remediation/incidents/<id>/evidence/<name>         what was captured
    remediation/open-incidents/<id>.json               that it is open (`open_marks`)

It outlives every flow run: whoever goes on with it, days later or after a restart, reads it and knows where it stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from blocks.errors import NotFound
from tasks.incidents.entries import (
    PHASES,
    SAID,
    Acknowledged,
    Acted,
    Changed,
    Closed,
    Declared,
    Diagnosed,
    Entered,
    Evidence,
    FollowUp,
    Phase,
    Reopened,
    Resolved,
    Updated,
)
from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.open_marks import mark_open
from tasks.incidents.said import Said
from tasks.remediation.case import Case, open_case
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.ledger import Entry
from tasks.remediation.outcome import Refused

ROOT = "remediation/incidents/"
ID = re.compile(r"inc-[0-9]{8}t[0-9]{6}z-[0-9a-f]{8}")
S = TypeVar("S", bound=Said)


@dataclass(slots=True)
class Incident:
    """An incident as its record tells it."""

    case: Case
    first: Declared
    """As it is known now: what was declared, with every later change."""
    phase: Phase = "declare"
    acknowledged: Acknowledged | None = None
    acknowledged_at: datetime | None = None
    resolved: Resolved | None = None
    resolved_at: datetime | None = None
    closed: Closed | None = None
    updates: list[tuple[datetime, Updated]] = field(default_factory=list)
    actions: list[tuple[datetime, Acted]] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    diagnosis: Diagnosed | None = None
    faults: list[tuple[Fault, Mended | None]] = field(default_factory=list)
    """In the order in which they were found, with how each ended; None: it was not seen to be right again."""
    follow_ups: list[FollowUp] = field(default_factory=list)

    @property
    def id(self) -> str:
        """As in `inc-20261127t101502z-9f3ac1d2`: sortable, and fit for labels and names of objects."""
        return self.case.id

    @property
    def declared_at(self) -> datetime:
        """When it was declared."""
        return self.case.entries[0].at

    @property
    def status(self) -> str:
        """`open`, `resolved` or `closed`."""
        return "closed" if self.closed else "resolved" if self.resolved else "open"

    @property
    def next_update_at(self) -> datetime | None:
        """When the next update was promised; None: none was."""
        return self.updates[-1][1].next_update_at if self.updates else None

    def say(self, said: Said) -> Entry:
        """Write an entry after whatever others have written. Raises `LedgerDamaged`, `LedgerTaken`."""
        if self.closed or isinstance(said, Reopened):
            mark_open(self.case.storage, self.case.bucket, self.id)  # what is said of it now must be looked at
        entry = self.case.record(said.kind, said.model_dump(mode="json"))
        self._take(entry, said)
        return entry

    def say_once(self, key: str, said: Said) -> bool:
        """Write an entry unless one of that kind and key is there. Whether this is the one that wrote it."""
        entry = self.case.once(said.kind, key, said.model_dump(mode="json") | {"key": key})
        if entry is not None:
            self._take(entry, said)
        return entry is not None

    def all_of(self, kind: type[S]) -> list[tuple[Entry, S]]:
        """Every entry of a kind, as far as was read, in order."""
        return [(entry, said) for entry, said in read_entries(self.case) if isinstance(said, kind)]

    def _take(self, entry: Entry, said: Said | None) -> None:
        """Bring one entry to what is known."""
        match said:
            case Changed():
                known = {name: value for name, value in said.model_dump(mode="json").items() if value not in ("", None)}
                self.first = Declared.model_validate(self.first.model_dump(mode="json") | known)
            case Entered():
                self.phase = said.phase
            case Acknowledged() if self.acknowledged is None:
                self.acknowledged, self.acknowledged_at = said, entry.at
            case Resolved():
                self.resolved, self.resolved_at = said, said.at or entry.at
            case Reopened():
                self.resolved = self.resolved_at = self.closed = None
            case Closed():
                self.closed = said
            case Updated():
                self.updates.append((entry.at, said))
            case Acted():
                self.actions.append((entry.at, said))
            case Evidence():
                self.evidence.append(said)
            case Diagnosed():
                self.diagnosis = said
            case Fault() if self._place_of(said) is None:
                self.faults.append((said, None))
            case Mended() if (place := self._place_of(said)) is not None:
                self.faults[place] = (self.faults[place][0], said)
            case FollowUp():
                self.follow_ups.append(said)

    @property
    def still_wrong(self) -> list[Fault]:
        """The faults of which nobody has seen that they are right again."""
        return [one for one, end in self.faults if end is None]

    def _place_of(self, said: Fault | Mended) -> int | None:
        """Where that very fault is among those that have not ended."""
        open_ = (number for number, (one, end) in enumerate(self.faults) if end is None)
        return next((n for n in open_ if self.faults[n][0].key == said.key), None)

    def is_past(self, phase: Phase) -> bool:
        """Whether the response has come beyond a phase."""
        return PHASES.index(self.phase) > PHASES.index(phase)


def read_entries(case: Case) -> Iterator[tuple[Entry, Said | None]]:
    """Every entry with what it says; None for what this version does not know."""
    for entry in case.entries:
        model = SAID.get(entry.kind)
        try:
            yield entry, model.model_validate(entry.data) if model else None
        except ValidationError:
            yield entry, None


def record_of(id_: str) -> str:
    """Where an incident's entries are. Raises `Refused` for what is no id of one."""
    if not ID.fullmatch(id_):
        raise Refused(f"{id_!r} is no incident; `remediate incident list` shows them.")
    return f"{ROOT}{id_}/record/"


def declare(context: Context, said: Declared) -> Incident:
    """Begin the record of a new incident. A flow run declares one, however often its process begins again, as it does after
    it was suspended. Raises `Refused` without a title."""
    if not said.title.strip():
        raise Refused("Give the incident a title: one line that says what is wrong.")
    if (own := declared_by(context)) is not None:
        return own
    environment, id_ = context.environment, f"inc-{new_run_id()}"
    if context.flow_run_id:
        id_ = id_[:-8] + mark_of(context.flow_run_id)
        said = said.model_copy(update={"flow_run": context.flow_run_id})
    case = Case(environment.storage, environment.ops_bucket, record_of(id_), id_, context.actor)
    mark_open(environment.storage, environment.ops_bucket, id_)
    case.append(said.kind, said.model_dump(mode="json"))
    return Incident(case, said)


def declared_by(context: Context) -> Incident | None:
    """The incident that this flow run has declared before; None when it has none."""
    if not context.flow_run_id:
        return None
    for id_ in incident_ids(context):
        if id_.endswith(mark_of(context.flow_run_id)):
            found = read_incident(context, id_)
            if found.first.flow_run == context.flow_run_id:
                return found
    return None


def mark_of(flow_run_id: str) -> str:
    """The end of the id of an incident that a flow run declares, by which it finds it again among thousands."""
    return hashlib.sha256(flow_run_id.encode()).hexdigest()[:8]


def read_incident(context: Context, id_: str) -> Incident:
    """An incident as it stands. Raises `Refused` when there is none of that id, `LedgerDamaged` when its chain is broken."""
    environment = context.environment
    try:
        case = open_case(environment.storage, environment.ops_bucket, record_of(id_), id_, context.actor)
    except NotFound:
        raise Refused(f"There is no incident {id_}; `remediate incident list` shows them.") from None
    return told(case)


def told(case: Case) -> Incident:
    """What a record that was read tells. Raises `Refused` when it does not begin with a declaration."""
    entries = list(read_entries(case))
    first = entries[0][1]
    if not isinstance(first, Declared):
        raise Refused(f"The record {case.prefix} does not begin with a declaration; look at its first object.")
    incident = Incident(case, first)
    for entry, said in entries[1:]:
        incident._take(entry, said)
    return incident


def incident_ids(context: Context) -> list[str]:
    """Every incident, the newest first."""
    environment = context.environment
    found = environment.storage.prefixes(environment.ops_bucket, ROOT)
    return sorted((name for one in found if ID.fullmatch(name := one.removeprefix(ROOT).rstrip("/"))), reverse=True)
