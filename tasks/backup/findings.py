"""What a verification finds, object by object, and the record it leaves in the ops bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from threading import Lock
from typing import Literal

from pydantic import ValidationError

from blocks.environment import PipelineEnvironment
from blocks.storage_bulk import BulkStorage
from tasks.snapshots.summary import Record

ROOT = "remediation/backup/verifications/"
MOST = 500
"""Findings that are shown and recorded; all are counted."""

What = Literal["missing", "differs", "content", "unreadable", "record", "chain"]


class Finding(Record):
    """Something that is wrong with one object of the backup."""

    what: What
    """`missing`; `differs` in size or checksum from the manifest; `content`: its bytes are not those of its checksum;
    `unreadable`; `record`: a part or list is damaged; `chain`: a summary is forged, altered or gone."""
    object: str
    said: str
    """One sentence."""


class Findings:
    """Collects findings from many threads."""

    def __init__(self) -> None:
        self.first: list[Finding] = []
        self.kinds: Counter[What] = Counter()
        self._lock = Lock()

    @property
    def count(self) -> int:
        """All of them."""
        return self.kinds.total()

    def add(self, what: What, name: str, said: str) -> None:
        """One more."""
        with self._lock:
            self.kinds[what] += 1
            if len(self.first) < MOST:
                self.first.append(Finding(what=what, object=name, said=said))

    def __add__(self, other: Findings) -> Findings:
        both = Findings()
        both.first, both.kinds = (self.first + other.first)[:MOST], self.kinds + other.kinds
        return both


class Verification(Record):
    """One verification of one night. `remediation/backup/verifications/<night>/<run>.json` in the ops bucket."""

    run: str
    night: str
    begun_at: datetime
    ended_at: datetime
    outcome: Literal["clean", "failed"]
    signed: bool
    objects: int
    """Objects of the manifest that were looked for."""
    cycle: int
    """In how many verifications all content is read once."""
    slot: int
    """Which part of the content was read: from 0 to cycle - 1."""
    slot_read: bool
    """Whether all of that part of the newest night could be read; the next verification takes the next slot only then."""
    read_objects: int
    read_bytes: int
    findings_count: int
    findings: tuple[Finding, ...] = ()


def verification_name(night: str, run: str) -> str:
    """The record's object in the ops bucket."""
    return f"{ROOT}{night}/{run}.json"


def verifications(environment: PipelineEnvironment) -> Iterator[Verification]:
    """Past verifications, the latest first. A record that cannot be read is passed over: its slot is read again."""
    bulk = BulkStorage(environment.storage)
    found = [entry for page in bulk.pages(environment.ops_bucket, ROOT) for entry in page]
    for entry in sorted(found, key=lambda entry: (entry.updated, entry.generation), reverse=True):
        try:
            yield Verification.model_validate_json(environment.storage.read(environment.ops_bucket, entry.name))
        except ValidationError:
            continue


def next_slot(environment: PipelineEnvironment, cycle: int) -> int:
    """The slot after the last one that was read to its end; 0 when there is none, or the cycle has another length."""
    for past in verifications(environment):
        if past.slot_read:
            return (past.slot + 1) % cycle if past.cycle == cycle else 0
    return 0
