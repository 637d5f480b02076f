"""What a probe is: it is asked for some rows of the table, looks, and says what it has seen or why it could not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from blocks.errors import OutsideError, TemporaryError
from tasks.diagnosis.signs import Sign
from tasks.diagnosis.symptoms import Params, Row
from tasks.diagnosis.world import World

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Asked(Generic[P]):
    """A row, as its probe is asked for it."""

    row: Row
    params: P


@dataclass(slots=True)
class Found:
    """What one probe has seen so far. It is written into as the probe goes on, so nothing is lost when it is given up."""

    probe: str
    signs: list[Sign] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """What could not be asked, one sentence each: it may be in order or not."""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def say(
        self,
        row: Row,
        subject: str,
        sentence: str,
        *,
        evidence: Iterable[str] = (),
        tags: frozenset[str] = frozenset(),
        values: Mapping[str, str] | None = None,
        since: datetime | None = None,
        because: str = "",
    ) -> Sign:
        """Something was seen."""
        sign = Sign(row.id, subject, sentence, tuple(evidence), tags, values or {}, since, because)
        self.signs.append(sign)
        return sign

    @contextmanager
    def asking(self, subject: str) -> Iterator[None]:
        """What this one thing's service refuses is unknown, no more; a service that does not answer ends the probe."""
        try:
            yield
        except TemporaryError:
            raise
        except OutsideError as error:
            self.unknown.append(f"{subject}: {error}")


@dataclass(frozen=True)
class Probe(Generic[P]):
    """One way to look. Read-only, and bounded in what it asks."""

    name: str
    params: type[P]
    values: frozenset[str]
    """What its signs have for the templates of remedies."""
    look: Callable[[World, list[Asked[P]], Found], None]

    def ask(self, world: World, rows: Iterable[Row], found: Found) -> None:
        """Look for the rows that name it."""
        asked = [Asked(row, row.params) for row in rows if isinstance(row.params, self.params)]
        self.look(world, asked, found)
