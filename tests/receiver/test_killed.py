"""The receiver killed outright again and again, and Prefect's server once, while a storm comes in: none is lost, none is
handled twice, and none that is forged comes in.

Prefect's server is killed as hard as the receiver (SIGKILL), which is the worst there is: flow runs it has answered for are in
its database and must all be there, but it forgets the ids of events, and events it took within the last second are gone.
Told to stop (SIGTERM) it would lose none of them, and the test would see less.

`REMEDIATION_STORM=10000 python -m pytest -n 0 --timeout 0 tests/receiver/test_killed.py` sends so many requests, with
five kills of the receiver instead of two.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest

from blocks.environment import PipelineEnvironment
from deployments.receiver import spool
from deployments.receiver.decode import DECODERS
from deployments.receiver.rules import load_rules
from deployments.receiver.spool import Row
from deployments.sandbox.server import Sandbox
from tests.receiver import google
from tests.receiver.killable import Victim
from tests.receiver.own_prefect import OwnPrefect, deploy, every_event, every_run, own_prefect
from tests.receiver.storm import GOOD, Storm, storm
from tests.receiver.world import DEPLOYMENT, FLOW, rows, wait_for

STORM = int(os.environ.get("REMEDIATION_STORM", "200"))
KILLS = 5 if STORM >= 10_000 else 2
PATIENCE = 120 + STORM
"""Seconds for everything to be handled."""
EVENTS = 11
"""Rows in the spool for each share of the storm: nine happenings, and two that nobody can read."""
QUIET = 60.0
"""Seconds within which the failures of one scene are one (rules.yaml)."""
UNWRITTEN = 30.0
"""Seconds. Prefect's server writes the events it has taken once a second (SERVER_SETTINGS), later when SQLite is busy."""
EVENT_NAMES = "pipeline."

_log = logging.getLogger(__name__)


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[OwnPrefect]:
    with own_prefect(tmp_path / "prefect") as server:
        yield server


@pytest.fixture
def victim(path: Path, sandbox: Sandbox, prefect: OwnPrefect) -> Iterator[Victim]:
    with google.serving() as certificates:
        one = Victim(path, sandbox, certificates.url)
        yield one
        one.kill()


class Progress:
    """How far the storm is: half of it is being delivered, the other half being handled."""

    def __init__(self, path: Path, victim: Victim, made: Storm, sender: Future[None]) -> None:
        self._path, self._victim, self._sender = path, victim, sender
        self._requests, self._events = len(made.tellings), EVENTS * made.share

    def handled(self) -> int:
        with spool.opened(self._path) as connection:
            return sum(many for state, many in spool.counts(connection).items() if state != "new")

    def wait(self, part: float) -> None:
        """Until so much of it is done."""

        def far() -> bool:
            if self._sender.done():
                self._sender.result()  # or what it failed with
            delivered = len(self._victim.answers) / self._requests
            return delivered + self.handled() / self._events >= 2 * part

        wait_for(far, f"{part:.0%} of the storm", PATIENCE)


@dataclass
class Killing:
    """Of Prefect's server: what it had written, and between which times (seconds since 1970) it may have taken more."""

    written: set[str]
    since: float
    until: float = 0.0


def rage(victim: Victim, prefect: OwnPrefect, progress: Progress) -> Killing:
    """Kill the receiver again and again, and Prefect's server once with it, and bring them back; until all is handled."""
    for kill in range(KILLS):
        progress.wait((kill + 1) / (KILLS + 1))
        if middle := kill == KILLS // 2:
            killing = Killing(set(written()), time.time() - UNWRITTEN)
            prefect.kill()
        victim.kill()
        if middle:
            killing.until = time.time()
            prefect.start()  # which takes longer than the receiver's start: it takes events while Prefect is away
        victim.start()
        victim.up()
    prefect.up()
    progress.wait(1.0)
    victim.process.terminate()
    assert victim.process.wait(60) in (0, -signal.SIGTERM), "told to stop it ends by itself"
    return killing


def written() -> list[str]:
    """The ids of the events that Prefect has written. While it writes, a page may show one of the page before again."""
    return [str(event["id"]) for event in every_event(EVENT_NAMES)]


def test_killed_again_and_again_it_handles_every_failure_once_and_lets_no_forged_one_in(
    victim: Victim, prefect: OwnPrefect, path: Path, sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    made = storm(sandbox, STORM)
    prefect.up()
    deploy(FLOW, DEPLOYMENT, "scene_ids", "requested_by")
    deploy("simulator-outage", "simulator-outage-on-event", "service", "reason", "requested_by")
    victim.up()
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        progress = Progress(path, victim, made, pool.submit(victim.deliver_all, made.tellings))
        killing = rage(victim, prefect, progress)
    found = rows(path)
    _log.info(
        "%d requests, %d events, %d kills: %.0f s", len(made.tellings), len(found), KILLS, time.monotonic() - begun
    )
    answers_are_right(victim.answers, made)
    the_spool_is_right(found, made, environment)
    prefect_has_the_runs(found)
    prefect_has_the_events(found, killing)


def answers_are_right(given: list[tuple[str, int]], made: Storm) -> None:
    """The forged are refused, everything else is acknowledged."""
    keys = Counter(one.key for one in made.tellings)
    assert Counter(given) == {(key, 204 if key == GOOD else 401): many for key, many in keys.items()}


def the_spool_is_right(found: list[Row], made: Storm, environment: PipelineEnvironment) -> None:
    """Exactly the genuine ones are there, each once, each ended as it must."""
    rules = load_rules(environment)
    ends: dict[str, Counter[str]] = {}
    by_key = {row.key: row for row in found}
    for kind, happenings in made.genuine.items():
        events = [rules.event_of(DECODERS[path](headers, body)) for path, headers, body in happenings]
        keys = {event.key for event in events if event}
        assert len(keys) == len(happenings)
        ends[kind] = Counter(f"{by_key[key].state} {by_key.pop(key).word}" for key in keys)
    share, together = made.share, ends.pop("together")
    done = {"alone": 2 * share, "job": share, "pod": share, "alert": share}
    assert ends == {kind: {"done ": many} for kind, many in done.items()} | {"gone": {"ignored gone": share}}
    assert set(together) <= {"done ", "ignored quiet"}
    assert [f"{row.state} {row.word}" for row in by_key.values()] == ["dead undecodable"] * 2 * share
    assert len(by_key) + sum(map(len, made.genuine.values())) == len(found) == EVENTS * share
    assert not [row for row in found if "forged" in str(row.content)]
    every_scene_has_its_run(found, share)


def every_scene_has_its_run(found: list[Row], share: int) -> None:
    """Of the failures of one scene those that came within a minute have one run between them, and others their own."""
    of_scene: dict[str, list[Row]] = {f"together_{number}": [] for number in range(share)}
    for row in found:
        scene = row.content.get("scene_id") or row.content.get("execution", "").replace("-", "_")
        of_scene.get(scene, []).append(row)
    for scene, failures in of_scene.items():
        done = [row.received for row in failures if row.run]
        assert len(failures) == 3 and done, scene
        assert all(abs(one - other) >= QUIET for one, other in combinations(done, 2)), scene
        assert all(min(abs(row.received - one) for one in done) < QUIET for row in failures), scene


def prefect_has_the_runs(found: list[Row]) -> None:
    """The runs that the spool knows, one for each, and no other."""
    made = every_run()
    wanted = {row.run_key: row.run for row in found if row.run}
    _log.info("%d flow runs of %d events", len(made), len(wanted))
    assert len(made) == len(wanted)
    assert {run["idempotency_key"]: run["id"] for run in made} == wanted
    assert not [run for run in made if "forged" in str(run["parameters"])]


def prefect_has_the_events(found: list[Row], killing: Killing) -> None:
    """Each that was done, once, and no other; but for those that its server had taken and not written when it was killed."""
    ended = {str(uuid5(NAMESPACE_URL, row.key)): row.ended or 0.0 for row in found if row.state == "done"}
    safe = killing.written | {key for key, when in ended.items() if not killing.since <= when <= killing.until}
    wait_for(lambda: safe <= set(written()), "the events of everything that was done", 60)
    told = written()
    _log.info("Prefect has %d of %d events; %d could be lost", len(told), len(ended), len(ended.keys() - safe))
    assert len(told) == len(set(told))
    assert set(told) <= ended.keys()
