"""Every change of the spool, each a function of the writer's connection and nothing else."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass

from deployments.receiver.spool import State

DEAD_LETTERS = 10_000
"""How many undecodable messages are kept at most, the newest; how many came is counted all the same."""
AT_ONCE = 2_000
"""Rows forgotten in one transaction, so that no push waits for it."""


@dataclass(frozen=True)
class Accept:
    """Keep an event. The answer is True when it is new, False when it was there already."""

    key: str
    rule: str
    content: dict[str, str]
    word: str = ""
    """Why it is dead on arrival; empty: it is to be handled."""
    reason: str = ""

    def __call__(self, connection: sqlite3.Connection) -> bool:
        now = time.time()
        dead = bool(self.word)
        row = (self.key, self.rule, json.dumps(self.content), now, "dead" if dead else "new", self.word, self.reason)
        done = connection.execute(
            "INSERT INTO events (key, rule, content, received, state, word, reason, ended) VALUES (?,?,?,?,?,?,?,?)"
            " ON CONFLICT (key) DO NOTHING",
            (*row, now if dead else None),
        )
        if done.rowcount:
            return True
        connection.execute("UPDATE events SET duplicates = duplicates + 1 WHERE key = ?", (self.key,))
        return False


@dataclass(frozen=True)
class End:
    """An event is done, ignored or dead."""

    number: int
    state: State
    word: str = ""
    reason: str = ""
    subject: str = ""
    run: str = ""

    def __call__(self, connection: sqlite3.Connection) -> bool:
        connection.execute(
            "UPDATE events SET state = ?, word = ?, reason = ?, subject = ?, run = ?, ended = ?, attempts = attempts + 1"
            " WHERE number = ?",
            (self.state, self.word, self.reason, self.subject, self.run, time.time(), self.number),
        )
        return True


@dataclass(frozen=True)
class Later:
    """An event could not be handled now: it is tried again at `due`."""

    number: int
    due: float
    reason: str

    def __call__(self, connection: sqlite3.Connection) -> bool:
        connection.execute(
            "UPDATE events SET due = ?, reason = ?, attempts = attempts + 1 WHERE number = ?",
            (self.due, self.reason, self.number),
        )
        return True


@dataclass(frozen=True)
class Forget:
    """Events that ended before a time are forgotten, and what nobody can read beyond its number."""

    before: float

    def __call__(self, connection: sqlite3.Connection) -> bool:
        old = "SELECT number FROM events WHERE state <> 'new' AND ended < ? LIMIT ?"
        gone = connection.execute(f"DELETE FROM events WHERE number IN ({old})", (self.before, AT_ONCE)).rowcount
        many = "SELECT number FROM events WHERE rule = 'undecodable' ORDER BY number DESC LIMIT ? OFFSET ?"
        gone += connection.execute(f"DELETE FROM events WHERE number IN ({many})", (AT_ONCE, DEAD_LETTERS)).rowcount
        return gone >= AT_ONCE


@dataclass(frozen=True)
class Again:
    """A dead or ignored event that a person wants handled once more, as if it came now. False when there is none."""

    number: int

    def __call__(self, connection: sqlite3.Connection) -> bool:
        done = connection.execute(
            "UPDATE events SET state = 'new', word = '', reason = '', due = 0, attempts = 0, ended = NULL, received = ?"
            " WHERE number = ? AND state IN ('dead', 'ignored') AND rule <> 'undecodable'",
            (time.time(), self.number),
        )
        return done.rowcount > 0


@dataclass(frozen=True)
class Drop:
    """A dead event that a person has looked at. It stays in the list as long as others. False when it is not dead."""

    number: int
    who: str

    def __call__(self, connection: sqlite3.Connection) -> bool:
        done = connection.execute(
            "UPDATE events SET state = 'ignored', word = 'dropped', reason = reason || ' (dropped by ' || ? || ')'"
            " WHERE number = ? AND state = 'dead'",
            (self.who, self.number),
        )
        return done.rowcount > 0


def probe(connection: sqlite3.Connection) -> bool:
    """Nothing but a transaction that writes: whether the spool can be written."""
    connection.execute("PRAGMA user_version = 1")
    return True
