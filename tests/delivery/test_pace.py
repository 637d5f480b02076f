"""What waited is let go at the policy's rate and never faster."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tasks.delivery.pace import Pace


@dataclass
class Clock:
    """Time that passes only when it is slept, or spent."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def paced(rate: float, clock: Clock) -> Pace:
    return Pace(lambda: rate, clock=lambda: clock.now, sleep=clock.sleep)


def test_a_thousand_events_at_two_a_second_take_five_hundred_seconds() -> None:
    clock = Clock()
    pace = paced(120.0, clock)
    for _ in range(1001):
        pace.wait()
    assert abs(clock.now - 600.0) < 1e-6


@given(st.floats(1, 10_000), st.lists(st.floats(0, 20), min_size=1, max_size=40))
def test_two_are_never_closer_than_the_rate_however_long_each_takes(rate: float, work: list[float]) -> None:
    clock, times = Clock(), list[float]()
    pace = paced(rate, clock)
    for seconds in work:
        pace.wait()
        times.append(clock.now)
        clock.now += seconds
    assert all(later - earlier >= 60 / rate - 1e-6 for earlier, later in itertools.pairwise(times))


def test_what_takes_longer_than_the_rate_allows_waits_for_nothing() -> None:
    clock = Clock()
    pace = paced(60.0, clock)
    for _ in range(3):
        pace.wait()
        clock.now += 1.5
    assert clock.slept == []


def test_a_rate_that_is_turned_down_counts_from_the_next_one() -> None:
    clock, rate = Clock(), [60.0]
    pace = Pace(lambda: rate[0], clock=lambda: clock.now, sleep=clock.sleep)
    pace.wait()
    rate[0] = 6.0
    pace.wait()
    pace.wait()
    assert clock.now == 100.0 + 1.0 + 10.0
