"""The journal: an append-only record of one remediation run, in the ops bucket.

One object an entry, created only if it does not exist, so no entry is ever rewritten and two processes can never both
continue one run. Intent is written before an action and outcome after it: whoever finds a run without an `end` entry
can tell what was under way, look at the world, and carry on or undo.

It is kept out of the pipeline's own bucket, where every object written starts workflows.

    remediation/journal/<subject>/<run>/000001-begin.json
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from blocks.errors import NotFound, PreconditionFailed
from blocks.storage import PipelineStorage
from tasks.remediation.plan import Plan, canonical

ROOT = "remediation/journal/"
EntryKind = Literal["begin", "intent", "note", "outcome", "end"]


class JournalTaken(Exception):
    """Another process writes this journal: this one must stop."""


class Entry(BaseModel):
    """One journal entry. `previous` is the SHA-256 of the entry before it, so that a gap or an edit shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    sequence: int
    at: datetime
    actor: str
    kind: EntryKind
    previous: str
    data: dict[str, JsonValue]


@dataclass(slots=True)
class Journal:
    """The entries of one run, and the means to add one."""

    storage: PipelineStorage
    bucket: str
    subject: str
    run: str
    actor: str
    entries: list[Entry] = field(default_factory=list)
    last_hash: str = ""

    @property
    def prefix(self) -> str:
        """Where this run's entries are."""
        return f"{ROOT}{self.subject}/{self.run}/"

    def append(self, kind: EntryKind, data: dict[str, JsonValue]) -> Entry:
        """Write one entry. Raises `JournalTaken` when that place is already written by somebody else."""
        entry = Entry(
            run=self.run,
            sequence=len(self.entries) + 1,
            at=datetime.now(UTC),
            actor=self.actor,
            kind=kind,
            previous=self.last_hash,
            data=data,
        )
        body = canonical(entry.model_dump(mode="json"))
        try:
            self.storage.create(self.bucket, f"{self.prefix}{entry.sequence:06d}-{kind}.json", body)
        except PreconditionFailed as error:
            raise JournalTaken(
                f"Another process continues run {self.run} of {self.subject}; this one stops."
            ) from error
        self.entries.append(entry)
        self.last_hash = hashlib.sha256(body).hexdigest()
        return entry

    def plan(self) -> Plan:
        """The plan this run was begun with."""
        return Plan.model_validate(self.entries[0].data["plan"])

    @property
    def begun_at(self) -> datetime:
        """When the run began."""
        return self.entries[0].at

    @property
    def ended(self) -> bool:
        """Whether the run has its last entry."""
        return bool(self.entries) and self.entries[-1].kind == "end"

    def outcomes(self) -> dict[str, str]:
        """Result of every action that has one, by the action's key."""
        done: dict[str, str] = {}
        for entry in self.entries:
            if entry.kind == "outcome":
                done |= {str(key): str(value) for key, value in dict(entry.data["results"]).items()}  # type: ignore[arg-type]
        return done


def read_journal(storage: PipelineStorage, bucket: str, subject: str, run: str, actor: str) -> Journal:
    """Read a run's entries and check their chain. Raises `NotFound` when there are none.

    Raises:
        ValueError: an entry is missing or was altered; a person must look before anything continues from it.
    """
    journal = Journal(storage, bucket, subject, run, actor)
    for stored in storage.list(bucket, journal.prefix):
        body = storage.read(bucket, stored.name, generation=stored.generation)
        entry = entry_from(body, f"gs://{bucket}/{stored.name}")
        if entry.previous != journal.last_hash or entry.sequence != len(journal.entries) + 1:
            raise ValueError(f"The journal gs://{bucket}/{stored.name} does not follow the entry before it.")
        journal.entries.append(entry)
        journal.last_hash = hashlib.sha256(body).hexdigest()
    if not journal.entries:
        raise NotFound(f"There is no journal gs://{bucket}/{journal.prefix}.")
    return journal


def entry_from(body: bytes, where: str) -> Entry:
    """The entry in an object. Raises ValueError for anything else: a person must look at it."""
    try:
        return Entry.model_validate_json(body)
    except ValidationError as error:
        raise ValueError(
            f"The object {where} is no journal entry; look at it, and move it away if it is not ours."
        ) from error


class PastRun(BaseModel):
    """One earlier run on the same subject, read back from its journal."""

    model_config = ConfigDict(frozen=True)

    run: str
    procedure: str
    begun_at: datetime
    restart: tuple[str, ...]
    stages: tuple[str, ...]
    outcome: str
    """'unfinished' when the run has no end."""


def past_runs(storage: PipelineStorage, bucket: str, subject: str, hours: float) -> list[PastRun]:
    """The runs on a subject that began in the last `hours`, oldest first."""
    since = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y%m%dt%H%M%Sz")
    root = f"{ROOT}{subject}/"
    runs: dict[str, PastRun] = {}
    for stored in storage.list(bucket, root, start=f"{root}{since}"):
        run = stored.name.removeprefix(root).partition("/")[0]
        if stored.name.endswith("-begin.json"):
            entry = entry_from(storage.read(bucket, stored.name), f"gs://{bucket}/{stored.name}")
            plan = Plan.model_validate(entry.data["plan"])
            runs[run] = PastRun(
                run=run,
                procedure=plan.procedure,
                begun_at=entry.at,
                restart=plan.restart,
                stages=plan.stages,
                outcome="unfinished",
            )
        elif stored.name.endswith("-end.json") and run in runs:
            outcome = json.loads(storage.read(bucket, stored.name))["data"]["outcome"]
            runs[run] = runs[run].model_copy(update={"outcome": outcome})
    return sorted(runs.values(), key=lambda past: past.begun_at)  # ids of the same second have no order
