"""The journal: the ledger of one run of a procedure.

Intent is written before an action and outcome after it: whoever finds a run without an `end` can tell what was under
way, look at the world, and carry on or undo.

    remediation/journal/<subject>/<run>/000001.json

A run that has begun and not ended also has a mark, so that nobody has to read ten thousand journals to find those that were
left:

    remediation/unfinished/<run>.json
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from pydantic import JsonValue, ValidationError

from blocks.errors import OutsideError
from blocks.storage import PipelineStorage
from tasks.remediation.ledger import Entry, Ledger, LedgerDamaged
from tasks.remediation.plan import Plan, canonical

ROOT = "remediation/journal/"
MARKS = "remediation/unfinished/"


class Journal(Ledger):
    """The entries of one run: begin, then intent, note and outcome, then end."""

    __slots__ = ("subject",)

    def __init__(self, storage: PipelineStorage, bucket: str, subject: str, run: str, actor: str) -> None:
        super().__init__(storage, bucket, f"{ROOT}{subject}/{run}/", run, actor)
        self.subject = subject

    @property
    def run(self) -> str:
        """The run's id."""
        return self.id

    @property
    def begin(self) -> Entry:
        """The first entry: the plan, who asked, and what was put in place before."""
        return self.entries[0]

    @property
    def begun_at(self) -> datetime:
        """When the run began."""
        return self.begin.at

    def plan(self) -> Plan:
        """The plan this run was begun with. Raises `LedgerDamaged` when it is none that can be read."""
        try:
            return Plan.model_validate(self.begin.data.get("plan"))
        except ValidationError as error:
            raise LedgerDamaged(
                f"The journal gs://{self.bucket}/{self.prefix} begins with no plan that this version can read; look at "
                "it, or continue it with the version that wrote it."
            ) from error

    @property
    def ended(self) -> bool:
        """Whether the run has its last entry."""
        return bool(self.entries) and self.entries[-1].kind == "end"

    def outcomes(self) -> dict[str, str]:
        """Result of every action that has one, by the action's key."""
        done: dict[str, str] = {}
        for entry in self.entries:
            results = entry.data.get("results")
            if entry.kind == "outcome" and isinstance(results, dict):
                done |= {str(key): str(value) for key, value in results.items()}
        return done

    def was_begun(self, step: str) -> bool:
        """Whether some process has written this step's intent."""
        return any(entry.kind == "intent" and entry.data.get("step") == step for entry in self.entries)

    def notes(self, action: str) -> list[Entry]:
        """What was noted of an action, oldest first."""
        return [entry for entry in self.entries if entry.kind == "note" and entry.data.get("action") == action]

    def started(self) -> int:
        """How many starts were made; what was adopted is none."""
        return sum(entry.kind == "note" and bool(entry.data.get("starting")) for entry in self.entries)

    def announce(self, procedure: str) -> None:
        """Leave the mark, before the first entry is written."""
        mark: dict[str, JsonValue] = {"subject": self.subject, "procedure": procedure}
        self.storage.create(self.bucket, f"{MARKS}{self.run}.json", canonical(mark))

    def end(self, outcome: str, reasons: list[str], **more: JsonValue) -> None:
        """Write the last entry, and remove the mark. `reasons`: one sentence each; the first ten are kept."""
        self.append("end", {"outcome": outcome, "reasons": list(reasons[:10]), "started": self.started(), **more})
        remove_mark(self.storage, self.bucket, self.run)


def remove_mark(storage: PipelineStorage, bucket: str, run: str) -> None:
    """Remove the mark of a run that is over. One that cannot be removed now is found again."""
    with suppress(OutsideError):
        if (mark := storage.stat(bucket, f"{MARKS}{run}.json")) is not None:
            storage.delete(bucket, mark.name, generation=mark.generation)


def read_journal(storage: PipelineStorage, bucket: str, subject: str, run: str, actor: str) -> Journal:
    """Read a run's entries and check their chain. Raises `NotFound` when there are none, `LedgerDamaged`."""
    journal = Journal(storage, bucket, subject, run, actor)
    journal.read()
    return journal
