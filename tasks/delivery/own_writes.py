"""Which generations a run has written by its lists: by these its own events are told from everybody else's.

In a small database file, because there may be a million of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from blocks.environment import PipelineEnvironment
from tasks.actions.object_lists import Item, ListName, holds, live_now, parts, read_done

WRITTEN: tuple[ListName, ...] = ("data", "extra")
"""Lists of data objects; an undo puts back what was removed as `extra`."""


class OwnWrites:
    """Names and generations on disk."""

    def __init__(self, path: Path) -> None:
        """`path`: of the database, which is made."""
        self._rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._rows.execute("CREATE TABLE written (name TEXT, generation INTEGER, PRIMARY KEY (name, generation))")

    def add(self, found: Iterable[tuple[str, int]]) -> None:
        """Note generations."""
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT OR IGNORE INTO written VALUES (?, ?)", found)
        self._rows.execute("COMMIT")

    def __contains__(self, key: tuple[str, int]) -> bool:
        """Whether this run wrote that generation of that name."""
        asked = self._rows.execute("SELECT 1 FROM written WHERE name = ? AND generation = ?", key)
        return asked.fetchone() is not None

    def count(self, fires: Callable[[str], bool]) -> int:
        """How many of them make an event that `fires` is true for."""
        return sum(fires(name) for (name,) in self._rows.execute("SELECT name FROM written"))

    def close(self) -> None:
        """Close the file."""
        self._rows.close()


@contextmanager
def written_by(environment: PipelineEnvironment, runs: Iterable[str]) -> Iterator[OwnWrites]:
    """The data objects that these runs wrote; none for a run that has no list. Markers are not among them: their events
    are to be delivered.

    What a killed process wrote last is in no `done` part: there the live object tells, if it has the wanted bytes and
    is not the generation that was planned to be replaced.
    """
    with TemporaryDirectory(prefix="own-writes-") as folder:
        written = OwnWrites(Path(folder) / "written.sqlite")
        try:
            for run in runs:
                for which in WRITTEN:
                    add_list(environment, run, which, written)
            yield written
        finally:
            written.close()


def add_list(environment: PipelineEnvironment, run: str, which: ListName, written: OwnWrites) -> None:
    """Note what a run wrote of one list."""
    for number, items in parts(environment, run, which):
        done = read_done(environment, run, which, number)
        if done is None:
            written.add(undone(environment, items))
        else:
            written.add((one.name, one.generation) for one in done if one.generation)


def undone(environment: PipelineEnvironment, items: list[Item]) -> Iterator[tuple[str, int]]:
    """What a part that has not ended has written so far."""
    for item, entry in live_now(environment, items):
        if entry is not None and holds(item, entry) and entry.generation != item.live_generation:
            yield item.name, entry.generation
