"""The one thread that writes the spool. What comes while it waits for the disk is written with the next commit.

One commit costs a flush of the disk, some milliseconds, whether it holds one row or a thousand.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from deployments.receiver.spool import connect

Write = Callable[[sqlite3.Connection], bool]
TOGETHER = 1_000
"""Writes of one commit at most."""
WAITING = 20_000
"""Writes that may wait: beyond that the disk is not keeping up, and a sender had better come again."""


class SpoolBusy(RuntimeError):
    """Too much waits for the disk already."""


class Writer:
    """Writes the spool from a thread of its own, many writes with one commit."""

    def __init__(self, path: Path, written: Callable[[], None] = lambda: None) -> None:
        """
        Args:
            path: The spool, which `spool.prepare` has made.
            written: Called, in the writer's thread, after each commit.
        """
        self._path, self._written = path, written
        self._queue: queue.Queue[tuple[Write, Future[bool]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self.failure = ""
        """What the last commit failed with; empty: it did not."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, write: Write) -> Future[bool]:
        """The answer of `write` once it is on disk; the exception of SQLite when it could not be. `SpoolBusy`."""
        if self._queue.qsize() > WAITING:
            raise SpoolBusy(f"{WAITING:,} writes wait for the disk.")
        future: Future[bool] = Future()
        self._queue.put((write, future))
        return future

    @property
    def trouble(self) -> str:
        """Why nothing can be kept now; empty: it can."""
        return self.failure if self._thread.is_alive() else "The thread that writes has ended."

    def stop(self) -> None:
        """Write what waits, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(connect(self._path)) as connection:
            ended = False
            while not ended:
                batch = self._batch()
                ended = None in batch
                # Nobody waits for a cancelled one, and setting its result would end this thread.
                wanted = [one for one in batch if one is not None and one[1].set_running_or_notify_cancel()]
                self._commit(connection, wanted)

    def _batch(self) -> list[tuple[Write, Future[bool]] | None]:
        batch = [self._queue.get()]
        with contextlib.suppress(queue.Empty):
            while len(batch) < TOGETHER and batch[-1] is not None:
                batch.append(self._queue.get_nowait())
        return batch

    def _commit(self, connection: sqlite3.Connection, batch: list[tuple[Write, Future[bool]]]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            answers = [write(connection) for write, _ in batch]
            connection.execute("COMMIT")
        except Exception as error:  # a full disk, most often: nobody is told that anything is safe
            self.failure = f"{type(error).__name__}: {error}"
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            for _, future in batch:
                future.set_exception(error)
            return
        self.failure = ""
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)
        self._written()
