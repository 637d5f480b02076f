"""What is counted, for Prometheus. Counters begin at zero with the process; what waits is asked of the spool."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from deployments.receiver import spool

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds from a request to its answer."""
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Seconds from an event's arrival to its end."""


class Metrics:
    """The receiver's own registry."""

    def __init__(self, path: Path) -> None:
        """`path`: the spool."""
        self._path = path
        self.registry = registry = CollectorRegistry()
        self.accepted = Counter("receiver_accepted", "Events kept, by rule.", ["rule"], registry=registry)
        self.duplicates = Counter("receiver_duplicates", "Events that were kept already.", ["rule"], registry=registry)
        self.ignored = Counter("receiver_ignored", "What started nothing, by reason.", ["reason"], registry=registry)
        self.dead = Counter("receiver_dead_letters", "Dead letters, by reason.", ["reason"], registry=registry)
        self.forged = Counter("receiver_forged", "Requests without a right to come in.", ["path"], registry=registry)
        self.unkept = Counter("receiver_unkept", "Requests told to come again.", ["reason"], registry=registry)
        self.runs = Counter("receiver_flow_runs", "Flow runs created.", ["deployment"], registry=registry)
        self.retries = Counter("receiver_retries", "Events put off, by whom they wait for.", ["for"], registry=registry)
        self.answered = Histogram("receiver_answer_seconds", "Request to answer.", buckets=QUICK, registry=registry)
        self.dispatched = Histogram("receiver_dispatch_seconds", "Arrival to end.", buckets=SLOW, registry=registry)
        self.waiting = Gauge("receiver_spool_waiting", "Events that wait.", registry=registry)
        self.age = Gauge("receiver_spool_age_seconds", "Age of the oldest event that waits.", registry=registry)
        self.kept_dead = Gauge("receiver_dead_letters_kept", "Dead letters that nobody handled.", registry=registry)
        self.prefect = Gauge("receiver_prefect_up", "Whether Prefect answered when last asked.", registry=registry)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        with contextlib.closing(spool.connect(self._path)) as connection, contextlib.suppress(sqlite3.Error):
            many, oldest = spool.waiting(connection)
            self.waiting.set(many)
            self.kept_dead.set(spool.dead(connection))
            self.age.set(max(0.0, time.time() - oldest) if many else 0.0)
        return generate_latest(self.registry)
