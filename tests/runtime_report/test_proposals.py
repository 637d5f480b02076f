"""Which timeouts should be others: by the figures of the runs, rounded, with the evidence, and never from too few."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.service_levels import ServiceLevels
from tasks.runtime_report.proposals import STEP_SECONDS, evidence, lowered, proposals, raised
from tasks.runtime_report.steps import Step

SERVICE = ServiceLevels()


def step(**wish: Any) -> Step:
    """A step that is well: 200 runs of half of their timeout."""
    figures: dict[str, Any] = {
        "stage": "simready", "workflow": "w", "job": "j", "timeout": 3600.0, "runs": 200, "failed": 0, "timed_out": 0,
        "p50": 1700.0, "p90": 1750.0, "p95": 1800.0, "p99": 1850.0, "longest": 1900.0, "usage_p95": 0.5, "usage_max": 0.53,
        "gpu": False, "minutes": 10.0, "failed_minutes": 0.0,
    }  # fmt: skip
    return Step(**figures | wish)


NEAR: dict[str, Any] = {"p95": 3000.0, "p99": 3200.0, "longest": 3300.0, "usage_p95": 0.83, "usage_max": 0.92}
FAR: dict[str, Any] = {"p95": 300.0, "p99": 320.0, "longest": 330.0, "usage_p95": 0.09, "usage_max": 0.1}


def test_a_step_that_is_well_keeps_its_timeout() -> None:
    assert proposals([step()], SERVICE) == []


def test_one_that_comes_near_gets_so_much_that_its_p99_uses_80_percent() -> None:
    (made,) = proposals([step(**NEAR)], SERVICE)
    assert made.seconds == 4200  # 3200 / 0.8 = 4000, in steps of five minutes
    assert made.sentence() == (
        "Raise the timeout of j in w from 3600 s to 4,200 s: of 200 runs P95 3,000 s, P99 3,200 s, longest 3,300 s, "
        "P95 usage 83 %."
    )


@pytest.mark.parametrize(("usage", "wanted"), [(0.8, False), (0.801, True)])
def test_near_is_what_the_installation_says(usage: float, wanted: bool) -> None:
    assert (raised(step(**NEAR | {"usage_p95": usage}), SERVICE) is not None) is wanted
    assert raised(step(**NEAR), ServiceLevels(usage_warning_percent=90)) is None


def test_one_that_was_ended_by_it_gets_the_double_and_its_p99_is_called_a_lower_bound() -> None:
    (made,) = proposals([step(**NEAR | {"timed_out": 2})], SERVICE)
    assert made.seconds == 7200
    assert "2 runs took all of it, so the P99 is only a lower bound" in made.why


def test_a_single_run_that_timed_out_is_enough_and_how_few_is_said() -> None:
    (made,) = proposals([step(**NEAR | {"timed_out": 1, "runs": 1})], SERVICE)
    assert "(only 1 run)" in made.why


def test_too_few_runs_near_it_propose_nothing() -> None:
    assert proposals([step(**NEAR | {"runs": 19})], SERVICE) == []


def test_one_that_uses_little_gets_less_so_that_a_hang_is_noticed_earlier() -> None:
    (made,) = proposals([step(**FAR)], SERVICE)
    assert made.seconds == 900  # twice the P99 is 640, half as much again as the longest 495
    assert made.sentence().startswith("Lower the timeout of j in w from 3600 s to 900 s: of 200 runs")
    assert "noticed 45 minutes earlier" in made.why


@pytest.mark.parametrize("wish", [{"runs": 99}, {"usage_max": 0.34}, {"longest": 1300.0}, {"timed_out": 1}])
def test_nothing_is_lowered_without_many_runs_far_from_it(wish: dict[str, Any]) -> None:
    found = proposals([step(**FAR | wish)], SERVICE)
    assert [one for one in found if one.seconds < 3600] == []


def test_a_timeout_that_is_unknown_is_not_changed() -> None:
    unknown = step(timeout=None, usage_p95=None, usage_max=None)
    assert (raised(unknown, SERVICE), lowered(unknown)) == (None, None)


@given(
    st.floats(1, 50_000), st.floats(1, 3), st.integers(1, 1000), st.integers(0, 3), st.sampled_from([1800.0, 3600.0, 21600.0])
)  # fmt: skip
def test_a_proposal_leaves_room_for_everything_that_was_seen(
    p99: float, more: float, runs: int, timed_out: int, timeout: float
) -> None:
    longest = p99 * more
    one = step(
        p95=p99, p99=p99, longest=longest, runs=runs, timed_out=timed_out, timeout=timeout, usage_p95=p99 / timeout,
        usage_max=longest / timeout,
    )  # fmt: skip
    for made in proposals([one], SERVICE):
        assert made.seconds % STEP_SECONDS == 0
        assert made.seconds >= p99
        if made.seconds < timeout:
            assert made.seconds >= 1.5 * longest
            assert not timed_out
        assert evidence(one) in made.why
