"""The spool: what is committed stays, one process holds it, and what has ended is forgotten in time and no sooner."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.errors import PermanentError
from deployments.receiver import spool, writer, writes
from deployments.receiver.writer import SpoolBusy, Writer
from deployments.receiver.writes import Accept, Again, Drop, End, Forget, Later


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    held = spool.prepare(path)
    with spool.opened(path) as one:
        yield one
    held.close()


def accept(connection: sqlite3.Connection, *keys: str) -> None:
    for key in keys:
        assert Accept(key, "failure-marker", {"scene_id": key})(connection)


def numbers(connection: sqlite3.Connection, where: str = "1") -> list[int]:
    return [row.number for row in spool.rows(connection, f"{where} ORDER BY number")]


def test_a_commit_flushes_the_disk(connection: sqlite3.Connection) -> None:
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_events_come_out_in_the_order_they_came(connection: sqlite3.Connection) -> None:
    accept(connection, *"cab")
    assert [row.key for row in spool.due(connection, 10)] == ["c", "a", "b"]
    assert [row.key for row in spool.due(connection, 2)] == ["c", "a"]


def test_what_has_ended_or_is_put_off_does_not_come_out(connection: sqlite3.Connection) -> None:
    accept(connection, *"abcd")
    End(1, "done", subject="s", run="r")(connection)
    End(2, "ignored", "gone", "It is gone.")(connection)
    Later(3, time.time() + 100, "Not now.")(connection)
    assert [row.key for row in spool.due(connection, 10)] == ["d"]
    assert [row.key for row in spool.due(connection, 10, time.time() + 200)] == ["d", "c"], (
        "what was put off comes last"
    )
    assert spool.counts(connection) == {"done": 1, "ignored": 1, "new": 2}
    assert spool.waiting(connection)[0] == 2
    assert spool.rows(connection, "number = 3")[0].attempts == 1


def test_what_was_never_tried_comes_before_what_was_put_off(connection: sqlite3.Connection) -> None:
    accept(connection, "a", "b", "c", "d")
    Later(1, 20.0, "away")(connection)
    Later(2, 10.0, "away")(connection)
    assert [row.number for row in spool.due(connection, 10, now=30.0)] == [3, 4, 2, 1]
    assert [row.number for row in spool.due(connection, 1, now=30.0)] == [3]


def test_a_dead_event_is_dropped_by_a_person_and_is_kept_with_their_name(connection: sqlite3.Connection) -> None:
    accept(connection, "a")
    assert not Drop(1, "ann")(connection), "it may be handled yet"
    End(1, "dead", "refused", "No such deployment.")(connection)
    assert Drop(1, "ann")(connection)
    (row,) = spool.rows(connection, "1")
    assert (row.state, row.reason) == ("ignored", "No such deployment. (dropped by ann)")
    assert spool.dead(connection) == 0
    assert not Drop(1, "ann")(connection)


def test_a_subject_is_quiet_for_a_while_around_what_was_done(connection: sqlite3.Connection) -> None:
    accept(connection, "a", "b")
    End(1, "done", subject="s")(connection)
    End(2, "ignored", subject="t")(connection)
    now = spool.rows(connection, "number = 1")[0].received
    assert [spool.last_done(connection, "s", now + shift, 60) for shift in (-59, 0, 59)] == ["a"] * 3
    assert [spool.last_done(connection, "s", now + shift, 60) for shift in (-61, 61)] == [None] * 2
    assert spool.last_done(connection, "t", now, 60) is None
    assert spool.last_done(connection, "s", now, 0) is None


def test_only_what_ended_long_ago_is_forgotten(connection: sqlite3.Connection) -> None:
    accept(connection, *"abc")
    End(1, "done")(connection)
    Forget(time.time() - 10)(connection)
    assert numbers(connection) == [1, 2, 3]
    Forget(time.time() + 10)(connection)
    assert numbers(connection) == [2, 3]


def test_what_nobody_can_read_has_an_upper_bound_and_the_oldest_goes(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Garbage never pushes out a failure that could not be handled."""
    monkeypatch.setattr(writes, "DEAD_LETTERS", 2)
    accept(connection, "e")
    End(1, "dead", "refused", "No.")(connection)
    for key in "abcd":
        Accept(key, spool.UNDECODABLE, {}, "undecodable", "No JSON.")(connection)
    Forget(0.0)(connection)
    assert [row.key for row in spool.rows(connection, "1 ORDER BY number")] == ["e", "c", "d"]


def test_a_person_can_have_a_dead_event_handled_again(connection: sqlite3.Connection) -> None:
    accept(connection, "a", "b")
    Accept("c", spool.UNDECODABLE, {}, "undecodable", "No JSON.")(connection)
    End(1, "dead", "refused", "No.")(connection)
    before = time.time()
    assert Again(1)(connection)
    assert spool.rows(connection, "number = 1")[0].received >= before, (
        "else it would be quiet for the same reason again"
    )
    assert [row.key for row in spool.due(connection, 10)] == ["a", "b"]
    assert [Again(number)(connection) for number in (2, 3, 99)] == [False] * 3


def test_two_receivers_never_share_a_spool(path: Path, connection: sqlite3.Connection) -> None:
    with pytest.raises(PermanentError, match="Another receiver"):
        spool.prepare(path)


def test_a_spool_that_is_none_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is somebody's letter, not a database" * 100)
    with pytest.raises(PermanentError, match="move it away"):
        spool.prepare(path)
    assert path.read_bytes().startswith(b"this is somebody's letter")


def test_a_spool_where_nothing_can_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PermanentError, match="cannot be made"):
        spool.prepare(tmp_path / "file" / "receiver.db")


@pytest.fixture
def one_writer(path: Path, connection: sqlite3.Connection) -> Iterator[Writer]:
    one = Writer(path)
    one.start()
    yield one
    one.stop()


def test_what_comes_together_is_written_together(one_writer: Writer, connection: sqlite3.Connection) -> None:
    commits: list[int] = []
    one_writer._written = lambda: commits.append(1)
    gate = threading.Event()
    one_writer.submit(lambda _: gate.wait(30))  # the disk is busy
    waiting = [one_writer.submit(Accept(str(number), "r", {})) for number in range(500)]
    gate.set()
    assert all(one.result(30) for one in waiting)
    assert len(numbers(connection)) == 500
    assert len(commits) <= 3


def test_a_write_that_fails_fails_all_of_its_commit_and_none_later(
    one_writer: Writer, connection: sqlite3.Connection
) -> None:
    def bad(on: sqlite3.Connection) -> bool:
        on.execute("INSERT INTO events (key) VALUES ('half')")
        return True

    with pytest.raises(sqlite3.IntegrityError):
        one_writer.submit(bad).result(30)
    assert "IntegrityError" in one_writer.failure
    assert one_writer.submit(Accept("a", "r", {})).result(30)
    assert one_writer.failure == ""
    assert [row.key for row in spool.rows(connection, "1")] == ["a"]


def test_a_sender_that_went_away_does_not_end_the_writer(one_writer: Writer, connection: sqlite3.Connection) -> None:
    gate = threading.Event()
    one_writer.submit(lambda _: gate.wait(30))
    assert one_writer.submit(Accept("a", "r", {})).cancel()
    gate.set()
    assert one_writer.submit(Accept("b", "r", {})).result(30)
    assert [row.key for row in spool.rows(connection, "1")] == ["b"]
    assert one_writer.trouble == ""


def test_a_writer_that_has_ended_says_so(path: Path, connection: sqlite3.Connection) -> None:
    one = Writer(path)
    one.start()
    one.stop()
    assert "has ended" in one.trouble


def test_what_the_disk_cannot_keep_up_with_is_turned_away(one_writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WAITING", 3)
    gate = threading.Event()
    one_writer.submit(lambda _: gate.wait(30))
    with pytest.raises(SpoolBusy):
        for number in range(10):
            one_writer.submit(Accept(str(number), "r", {}))
    gate.set()


def test_another_process_that_writes_is_waited_for(one_writer: Writer, path: Path) -> None:
    with spool.opened(path) as other:
        other.execute("BEGIN IMMEDIATE")
        kept = one_writer.submit(Accept("a", "r", {}))
        time.sleep(0.05)  # whoever waits, waits now
        assert not kept.done()
        other.execute("COMMIT")
    assert kept.result(30)


KILLED = """
import os, sys, time
from pathlib import Path
from deployments.receiver import spool
from deployments.receiver.writer import Writer
from deployments.receiver.writes import Accept
path = Path(sys.argv[1])
held = spool.prepare(path)
writer = Writer(path)
writer.start()
for number in range(10**6):
    writer.submit(Accept(str(number), "r", {})).add_done_callback(
        lambda done, number=number: os.write(1, f"{number}\\n".encode()))
    time.sleep(0.0005)
"""


def test_what_was_acknowledged_outlives_a_kill(path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [child.stdout.readline().strip() for _ in range(300)]
    child.kill()
    told += child.stdout.read().split("\n")[:-1]
    child.wait(30)
    child.stdout.close()
    with contextlib.closing(spool.prepare(path)), spool.opened(path) as connection:
        assert {row.key for row in spool.rows(connection, "1")} >= set(told)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
