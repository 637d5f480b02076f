"""The spool: a SQLite file with every accepted event, from before the answer is sent until days after it was handled.

One thread writes (`writer.py`); everybody reads with a connection of their own. States of an event:

    new ──► done | ignored (with the reason) | dead (with the reason) ──► forgotten after some days
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from blocks.errors import PermanentError

State = Literal["new", "done", "ignored", "dead"]
UNDECODABLE = "undecodable"
"""The rule of a dead letter that could not be read."""
BUSY_SECONDS = 10.0
"""How long a write waits for another process (`remediate events retry`)."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,               -- the order of arrival
    key TEXT NOT NULL UNIQUE,                 -- the same happening has the same key (rules.py)
    rule TEXT NOT NULL,
    content TEXT NOT NULL,                    -- the values, as JSON; of a dead letter its path and what it said
    received REAL NOT NULL,                   -- seconds since 1970
    state TEXT NOT NULL DEFAULT 'new',
    word TEXT NOT NULL DEFAULT '',            -- why it is ignored or dead, in one word that is counted
    reason TEXT NOT NULL DEFAULT '',          -- the same in one sentence
    subject TEXT NOT NULL DEFAULT '',         -- whom it was about, once it is done: for the quiet after it
    run TEXT NOT NULL DEFAULT '',             -- the flow run that was created
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,              -- not to be tried before
    ended REAL,
    duplicates INTEGER NOT NULL DEFAULT 0     -- how often it came again
);
DROP INDEX IF EXISTS events_waiting;                -- of earlier versions
CREATE INDEX IF NOT EXISTS events_due ON events (due, number) WHERE state = 'new';
CREATE INDEX IF NOT EXISTS events_done ON events (subject, received) WHERE state = 'done';
CREATE INDEX IF NOT EXISTS events_unread ON events (number) WHERE rule = 'undecodable';
CREATE INDEX IF NOT EXISTS events_ended ON events (ended) WHERE state <> 'new';
"""


@dataclass(frozen=True)
class Row:
    """One event as it is in the spool."""

    number: int
    key: str
    rule: str
    content: dict[str, Any]
    received: float
    state: State
    word: str
    reason: str
    run: str
    attempts: int
    due: float
    ended: float | None
    duplicates: int

    @property
    def run_key(self) -> str:
        """The idempotency key of its flow run."""
        return f"receiver:{self.key}"


FIELDS = ", ".join(Row.__dataclass_fields__)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a spool; may be used by another thread than the one that opened it, one at a time."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")  # what is committed outlives a loss of power
    return connection


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is closed at the end."""
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


def prepare(path: Path) -> IO[str]:
    """Make the spool if it is not there, and hold it for this process alone until the returned file is closed.

    Raises `PermanentError` when another receiver holds it, or it cannot be made or read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = path.with_name(path.name + ".lock").open("w")
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermanentError(
            f"Another receiver works on the spool {path}: stop it, or name another --spool."
        ) from error
    except OSError as error:
        raise PermanentError(f"The spool {path} cannot be made: {error}.") from error
    try:
        with opened(path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
    except sqlite3.Error as error:
        held.close()
        raise PermanentError(f"The spool {path} cannot be used ({error}): move it away, and keep it.") from error
    return held


def due(connection: sqlite3.Connection, limit: int, now: float | None = None) -> list[Row]:
    """The events to be handled now: those that were never tried, in the order they came, then those that wait longest."""
    when = time.time() if now is None else now
    return rows(connection, "state = 'new' AND due <= ? ORDER BY due, number LIMIT ?", when, limit)


def rows(connection: sqlite3.Connection, where: str, *values: object) -> list[Row]:
    """The rows that an SQL condition (of ours) selects."""
    found = connection.execute(f"SELECT {FIELDS} FROM events WHERE {where}", values)
    return [_row(one) for one in found]


def last_done(connection: sqlite3.Connection, subject: str, around: float, seconds: float) -> str | None:
    """The key of an event on the same subject that was done and came within `seconds` of `around`, if there is one."""
    query = "SELECT key FROM events WHERE state = 'done' AND subject = ? AND received > ? AND received < ? LIMIT 1"
    found = connection.execute(query, (subject, around - seconds, around + seconds)).fetchone()
    return None if found is None else str(found[0])


def last_number(connection: sqlite3.Connection) -> int:
    """The number of the event that came last; 0: none has."""
    (number,) = connection.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()
    return int(number)


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many events there are in each state."""
    return dict(connection.execute("SELECT state, count(*) FROM events GROUP BY state").fetchall())


def waiting(connection: sqlite3.Connection) -> tuple[int, float]:
    """How many events wait, and when the oldest of them came (0: none)."""
    many, oldest = connection.execute("SELECT count(*), min(received) FROM events WHERE state = 'new'").fetchone()
    return int(many), float(oldest or 0.0)


def dead(connection: sqlite3.Connection) -> int:
    """How many dead letters are kept."""
    (many,) = connection.execute("SELECT count(*) FROM events WHERE state = 'dead'").fetchone()
    return int(many)


def _row(one: tuple[Any, ...]) -> Row:
    return Row(**{**dict(zip(Row.__dataclass_fields__, one, strict=True)), "content": json.loads(one[3])})
