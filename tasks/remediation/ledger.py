"""A ledger: an append-only record in the ops bucket that outlives every run and shows when it was tampered with.

One object an entry, named by nothing but its place and created only if it does not exist: no entry is ever rewritten,
and two processes that continue one ledger collide at the next place instead of writing side by side. Each entry carries
the SHA-256 of the one before it.

    <prefix>000001.json

Entries are read tolerantly, since another version may have written them, and written strictly. It is kept out of the
pipeline's own bucket, where every object written starts workflows.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, ValidationError

from blocks.errors import NotFound, PreconditionFailed
from blocks.storage import PipelineStorage
from blocks.stored_object import StoredObject
from tasks.remediation.plan import canonical


class LedgerTaken(Exception):
    """Another process writes this ledger: this one must stop."""


class LedgerDamaged(ValueError):
    """An entry is missing, was altered, or was written twice. The message names the object and what to do."""


class Entry(BaseModel):
    """One entry. `previous` is the SHA-256 of the entry before it, so that a gap or an edit shows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    """What the ledger is about: the run of a journal, the id of a case."""
    sequence: int
    at: AwareDatetime
    actor: str
    kind: str
    previous: str
    data: dict[str, JsonValue]


@dataclass(slots=True)
class Ledger:
    """The entries of one record, and the means to add one."""

    storage: PipelineStorage
    bucket: str
    prefix: str
    """Where the entries are; ends with '/'."""
    id: str
    """What the ledger is about; every entry carries it."""
    actor: str
    entries: list[Entry] = field(default_factory=list)
    last_hash: str = ""
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def append(self, kind: str, data: dict[str, JsonValue]) -> Entry:
        """Write one entry, from any thread. Raises `LedgerTaken` when its place is already written by somebody else."""
        with self._writing:
            return self._append(kind, data)

    def _append(self, kind: str, data: dict[str, JsonValue]) -> Entry:
        entry = Entry(
            run=self.id,
            sequence=len(self.entries) + 1,
            at=datetime.now(UTC),
            actor=self.actor,
            kind=kind,
            previous=self.last_hash,
            data=data,
        )
        body = canonical(entry.model_dump(mode="json"))
        try:
            self.storage.create(self.bucket, f"{self.prefix}{entry.sequence:06d}.json", body)
        except PreconditionFailed as error:
            raise LedgerTaken(f"Another process continues {self.id} ({self.prefix}); this one stops.") from error
        self.entries.append(entry)
        self.last_hash = hashlib.sha256(body).hexdigest()
        return entry

    def read(self) -> None:
        """Read what is there and check the chain.

        Raises:
            NotFound: there is no such ledger.
            LedgerDamaged: an entry is missing, altered or doubled; a person must look before anything continues.
        """
        self.entries, self.last_hash = [], ""
        for where, body in self._bodies():
            entry = entry_from(body, where)
            if entry.previous != self.last_hash or entry.sequence != len(self.entries) + 1:
                raise LedgerDamaged(
                    f"The entry {where} does not follow the one before it: something is missing, altered or doubled. "
                    f"See `remediate journal verify {self.prefix}`."
                )
            self.entries.append(entry)
            self.last_hash = hashlib.sha256(body).hexdigest()
        if not self.entries:
            raise NotFound(f"There is nothing at gs://{self.bucket}/{self.prefix}; check the name.")

    def verify(self) -> list[str]:
        """Everything that is wrong with it, one sentence an entry; empty when the chain is whole."""
        problems: list[str] = []
        before, expected = "", 1
        for where, body in self._bodies():
            try:
                entry = entry_from(body, where)
            except LedgerDamaged as error:
                problems.append(str(error))
                continue
            if entry.sequence != expected:
                problems.append(f"{where} is entry {entry.sequence} where entry {expected} should be.")
            elif entry.previous != before:
                problems.append(f"{where} does not follow the entry before it: one of the two was altered.")
            before, expected = hashlib.sha256(body).hexdigest(), entry.sequence + 1
        return problems

    def _bodies(self) -> Iterator[tuple[str, bytes]]:
        for stored in self.storage.list(self.bucket, self.prefix):
            yield f"gs://{self.bucket}/{stored.name}", self._body(stored)

    def _body(self, stored: StoredObject) -> bytes:
        return self.storage.read(self.bucket, stored.name, generation=stored.generation)


def entry_from(body: bytes, where: str) -> Entry:
    """The entry in an object. Raises `LedgerDamaged` for anything else: a person must look at it."""
    try:
        return Entry.model_validate_json(body)
    except ValidationError as error:
        raise LedgerDamaged(
            f"The object {where} is no entry; look at it, and move it away if it is not ours."
        ) from error
