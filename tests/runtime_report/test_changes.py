"""What is otherwise than before: surely, from when on, and with what; never by chance or for too few runs."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from blocks.catalogue import Catalogue
from blocks.catalogue_load import load_catalogue
from tasks.runtime_report.changes import Change, Compared, change_point, changes_of, compared, deployed
from tasks.runtime_report.entries import ended
from tasks.runtime_report.executions import Ran
from tasks.runtime_report.steps import steps_of
from tests.runtime_report.world import JOB, NOW, USD, WINDOW, frame, spread

HOUR = timedelta(hours=1)
ENOUGH = 20


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def around(mean: float, count: int, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [dice.gauss(mean, mean / 10) for _ in range(count)]


def found(catalogue: Catalogue, entries: list[dict[str, Any]], *executions: Ran) -> tuple[list[Compared], list[Change]]:
    runs = ended(frame(entries))
    now, before = (steps_of(runs[runs["now"] == which], catalogue) for which in (True, False))
    return compared(now, before, runs, ENOUGH), changes_of(runs, executions, now, ENOUGH)


def two_weeks(before: list[float], now: list[float], **more: Any) -> list[dict[str, Any]]:
    """Runs of the week before and of this week, an hour apart."""
    return spread(before, until=WINDOW.since, step=HOUR, **more) + spread(now, step=HOUR, **more)


def image(name: str, at: datetime, job: str = JOB) -> Ran:
    return Ran(job, True, at.timestamp(), 60, "success", version=name)


# Against the time before


def test_a_median_that_is_surely_another_one_differs(catalogue: Catalogue) -> None:
    ((one,), _) = found(catalogue, two_weeks(around(300, 60), around(500, 60)))
    assert one.changed
    assert (one.runs_before, one.p50_before) == (60, pytest.approx(300, rel=0.1))


def test_the_same_week_again_does_not_differ(catalogue: Catalogue) -> None:
    ((one,), changes) = found(catalogue, two_weeks(around(300, 60), around(300, 60, seed=2)))
    assert not one.changed
    assert changes == []


def test_a_difference_too_small_to_matter_is_none(catalogue: Catalogue) -> None:
    ((one,), changes) = found(catalogue, two_weeks(around(300, 100), around(345, 100)))
    assert not one.changed
    assert changes == []


def test_too_few_runs_never_differ(catalogue: Catalogue) -> None:
    ((one,), _) = found(catalogue, two_weeks(around(300, 19), around(900, 60)))
    assert not one.changed


def test_runs_that_scatter_widely_do_not_differ_by_their_medians_alone(catalogue: Catalogue) -> None:
    dice = random.Random(3)
    wild = [dice.lognormvariate(6, 2) for _ in range(44)]
    ((one,), _) = found(catalogue, two_weeks(wild[:22], wild[22:]))
    assert not one.changed


def test_a_step_that_is_new_has_no_time_before(catalogue: Catalogue) -> None:
    ((one,), _) = found(catalogue, spread(around(300, 30), step=HOUR))
    assert (one.runs_before, one.p50_before, one.p95_before, one.changed) == (0, None, None, False)


# When


def test_a_change_is_found_where_it_was(catalogue: Catalogue) -> None:
    _, (change,) = found(catalogue, two_weeks(around(300, 100), around(300, 60) + around(500, 40)))
    assert abs(change.at - (NOW - 40 * HOUR)) <= 2 * HOUR
    assert (change.before, change.after) == (pytest.approx(300, rel=0.05), pytest.approx(500, rel=0.05))
    assert sum(change.runs) == 200


def test_steps_that_become_faster_change_too(catalogue: Catalogue) -> None:
    _, (change,) = found(catalogue, two_weeks(around(500, 100), around(200, 100)))
    assert change.after < change.before


def test_chance_makes_no_changes() -> None:
    """Two hundred steps of which none changed."""
    named = [change_point(pd.Series(around(300, 60, seed=seed)), 10) for seed in range(200)]
    assert [place for place in named if place is not None] == []


@pytest.mark.parametrize("count", [0, 1, 19])
def test_too_few_runs_have_no_change(count: int) -> None:
    assert change_point(pd.Series([1.0] * (count // 2) + [100.0] * (count - count // 2), dtype=float), 10) is None


def test_equal_durations_are_no_change() -> None:
    assert change_point(pd.Series([300.0] * 100), 10) is None


def test_a_change_leaves_enough_runs_on_both_sides() -> None:
    assert change_point(pd.Series([100.0] * 95 + [900.0] * 5), 10) is None
    assert change_point(pd.Series([100.0] * 60 + [900.0] * 40), 10) == 60
    assert change_point(pd.Series([100.0] * 15 + [900.0] * 15), 10) == 15


def test_the_newest_change_comes_first(catalogue: Catalogue) -> None:
    early = two_weeks(around(300, 100), around(600, 100))
    late = two_weeks(around(100, 100), around(100, 60) + around(300, 40), job="isaac-lab-job", limit=1800)
    _, changes = found(catalogue, early + late)
    assert ["isaac-lab-job" in changes[0].step, JOB in changes[1].step] == [True, True]


# With what


def test_an_image_that_first_ran_then_is_named(catalogue: Catalogue) -> None:
    at = NOW - 40 * HOUR
    runs = two_weeks(around(300, 100), around(300, 60) + around(500, 40))
    _, (change,) = found(catalogue, runs, image("old", WINDOW.before), image("new", at), image("newest", NOW - HOUR))
    (said,) = change.with_it
    assert said == f"{JOB} first ran new at {at:%Y-%m-%d %H:%M} UTC"
    assert said in change.sentence()


def test_another_job_s_image_is_not_named(catalogue: Catalogue) -> None:
    runs = two_weeks(around(300, 100), around(300, 60) + around(500, 40))
    others = (image("old", WINDOW.before, "a-job"), image("new", NOW - 40 * HOUR, "a-job"))
    _, (change,) = found(catalogue, runs, *others)
    assert change.with_it == ()
    assert "nothing that was deployed then is known" in change.sentence()


def test_a_revision_of_the_workflow_is_named(catalogue: Catalogue) -> None:
    at = NOW - 41 * HOUR
    runs = two_weeks(around(300, 100), around(300, 60) + around(500, 40))
    old = Ran(USD, False, WINDOW.before.timestamp(), 60, "success", version="000001-a")
    new = Ran(USD, False, at.timestamp(), 60, "success", version="000002-b")
    _, (change,) = found(catalogue, runs, old, new)
    assert "first ran 000002-b" in change.with_it[0]


def test_the_first_image_that_is_known_is_no_change() -> None:
    assert deployed([image("a", NOW - HOUR), image("a", NOW), image("", NOW)]) == []


def test_an_image_counts_from_its_first_run_on_whatever_the_order() -> None:
    ran = [image("b", NOW), image("b", NOW - HOUR), image("a", NOW - 2 * HOUR)]
    ((name, at, said),) = deployed(ran)
    assert (name, datetime.fromtimestamp(at, UTC)) == (JOB, NOW - HOUR)
    assert said == f"{JOB} first ran b at 2026-02-08 11:00 UTC"
