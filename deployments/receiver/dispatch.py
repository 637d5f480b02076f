"""Carries out what is in the spool, in the order it came: facts, then the flow run, then the event, then the mark.

Killed between any two of these it does them again, and Prefect knows them again by their key.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import random
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

from blocks.error_details import one_line
from blocks.errors import OutsideError, TemporaryError
from deployments.receiver import spool
from deployments.receiver.facts import ASKS, CHECKS, NothingToDo
from deployments.receiver.metrics import Metrics
from deployments.receiver.prefect_server import Broken, NotNow, PrefectServer, Refused
from deployments.receiver.rule import Rule, filled
from deployments.receiver.rules import Rules
from deployments.receiver.spool import Row
from deployments.receiver.writer import Write, Writer
from deployments.receiver.writes import End, Forget, Later, probe

TOGETHER = 200
"""Events taken from the spool at once."""
IDLE_SECONDS = 1.0
"""How often the spool is looked at when nothing wakes us: for what was put off, or is to be handled again."""
ROUND_SECONDS = 10.0
"""After which the spool is looked at again: facts that do not answer take seconds each, and newer events come first."""
CARE_SECONDS = 10.0
"""How often Prefect and the spool are tried while nothing comes."""
FORGET_SECONDS = 60.0
REFUSALS = 5
"""How often what Prefect refuses is tried: a deployment may be missing for some seconds while it is made anew."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds between tries of an event, doubling."""
FIRST_PAUSE = 0.05
"""Seconds before Prefect is asked again, doubling up to the same: its server on SQLite is often busy for a moment only."""

_log = logging.getLogger(__name__)


class Dispatcher:
    """One thread that empties the spool."""

    def __init__(self, path: Path, rules: Rules, writer: Writer, metrics: Metrics, keep_days: float = 14.0) -> None:
        """
        Args:
            path: The spool.
            rules: The rules in force.
            writer: Writes the spool.
            metrics: Where it is counted.
            keep_days: How long an ended event is remembered; longer than a sender may send it again.
        """
        self._path, self._rules, self._writer, self._metrics = path, rules, writer, metrics
        self._keep = keep_days * 86_400
        self._server = PrefectServer()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=contextvars.copy_context().run, args=(self._run,), name="dispatcher", daemon=True
        )
        self._subjects: dict[str, float] = {}
        self._before = 0
        """The last event that was there when we began: those that wait may have been begun by who was killed."""
        self._begun: set[int] = set()
        """Events whose run may be there although they wait: no answer came, or their Prefect event was not taken."""
        self._runs: dict[str, str] = {}
        """Runs that are there of events that wait, by their idempotency keys."""
        self._refusals: Counter[int] = Counter()
        self._pause = FIRST_PAUSE
        self._cared = self._forgot = float("-inf")
        self.prefect_answered = float("-inf")
        """When Prefect last answered (monotonic)."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new in the spool. From any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End after the event that is being handled; the others stay in the spool."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(spool.connect(self._path)) as connection:
            self._before = spool.last_number(connection)
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    busy = self._round(connection)
                except NotNow as error:
                    self._told(False)
                    _log.warning("%s The events wait; next try in %.2f s.", error, self._pause)
                    self._stopping.wait(self._pause * random.uniform(0.8, 1.2))
                    self._pause = min(2 * self._pause, LONGEST_WAIT)
                    continue
                except Exception:  # a full disk, a fault of ours: the events stay, and the thread lives on
                    _log.exception("The events in the spool could not be handled; they are tried again.")
                    self._stopping.wait(FIRST_WAIT)
                    continue
                if not busy:
                    self._wake.wait(IDLE_SECONDS)
        self._server.close()

    def _round(self, connection: sqlite3.Connection) -> bool:
        """One look at the spool. Whether there was anything. Raises `NotNow`."""
        self._care()
        rows = spool.due(connection, TOGETHER)
        if not rows:
            self._pause = FIRST_PAUSE
        self._runs = self._created(rows)
        ends: list[Future[bool]] = []
        ended: list[int] = []
        until = time.monotonic() + ROUND_SECONDS
        try:
            for row in rows:
                if self._stopping.is_set() or time.monotonic() > until:
                    break
                write = self._counted(row, self._handle(connection, row))
                ends.append(self._writer.submit(write))
                ended += [row.number] if isinstance(write, End) else []
        finally:  # what has been done is on disk before the spool is looked at again
            for end in ends:
                end.result()
            self._begun.difference_update(ended)
            self._subjects.clear()
        return bool(rows)

    def _created(self, rows: list[Row]) -> dict[str, str]:
        """The runs that are there already of these events. Raises `NotNow`."""
        begun = [row.run_key for row in rows if row.number <= self._before or row.number in self._begun]
        return self._server.runs_of(begun) if begun else {}

    def _handle(self, connection: sqlite3.Connection, row: Row) -> Write:
        """What becomes of one event. Raises `NotNow`."""
        rule = self._rules.by_name.get(row.rule)
        if rule is None:
            return End(row.number, "dead", "no_rule", f"There is no rule {row.rule} any more.")
        try:
            return self._carried_out(connection, row, rule)
        except NothingToDo as end:
            if run := self._runs.get(row.run_key, ""):
                return End(row.number, "done", reason=str(end), run=run)
            return End(row.number, "ignored", end.word, str(end))
        except TemporaryError as error:
            self._metrics.retries.labels("fact").inc()
            return Later(row.number, time.time() + _wait(row), one_line(error))
        except OutsideError as error:
            return End(row.number, "dead", "fact", one_line(error))
        except Broken as error:  # it may be this event alone
            self._metrics.retries.labels("prefect").inc()
            return Later(row.number, time.time() + _wait(row), str(error))
        except Refused as error:
            return self._given_up(row, "refused", str(error))
        except (NotNow, sqlite3.Error):
            raise
        except Exception as error:  # a fault of ours, or a row of another version: it must not stand in others' way
            _log.exception("Event %d could not be handled.", row.number)
            return self._given_up(row, "fault", one_line(error))

    def _given_up(self, row: Row, word: str, reason: str) -> Write:
        """Another try in a while, or none after so many. What it has waited for otherwise does not count."""
        self._refusals[row.number] += 1
        if self._refusals[row.number] >= REFUSALS:
            del self._refusals[row.number]
            return End(row.number, "dead", word, reason)
        self._metrics.retries.labels(word).inc()
        return Later(row.number, time.time() + _wait(row), reason)

    def _carried_out(self, connection: sqlite3.Connection, row: Row, rule: Rule) -> End:
        environment, values = self._rules.environment, dict(row.content)
        for ask in rule.asks:
            values |= ASKS[ask].answer(environment, values)
        resource = filled(rule.resource, values)
        subject = f"{rule.run.deployment if rule.run else rule.event} {resource}"
        run = self._runs.get(row.run_key, "")
        if not run:  # what has begun goes on, whatever is so by now: its own run may have mended it
            self._quiet(connection, row, rule, subject)
            for check in rule.unless:
                if sentence := CHECKS[check].answer(environment, values):
                    raise NothingToDo(check, sentence)
        if rule.run is not None and not run:
            self._begun.add(row.number)
            run = self._server.create_run(rule.run.deployment, filled(rule.run.parameters, values), row.run_key)
            self._metrics.runs.labels(rule.run.deployment).inc()
        payload, reason = values | {"rule": rule.name, "flow_run": run}, ""
        try:
            self._server.emit(filled(rule.event, values), resource, row.key, payload, row.received)
        except Refused as error:  # the run is there; without its event it is done all the same
            if not run:
                raise
            reason = str(error)
        self._told(True)
        self._pause = FIRST_PAUSE
        self._refusals.pop(row.number, None)
        self._subjects[subject] = row.received
        return End(row.number, "done", reason=reason, subject=subject, run=run)

    def _quiet(self, connection: sqlite3.Connection, row: Row, rule: Rule, subject: str) -> None:
        """End the event if another one of its subject was done shortly before (or after: they may come in any order)."""
        near = self._subjects.get(subject)
        covered = near is not None and abs(near - row.received) < rule.quiet_seconds
        if covered or spool.last_done(connection, subject, row.received, rule.quiet_seconds):
            what = "started a flow run" if rule.run else "was told to Prefect"
            raise NothingToDo("quiet", f"Another event of the same subject {what} within {rule.quiet_seconds:g} s.")

    def _counted(self, row: Row, end: Write) -> Write:
        if isinstance(end, End):
            if end.state == "ignored":
                self._metrics.ignored.labels(end.word).inc()
            elif end.state == "dead":
                self._metrics.dead.labels(end.word).inc()
            self._metrics.dispatched.observe(max(0.0, time.time() - row.received))
        return end

    def _care(self) -> None:
        """Now and then: what is old enough to be forgotten, can the spool be written, is Prefect there? `NotNow`."""
        now = time.monotonic()
        if now - self._forgot > FORGET_SECONDS:
            more = self._writer.submit(Forget(time.time() - self._keep)).result()
            self._forgot = float("-inf") if more else now
        if now - self._cared > CARE_SECONDS:
            self._writer.submit(probe)
            self._server.check()
            self._told(True)
            self._cared = now

    def _told(self, answered: bool) -> None:
        self._metrics.prefect.set(answered)
        if answered:  # every answer counts: a busy server on SQLite refuses now and then
            self.prefect_answered = time.monotonic()


def _wait(row: Row) -> float:
    return float(min(FIRST_WAIT * 2 ** min(row.attempts, 16), LONGEST_WAIT))  # an event may wait for days
