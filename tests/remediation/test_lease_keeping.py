"""A lease lasts from when it was asked for, is renewed in time, and whoever has lost it finds out before anything else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation import process
from tasks.remediation.lease import (
    CLOCK_SKEW,
    Holder,
    Lease,
    LeaseBusy,
    LeaseLost,
    has_ended,
    lease_name,
    read_holder,
    take_lease,
)
from tests.remediation.test_lease import holder

OPS = "sandbox-ops"


def take(environment: PipelineEnvironment, owner: str = "ann", seconds: float = 60, **more: Any) -> Lease:
    return take_lease(environment.storage, OPS, "scene", holder(owner, seconds), **more)


def take_over(environment: PipelineEnvironment, owner: str = "bob") -> Lease:
    return take(environment, owner, gone=lambda _: True)


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def slow(sandbox: Sandbox, seconds: float = 0.2) -> None:
    """The next write is answered late."""
    rule = FaultRule(service="storage", method="objects.insert", kind="latency", seconds=seconds, times=1)
    sandbox.faults.add(rule)


def test_it_lasts_from_when_it_was_asked_for(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    slow(sandbox)
    held = take(environment)
    assert process.seconds() - held.renewed >= 0.2
    slow(sandbox)
    taken = take_over(environment)
    assert process.seconds() - taken.renewed >= 0.2


def test_a_renewed_one_lasts_from_when_that_was_asked_for(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    held = take(environment)
    held.renewed -= 0.6 * held.seconds
    slow(sandbox)
    held.confirm()
    assert 0.2 <= process.seconds() - held.renewed < 0.5 * held.seconds


@pytest.mark.parametrize(("share", "renewed"), [(0.0, False), (0.4, False), (0.6, True), (0.9, True)])
def test_confirming_renews_it_only_when_half_its_time_is_over(
    environment: PipelineEnvironment, share: float, renewed: bool
) -> None:
    held = take(environment)
    generation, expires = held.generation, held.holder.expires_at
    held.renewed -= share * held.seconds
    held.confirm()
    assert (held.generation != generation, held.holder.expires_at > expires) == (renewed, renewed)
    found = read_holder(environment.storage, OPS, "scene")
    assert found is not None
    assert (found[0], found[1].generation) == (held.holder, held.generation)


@pytest.mark.parametrize("share", [0.0, 0.6])
@pytest.mark.parametrize("how", ["taken over", "given back"])
def test_confirming_finds_out_that_it_is_lost_whether_it_reads_or_renews(
    environment: PipelineEnvironment, sandbox: Sandbox, share: float, how: str
) -> None:
    held = take(environment)
    held.renewed -= share * held.seconds
    if how == "taken over":
        take_over(environment)
    else:
        sandbox.store.delete(OPS, lease_name("scene"))
    for asked in (held.confirm, held.check, held.confirm):
        with pytest.raises(LeaseLost, match="The lease on scene ran out"):
            asked()


def test_the_time_of_either_clock_ends_it(environment: PipelineEnvironment) -> None:
    held = take(environment)
    held.renewed -= held.seconds + 1
    with pytest.raises(LeaseLost):
        held.check()
    held.renewed = process.seconds()
    held.check()
    held.holder = held.holder.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    with pytest.raises(LeaseLost):
        held.check()


class Asked(threading.Event):
    """Remembers how long it was waited for, and ends the waiting at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Told."""
        self.seconds.append(timeout)
        return True


def test_it_is_renewed_after_a_third_of_its_time(environment: PipelineEnvironment) -> None:
    held = take(environment, seconds=60)
    held._stop = asked = Asked()
    held._keep()
    assert asked.seconds == [20.0]


def test_a_renewal_that_fails_once_is_made_the_next_time(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.storage.limits = CallLimits(attempts=1)
    with take(environment, seconds=0.6) as held:
        first = held.generation
        sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="status", times=1))
        until(lambda: sandbox.faults.rules == [])
        until(lambda: held.generation != first)


def test_who_was_taken_over_knows_it_from_the_next_renewal(environment: PipelineEnvironment) -> None:
    with take(environment, seconds=0.6) as held:
        taken = take_over(environment)
        until(lambda: held.renewed == float("-inf"))
        held.holder = held.holder.model_copy(update={"expires_at": datetime.now(UTC) + timedelta(hours=1)})
        with pytest.raises(LeaseLost):
            held.check()
    found = read_holder(environment.storage, OPS, "scene")
    assert found is not None
    assert found[1].generation == taken.generation


def test_once_it_is_given_back_nobody_renews_it(environment: PipelineEnvironment) -> None:
    with take(environment, seconds=0.3) as held:
        pass
    until(lambda: not any(one.name == "lease-scene" for one in threading.enumerate()))
    assert held._stop.is_set()
    assert read_holder(environment.storage, OPS, "scene") is None


def test_what_cannot_be_given_back_ends_by_itself(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    rule = FaultRule(service="storage", method="objects.delete", kind="status", status=403)
    with take(environment):
        sandbox.faults.add(rule)
    assert read_holder(environment.storage, OPS, "scene") is not None


def test_of_two_that_take_it_over_at_once_one_is_told_of_the_other(environment: PipelineEnvironment) -> None:
    take(environment, "dead")

    def meanwhile(_: Holder) -> bool:
        take_over(environment, "the quicker one")
        return True

    with pytest.raises(LeaseBusy, match="took over scene just now"):
        take(environment, "bob", gone=meanwhile)
    found = read_holder(environment.storage, OPS, "scene")
    assert found is not None
    assert found[0].owner == "the quicker one"


def between(sandbox: Sandbox, method: str, act: Callable[[], object]) -> None:
    """Do something in the store, once, just before the next request of that method is answered."""
    draw, done = sandbox.faults.draw, []

    def watch(service: str, asked: str, kinds: Any = None) -> Any:
        if asked == method and not done:
            done.append(asked)
            act()
        return draw(service, asked, kinds)

    sandbox.faults.draw = watch  # type: ignore[method-assign]


def test_one_that_is_given_back_while_it_is_looked_at_is_asked_for_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    take(environment, "dead")
    between(sandbox, "objects.get", lambda: sandbox.store.delete(OPS, lease_name("scene")))
    with pytest.raises(LeaseBusy, match="given back just now; run this again"):
        take(environment, "bob")


def test_one_that_is_renewed_while_it_is_looked_at_is_looked_at_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    held = take(environment)

    def renew() -> None:
        """Its holder is quicker."""
        stored = sandbox.store.put(OPS, lease_name("scene"), held.holder.model_dump_json().encode(), quiet=True)
        held.generation = stored.generation

    between(sandbox, "objects.media", renew)
    found = read_holder(environment.storage, OPS, "scene")
    assert found is not None
    assert (found[0], found[1].generation) == (held.holder, held.generation)


@pytest.mark.parametrize(
    ("since_end", "gone", "ended"),
    [
        (timedelta(seconds=-1), False, False),
        (timedelta(seconds=-1), True, True),
        (CLOCK_SKEW - timedelta(seconds=1), False, False),
        (CLOCK_SKEW + timedelta(seconds=1), False, True),
        (CLOCK_SKEW + timedelta(seconds=1), True, True),
    ],
)
def test_it_binds_nobody_once_its_time_is_over_on_every_clock_or_its_process_is_gone(
    environment: PipelineEnvironment, since_end: timedelta, gone: bool, ended: bool
) -> None:
    take(environment)
    found = read_holder(environment.storage, OPS, "scene")
    assert found is not None
    one = found[0].model_copy(update={"expires_at": datetime.now(UTC) - since_end})
    assert has_ended(one, found[1], lambda _: gone) == ended


def test_a_holder_is_described_by_who_which_run_since_when_and_until_when() -> None:
    taken = datetime(2026, 1, 18, 3, 15, 2, tzinfo=UTC)
    one = Holder(owner="ann", run="r1", taken_at=taken, expires_at=taken + timedelta(minutes=1))
    assert one.describe() == "ann (run r1, since 03:15:02 UTC, until 03:16:02 UTC)"
