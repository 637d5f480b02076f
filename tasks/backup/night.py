"""The night that is being recorded: what its steps share, passed as one object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from blocks.storage_bulk import BulkStorage
from tasks.backup.definitions import Deployed
from tasks.backup.terraform import States
from tasks.remediation.context import Context
from tasks.snapshots.layout import layout_of
from tasks.snapshots.summary import MAX_PROBLEMS, Engine, Part, Summary, Tally
from tasks.sync.compare import Compared, Counts
from tasks.sync.progress import Progress
from tasks.sync.rewrites import Rewrites

if TYPE_CHECKING:
    from tasks.backup.copies import Copying


class Problems:
    """What went wrong, counted; the first hundred in words. Safe from many threads."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.count = 0
        self._lock = Lock()

    def add(self, sentence: str) -> None:
        """One more."""
        with self._lock:
            self.count += 1
            if len(self.first) < MAX_PROBLEMS:
                self.first.append(sentence)


@dataclass(slots=True)
class ClassCount:
    """Objects of one class: all of them, and those to copy by why."""

    objects: int = 0
    bytes: int = 0
    new: int = 0
    changed: int = 0
    again: int = 0
    """Copies that hold other bytes than the generation they are named after."""
    copy_bytes: int = 0

    @property
    def to_copy(self) -> int:
        """Objects to copy."""
        return self.new + self.changed + self.again

    def __iadd__(self, other: ClassCount) -> ClassCount:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(slots=True)
class Source:
    """What the survey of the data bucket has found."""

    compared: list[Compared] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    classes: dict[str, ClassCount] = field(default_factory=dict)

    @property
    def engine_load(self) -> tuple[int, int]:
        """Objects and bytes to copy."""
        return self.counts.to_copy


class Night:
    """One backup on its way. A plain class, so that Prefect hands it to tasks as it is."""

    def __init__(self, context: Context, folder: Path, report: Callable[[Progress], None] = lambda _: None) -> None:
        """
        Args:
            context: The run's surroundings.
            folder: Where the survey is spilled; empty, and the caller's to remove.
            report: Told now and then how far it is.
        """
        self.context, self.folder, self.report = context, folder, report
        self.environment = context.environment
        self.rules = context.environment.backup
        self.layout = layout_of(context.environment)
        self.bulk = BulkStorage(context.environment.storage)
        self.rewrites = Rewrites(context.environment)
        self.begun_at = datetime.now(UTC)
        self.id = ""
        self.reference: Summary | None = None
        """The last good night."""
        self.previous = ("", "")
        """SHA-256 and name of the newest night, good or not: the chain goes on from it."""
        self.source = Source()
        self.deployed = Deployed()
        self.states = States()
        self.engine: Engine = "copy"
        self.problems = Problems()
        self.notes: list[str] = []
        self.check: Callable[[], None] = lambda: None
        """Asked before every request that changes something: raises when the lease is lost."""
        self.copying: Copying | None = None
        self.parts: list[Part] = []
        self.by_class: dict[str, Tally] = {}
        self.lists: dict[str, Part] = {}
        self.summary: Summary | None = None

    def copies(self) -> Copying:
        """The copies of the night; they are prepared when its run begins."""
        if self.copying is None:
            raise RuntimeError("Nothing was prepared to be copied.")
        return self.copying

    def all_notes(self) -> list[str]:
        """What is no problem but should be known."""
        return [*self.notes, *self.deployed.notes, *self.states.notes]

    def say(self, progress: Progress) -> None:
        """How far it is, to whoever watches."""
        self.context.say(progress.sentence())
        self.report(progress)
