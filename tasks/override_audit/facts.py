"""What is known of gates and of who let them be passed, whichever service said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Form = Literal["january", "june", "ledger"]
"""Which fields a record has: the pipeline's of January 2026, of June 2026, or those that are recorded here."""
Way = Literal["job", "run", "argument", "variables", "definition", "schedule"]
"""Where a switch was found: on a job, in one run of it, in an execution's argument, in a workflow's variables or source, in
what a scheduler sends."""
DECIDED: tuple[str, ...] = ("overridden", "approved", "auto_approved", "revoked")
"""Words for a gate that somebody, or nobody, has let be passed; a revoked one was, until then."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One record that a gate may be passed, or was asked to be."""

    id: str
    scene: str
    gate: str
    word: str
    """One of `DECIDED`, or `pending`, `rejected`, `expired`."""
    where: str
    """Where the record is, for people."""
    form: Form = "june"
    requester: str = ""
    names_requester: bool = False
    """Whether its form has a field for who asked. The pipeline's own has none."""
    approver: str = ""
    verified: bool = False
    """Whether somebody vouches for who approved."""
    category: str = ""
    ticket: str = ""
    justification: str = ""
    at: datetime | None = None
    """When it was decided."""
    until: datetime | None = None
    """How long it holds; None: it does not say."""
    asked_until: datetime | None = None
    """How long it could be approved."""
    revoked: datetime | None = None
    failing: str = ""
    """What had failed, in its own words."""
    checkpoint: str = ""
    switch: str = ""
    """The switch by which it was to be carried out."""
    evidence: tuple[str, ...] = ()
    """Addresses of what shows that it was right: reports, executions, objects."""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def people(self) -> tuple[str, ...]:
        """Who asked for it and who approved it."""
        return tuple(filter(None, (self.requester, self.approver)))

    @property
    def granted(self) -> bool:
        """Whether it lets the gate be passed, or did."""
        return self.word in DECIDED

    def holds(self, at: datetime) -> bool:
        """Whether it let the gate be passed at that time."""
        ends = [one for one in (self.until, self.revoked) if one is not None]
        return self.granted and (self.at is None or self.at <= at) and all(at <= one for one in ends)


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry of the pipeline's log of approvals."""

    request: str
    action: str
    """In lower case, as in `overridden`."""
    scene: str
    gate: str
    actor: str
    at: datetime | None
    where: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    stated_hash: str = ""
    rewritten: datetime | None = None
    """When it was changed after it had been written; None: it never was, or nobody can tell."""
    store: str = ""
    """Which log it is of: entries of one store say nothing about what another one lacks."""


@dataclass(frozen=True, slots=True)
class Report:
    """One gate report of a scene."""

    where: str
    stage: str
    """Empty: no stage is known to write it."""
    at: datetime | None
    """When its own text says that the gates were asked."""
    updated: datetime
    """When the object was written."""
    blocks: bool
    failed: tuple[str, ...] = ()
    """Gates that failed and block, as far as it names any."""
    all_failed: tuple[str, ...] = ()
    """Gates that failed, whether they block or not."""
    passed: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    """By gate that failed, its message."""
    stated: str = ""
    """Its own time as it writes it."""
    sha256: str = ""
    """Of the object."""

    @property
    def run(self) -> str:
        """What tells it from the report of another run at the same place."""
        return self.stated or self.updated.isoformat()


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a data set says of the gates that it passed."""

    where: str
    updated: datetime
    bypassed: bool
    """Whether it was made with the gates left out."""
    report_hash: str = ""
    """SHA-256 of the report it was made by; empty: it does not say."""
    report_time: str = ""
    report_path: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """An object by which a stage says that it is done, or has failed."""

    path: str
    stages: tuple[str, ...]
    updated: datetime
    failure: bool = False


@dataclass(slots=True)
class Scene:
    """What one scene's objects tell."""

    id: str
    written: list[Written] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    payload_times: dict[str, datetime] = field(default_factory=dict)
    """By path of a marker that was read, what its text says."""

    def when(self, mark: Written) -> datetime:
        """When a marker says that it was written, else when its object was: what was restored is newer than what it tells."""
        return self.payload_times.get(mark.path, mark.updated)


@dataclass(frozen=True, slots=True)
class Use:
    """A switch that was found where it passes a gate."""

    switch: str
    value: str
    way: Way
    where: str
    """The job, execution, workflow or scheduler."""
    meaning: str
    gates: tuple[str, ...] = ()
    at: datetime | None = None
    """When the run began; None: it is so now."""
    scene: str = ""
    """Empty: it is about every scene."""


@dataclass(slots=True)
class Facts:
    """Everything that was seen."""

    now: datetime
    since: datetime
    decisions: list[Decision] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    scenes: dict[str, Scene] = field(default_factory=dict)
    """Those with anything to judge."""
    seen: int = 0
    """Scenes that were looked at."""
    reports: int = 0
    failed_on: dict[str, int] = field(default_factory=dict)
    """By gate, on how many scenes it fails now."""
    judged_on: dict[str, int] = field(default_factory=dict)
    """By gate, on how many scenes it was asked."""
    raw: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By where they are, the records of a collection as they were read: there is no reading them one by one later."""
    broken: list[tuple[str, str, str]] = field(default_factory=list)
    """(code, where, sentence) of records that are damaged."""
    unknown: list[str] = field(default_factory=list)
    """What could not be asked, one sentence each."""
    records_known: bool = True
    """Whether every place of records could be read: else nobody can say that something was not recorded."""
    looked: set[str] = field(default_factory=set)
    """What was looked at whole: addresses of reports and data sets, `override <id>`, `after <id>`, `job <name>`,
    `workflow <name>`, `schedulers`. Of records see `looked_at`."""
    unsure: set[str] = field(default_factory=set)
    """Scenes of which something could not be read."""
    notes: list[str] = field(default_factory=list)

    def looked_at(self, what: str) -> bool:
        """Whether that was looked at whole: one of `looked`, `records of <scene>`, or `records` for all of them."""
        if what.startswith("records"):
            scene = what.removeprefix("records").removeprefix(" of ")
            return self.records_known and (scene not in self.unsure if scene else not self.unsure)
        return what in self.looked
