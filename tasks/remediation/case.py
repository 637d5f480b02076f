"""A case: a ledger that lives for days and that several people and processes write, one after the other.

A run's journal has one writer, and whoever finds another one's entry at its place stops. A case has many: a person's note,
a flow's step, a page that was sent. Each reads what was written meanwhile and takes the next place, so the order of the
entries is the order in which they were written, and none is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import JsonValue

from blocks.errors import NotFound
from blocks.storage import PipelineStorage
from blocks.stored_object import StoredObject
from tasks.remediation.ledger import Entry, Ledger, LedgerTaken

TRIES = 50
"""How often a place is found taken before a writer gives up: so many others would have to write at the same moment."""
KEY = "key"
"""The field of an entry's data by which `once` knows it again."""


@dataclass(slots=True)
class Case(Ledger):
    """The entries of one case, and the means to add one among others who do."""

    _known: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """What was read before, by name and generation: those bytes never change, so a case that is read again asks only for
    what is new, and what was edited since is another generation."""

    def refresh(self) -> None:
        """Read it again; a case that nobody has begun has no entries. Raises `LedgerDamaged`."""
        with suppress(NotFound):
            self.read()

    def record(self, kind: str, data: Mapping[str, JsonValue]) -> Entry:
        """Write one entry after whatever anybody else has written. Raises `LedgerDamaged`, `LedgerTaken`."""
        for _ in range(TRIES):
            try:
                return self.append(kind, dict(data))
            except LedgerTaken:
                self.refresh()
        raise LedgerTaken(f"{self.id} is written by so many others at once that nothing could be added; try again.")

    def once(self, kind: str, key: str, data: Mapping[str, JsonValue]) -> Entry | None:
        """Write an entry unless there is one of that kind with that key. None: somebody has written it.

        Of many that try at the same time exactly one writes it: each sees what is there before it takes a place, and a
        place is taken once.
        """
        for _ in range(TRIES):
            if self.find(kind, key) is not None:
                return None
            try:
                return self.append(kind, {KEY: key, **data})
            except LedgerTaken:
                self.refresh()
        raise LedgerTaken(f"{self.id} is written by so many others at once that nothing could be added; try again.")

    def find(self, kind: str, key: str) -> Entry | None:
        """The entry of that kind with that key, as far as was read."""
        return next((one for one in self.entries if one.kind == kind and one.data.get(KEY) == key), None)

    def _body(self, stored: StoredObject) -> bytes:
        place = (stored.name, stored.generation)
        if place not in self._known:
            self._known[place] = self.storage.read(self.bucket, stored.name, generation=stored.generation)
        return self._known[place]


def open_case(storage: PipelineStorage, bucket: str, prefix: str, id_: str, actor: str) -> Case:
    """The case of that id as it is now. Raises `NotFound` when there is none, `LedgerDamaged` when its chain is broken."""
    case = Case(storage, bucket, prefix, id_, actor)
    case.read()
    return case
