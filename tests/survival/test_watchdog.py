"""The watchdog notices what of the remediation is dead, late or forgotten, and is itself noticed when it is silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from blocks.heartbeat import Heartbeat
from blocks.receiver import EventReceiver
from blocks.schedules import ScheduledDeployment
from deployments.receiver import spool
from deployments.receiver.metrics import Metrics
from deployments.sandbox.server import Sandbox
from tasks.delivery.tickets import Ticket, write_ticket
from tasks.remediation.context import Context
from tasks.remediation.journal import MARKS
from tasks.remediation.lease import lease_name
from tasks.remediation.runner import run
from tasks.survival.watchdog import (
    HEARTBEAT,
    LEFT_TOO_LONG,
    beat,
    damaged_claims,
    forgotten_runs,
    forgotten_tickets,
    silent,
    stuck_events,
)
from tests.kernel.cases import CASES, OPS, environment_of
from tests.kernel.world import Killed, heir, killed_at

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
WELL = ScheduledDeployment("sweep", None, NOW + timedelta(minutes=5), NOW, "COMPLETED")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (WELL, []),
        (replace(WELL, last_state="FAILED"), []),
        (replace(WELL, last=None, last_state=""), []),
        (replace(WELL, late=NOW), ["should have run at 2026-06-01 12:00 UTC and nobody has taken it up"]),
        (replace(WELL, following=None), ["has a schedule and no run is planned for it"]),
        (replace(WELL, late=NOW, following=None), ["nobody has taken it up"]),
        (replace(WELL, last_state="CRASHED"), ["The last run of sweep crashed"]),
        (replace(WELL, late=NOW, last_state="CRASHED"), ["nobody has taken it up", "crashed"]),
    ],
)
def test_a_schedule_that_is_silent_is_told_and_one_that_failed_loudly_is_not(
    one: ScheduledDeployment, said: list[str]
) -> None:
    """A run that failed is red already, in the place where people look."""
    told = list(silent(one))
    assert len(told) == len(said)
    assert all(part in sentence for part, sentence in zip(said, told, strict=True))


def left_run(sandbox: Sandbox, environment: PipelineEnvironment) -> str:
    """A recovery whose process died; the name of its mark."""
    (case,) = [case for case in CASES if case.name == "export-recovery"]
    procedure, request = case.make(sandbox, environment)
    with killed_at(2, before=False), pytest.raises(Killed):
        run(procedure, Context(environment, "the dead one"), request)
    (mark,) = sandbox.store.list(OPS, MARKS)
    return mark.name


def test_a_run_that_was_left_is_told_when_nobody_carried_it_on_in_time(sandbox: Sandbox) -> None:
    environment = environment_of(sandbox)
    mark = left_run(sandbox, environment)
    assert list(forgotten_runs(heir(environment))) == [], "it has only just been left"
    found = sandbox.store.get(OPS, mark)
    assert found is not None
    sandbox.store.put(OPS, mark, found.data, at=datetime.now(UTC) - LEFT_TOO_LONG - timedelta(minutes=1))
    (told,) = forgotten_runs(heir(environment))
    assert "Nobody is at work on it" in told
    assert list(forgotten_runs(Context(environment, "x", gone=lambda _: False))) == [], "somebody is at work"


def test_a_hold_whose_time_is_over_is_told(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    context = heir(environment)
    ticket = Ticket(
        run="20260601t120000z-aaaaaaaa",
        subject="intake",
        owner="ann",
        made_at=NOW,
        deadline=datetime.now(UTC) + timedelta(hours=1),
        held=(),
    )
    write_ticket(environment, ticket)
    assert list(forgotten_tickets(context)) == []
    late = ticket.model_copy(update={"run": "20260602t120000z-bbbbbbbb", "deadline": NOW})
    write_ticket(environment, late)
    (told,) = forgotten_tickets(context)
    assert "its time is over" in told
    assert late.run in told


def test_a_ticket_that_cannot_be_read_is_told(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.store.put(OPS, "remediation/holds/x.json", b"{")
    assert len(list(forgotten_tickets(heir(environment)))) == 1


def test_a_claim_that_nobody_can_read_is_told_and_one_that_has_ended_locks_nobody(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = heir(environment)
    with context.holding("kitchen_001", "r"):
        assert list(damaged_claims(context)) == []
    sandbox.store.put(OPS, lease_name("office_001"), b"{}")
    (told,) = damaged_claims(context)
    assert lease_name("office_001") in told


class Numbers(HTTPServer):
    """A receiver of which only the numbers are asked."""

    text: bytes


@pytest.fixture
def numbers() -> Iterator[Numbers]:
    class Say(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(self.server, Numbers)
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("content-length", str(len(self.server.text)))
            self.end_headers()
            self.wfile.write(self.server.text)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = Numbers(("127.0.0.1", 0), Say)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def of_receiver(tmp_path: Path, events: int, dead: int, age: float) -> bytes:
    """What a real receiver's metrics say of a spool like this."""
    path, statement = (
        tmp_path / "spool.sqlite",
        "INSERT INTO events (key, rule, content, received, state) VALUES (?, 'r', '{}', ?, ?)",
    )
    spool.prepare(path).close()
    with spool.opened(path) as connection:
        for number in range(events + dead):
            connection.execute(statement, (f"k{number}", time.time() - age, "dead" if number >= events else "new"))
        connection.commit()
    return Metrics(path).text()


@pytest.mark.parametrize(
    ("events", "dead", "age", "said"),
    [
        (0, 0, 0.0, []),
        (3, 0, 60.0, []),
        (3, 0, 3600.0, ["3 events wait at the receiver, the oldest for 60 minutes"]),
        (0, 2, 3600.0, ["2 events could not be handled: see `remediate events dead`"]),
        (1, 1, 7200.0, ["1 event wait", "1 event could not be handled"]),
    ],
)
def test_events_that_nobody_handles_are_told(
    environment: PipelineEnvironment,
    numbers: Numbers,
    tmp_path: Path,
    events: int,
    dead: int,
    age: float,
    said: list[str],
) -> None:
    numbers.text = of_receiver(tmp_path, events, dead, age)
    environment.receiver = EventReceiver(url=f"http://127.0.0.1:{numbers.server_port}/")
    told = list(stuck_events(heir(environment)))
    assert len(told) == len(said)
    assert all(part in sentence for part, sentence in zip(said, told, strict=True))


@pytest.mark.parametrize("text", [b"", b"not numbers at all {", b"receiver_spool_waiting 1\n"])
def test_a_receiver_that_gives_no_numbers_is_told(
    environment: PipelineEnvironment, numbers: Numbers, text: bytes
) -> None:
    numbers.text = text
    environment.receiver = EventReceiver(url=f"http://127.0.0.1:{numbers.server_port}")
    (told,) = stuck_events(heir(environment))
    assert "gives no numbers" in told


def test_a_receiver_that_nobody_named_is_not_watched_and_a_dead_one_is_told(environment: PipelineEnvironment) -> None:
    assert list(stuck_events(heir(environment))) == []
    environment.receiver = EventReceiver(url="http://127.0.0.1:1", seconds=1)
    (told,) = stuck_events(heir(environment))
    assert "Is it alive?" in told


class Monitor(HTTPServer):
    """Somebody outside who hears the heartbeat."""

    heard: list[bytes]
    status: int


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    class Hear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert isinstance(self.server, Monitor)
            self.server.heard.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(self.server.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = Monitor(("127.0.0.1", 0), Hear)
    server.heard, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def heard_by(monitor: Monitor) -> Heartbeat:
    return Heartbeat(url=SecretStr(f"http://127.0.0.1:{monitor.server_port}/ping/secret-word"))


def test_the_heartbeat_is_said_outside_and_in_the_ops_bucket(
    environment: PipelineEnvironment, sandbox: Sandbox, monitor: Monitor
) -> None:
    environment.heartbeat = heard_by(monitor)
    context = heir(environment)
    assert beat(context, NOW) == []
    assert beat(context, NOW + timedelta(minutes=15)) == []
    assert [b"all is well at 2026-06-01 12:00 UTC" in said for said in monitor.heard] == [True, False]
    found = sandbox.store.get(OPS, HEARTBEAT)
    assert found is not None
    assert b"2026-06-01T12:15:00+00:00" in found.data


def test_without_a_monitor_only_the_ops_bucket_hears_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    assert beat(heir(environment)) == []
    assert sandbox.store.get(OPS, HEARTBEAT) is not None


def test_a_monitor_that_does_not_take_it_is_told_without_its_secret_address(
    environment: PipelineEnvironment, monitor: Monitor
) -> None:
    environment.heartbeat, monitor.status = heard_by(monitor), 503
    (told,) = beat(heir(environment))
    assert "answered 503" in told
    assert "secret-word" not in told
    environment.heartbeat = Heartbeat(url=SecretStr("http://127.0.0.1:1/secret-word"), seconds=1)
    (told,) = beat(heir(environment))
    assert "could not be reached" in told
    assert "secret-word" not in told


def test_an_address_that_is_none_is_told_in_one_sentence() -> None:
    with pytest.raises(TemporaryError, match="could not be reached"):
        Heartbeat(url=SecretStr("not an address")).beat("x")


def test_an_ops_bucket_that_cannot_be_written_is_told(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.store.delete_bucket(OPS)
    (told,) = beat(heir(environment))
    assert "could not be written" in told
