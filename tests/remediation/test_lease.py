"""The lease: one holder, who is named, and who loses it when dead or too slow."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation import lease as leases
from tasks.remediation.context import Context
from tasks.remediation.lease import Holder, LeaseBusy, LeaseLost, lease_name, read_holder, take_lease

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
    taken = take_lease(environment.storage, OPS, "scene", holder("heir"), is_alive=lambda _: False)
    found = read_holder(environment.storage, OPS, "scene")
    assert taken.holder.owner == "heir"
    assert found is not None
    assert found[0].owner == "heir"


@pytest.mark.parametrize("alive", [True, None])
def test_a_holder_that_lives_or_may_live_keeps_it(environment: PipelineEnvironment, alive: bool | None) -> None:
    take_lease(environment.storage, OPS, "scene", holder("ann"))
    with pytest.raises(LeaseBusy):
        take_lease(environment.storage, OPS, "scene", holder("bob"), is_alive=lambda _: alive)


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
        take_lease(environment.storage, OPS, "scene", holder("bob"), is_alive=lambda _: False)
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
