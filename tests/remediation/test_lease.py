"""The lease: one holder, who is named, and who loses it when dead or too slow."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation import lease as leases
from tasks.remediation import process
from tasks.remediation.context import Context
from tasks.remediation.lease import (
    LONGEST,
    Holder,
    LeaseBusy,
    LeaseDamaged,
    LeaseLost,
    has_ended,
    lease_name,
    process_is_gone,
    read_holder,
    take_lease,
)

OPS = "sandbox-ops"


def holder(owner: str, seconds: float = 60, run: str = "r1") -> Holder:
    now = datetime.now(UTC)
    return Holder(owner=owner, run=run, taken_at=now, expires_at=now + timedelta(seconds=seconds))


def test_the_second_is_told_who_holds_it(environment: PipelineEnvironment) -> None:
    with take_lease(environment.storage, OPS, "scene", holder("ann")), pytest.raises(LeaseBusy, match="ann \\(run r1"):
        take_lease(environment.storage, OPS, "scene", holder("bob"))


def test_of_many_at_once_exactly_one_gets_it(environment: PipelineEnvironment) -> None:
    won, lost = [], []

    def run(number: int) -> None:
        try:
            won.append(take_lease(environment.storage, OPS, "scene", holder(f"n{number}")))
        except LeaseBusy as error:
            lost.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)


def test_it_is_given_back_when_the_block_ends_and_when_it_fails(environment: PipelineEnvironment) -> None:
    with take_lease(environment.storage, OPS, "scene", holder("ann")):
        pass
    with pytest.raises(RuntimeError), take_lease(environment.storage, OPS, "scene", holder("ann")):
        raise RuntimeError
    assert read_holder(environment.storage, OPS, "scene") is None


def test_a_killed_process_leaves_it(environment: PipelineEnvironment) -> None:
    with pytest.raises(KeyboardInterrupt), take_lease(environment.storage, OPS, "scene", holder("ann")):
        raise KeyboardInterrupt
    assert read_holder(environment.storage, OPS, "scene") is not None


def test_a_dead_holder_loses_it_at_once(environment: PipelineEnvironment) -> None:
    take_lease(environment.storage, OPS, "scene", holder("dead"))
    taken = take_lease(environment.storage, OPS, "scene", holder("heir"), gone=lambda _: True)
    found = read_holder(environment.storage, OPS, "scene")
    assert taken.holder.owner == "heir"
    assert found is not None
    assert found[0].owner == "heir"


def test_a_holder_whose_process_lives_keeps_it_whatever_becomes_of_its_flow_run(
    environment: PipelineEnvironment,
) -> None:
    take_lease(environment.storage, OPS, "scene", holder("ann"))
    with pytest.raises(LeaseBusy):
        take_lease(environment.storage, OPS, "scene", holder("bob"))


def test_a_holder_on_another_machine_keeps_it_until_its_time_is_over(environment: PipelineEnvironment) -> None:
    elsewhere = holder("ann").model_copy(update={"machine": "another boot/pid:[1]", "pid": 4_000_000})
    take_lease(environment.storage, OPS, "scene", elsewhere)
    with pytest.raises(LeaseBusy):
        take_lease(environment.storage, OPS, "scene", holder("bob"))


def test_a_process_of_this_machine_that_has_ended_loses_it_at_once(environment: PipelineEnvironment) -> None:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    dead = holder("ann").model_copy(update={"pid": child, "started": process.started(child)})
    take_lease(environment.storage, OPS, "scene", dead)
    with pytest.raises(LeaseBusy):
        take_lease(environment.storage, OPS, "scene", holder("bob"))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert take_lease(environment.storage, OPS, "scene", holder("bob")).holder.owner == "bob"


def test_a_process_id_that_is_used_again_is_another_process() -> None:
    mine = holder("ann")
    assert not process_is_gone(mine)
    assert process_is_gone(mine.model_copy(update={"started": "1"}))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"7",
        b'{"owner": "x"',
        b"",
        b'{"owner":"a","run":"r","taken_at":"2026-01-01T00:00:00","expires_at":"2026-01-01T00:00:00"}',
    ],
)
def test_what_is_no_lease_is_named_and_kept(environment: PipelineEnvironment, sandbox: Sandbox, body: bytes) -> None:
    sandbox.store.put(OPS, lease_name("scene"), body)
    with pytest.raises(LeaseDamaged, match="is no lease; look at it"):
        take_lease(environment.storage, OPS, "scene", holder("bob"))
    assert sandbox.store.get(OPS, lease_name("scene")) is not None


def test_a_lease_from_a_clock_that_is_years_ahead_ends_an_hour_after_it_was_written(
    environment: PipelineEnvironment,
) -> None:
    take_lease(environment.storage, OPS, "scene", holder("ann", seconds=1e9).model_copy(update={"machine": "other"}))
    found = read_holder(environment.storage, OPS, "scene")
    assert found is not None
    mad, stored = found
    assert not has_ended(mad, stored)
    assert has_ended(mad, replace(stored, updated=stored.updated - LONGEST - timedelta(minutes=1)))


def test_confirming_asks_the_bucket_and_not_only_the_clock(environment: PipelineEnvironment) -> None:
    held = take_lease(environment.storage, OPS, "scene", holder("ann"))
    held.confirm()
    take_lease(environment.storage, OPS, "scene", holder("bob"), gone=lambda _: True)
    held.check()
    with pytest.raises(LeaseLost):
        held.confirm()
    with pytest.raises(LeaseLost):
        held.check()


def test_a_wall_clock_past_its_end_means_lost_though_the_other_clock_slept(environment: PipelineEnvironment) -> None:
    held = take_lease(environment.storage, OPS, "scene", holder("ann"))
    held.holder = held.holder.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    with pytest.raises(LeaseLost):
        held.check()


def test_an_expired_one_may_be_taken_over(environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "CLOCK_SKEW", timedelta(0))
    take_lease(environment.storage, OPS, "scene", holder("slow", seconds=0.05))
    time.sleep(0.1)
    assert take_lease(environment.storage, OPS, "scene", holder("bob")).holder.owner == "bob"


def test_the_clock_difference_between_hosts_is_allowed_for(environment: PipelineEnvironment) -> None:
    take_lease(environment.storage, OPS, "scene", holder("slow", seconds=0.01))
    time.sleep(0.05)
    with pytest.raises(LeaseBusy):
        take_lease(environment.storage, OPS, "scene", holder("bob"))


def test_it_is_renewed_while_it_is_held(environment: PipelineEnvironment) -> None:
    with take_lease(environment.storage, OPS, "scene", holder("ann", seconds=3)) as held:
        first = held.generation
        deadline = time.monotonic() + 60
        while held.generation == first and time.monotonic() < deadline:
            time.sleep(0.02)
        held.check()
        assert held.generation != first


def test_who_was_taken_over_finds_out_and_stops(environment: PipelineEnvironment) -> None:
    with take_lease(environment.storage, OPS, "scene", holder("ann", seconds=2)) as held:
        take_lease(environment.storage, OPS, "scene", holder("bob"), gone=lambda _: True)
        deadline = time.monotonic() + 60
        with pytest.raises(LeaseLost):
            while time.monotonic() < deadline:
                held.check()
                time.sleep(0.02)
    found = read_holder(environment.storage, OPS, "scene")
    assert found is not None
    assert found[0].owner == "bob", "giving back a lost lease must not take it from the new holder"


def test_a_context_leases_its_ops_bucket_only(context: Context, sandbox: Sandbox) -> None:
    with context.holding("scene", "run"):
        assert sandbox.store.get(OPS, lease_name("scene")) is not None
    assert list(sandbox.store.list("sandbox-scenes", "")) == []
