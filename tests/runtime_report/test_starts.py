"""Starts and their ends: what never ended, what is overdue, what could not be started, and what Cloud Run says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasks.runtime_report.executions import Executions, Outcome, Ran
from tasks.runtime_report.starts import Started, job_runs, looked_failed, starts_of
from tests.runtime_report.world import JOB, NOW, USD, WINDOW, event, frame, ran

MINUTE = timedelta(minutes=1)


def starts(*entries: list[dict[str, Any]]) -> dict[str, Started]:
    """By job."""
    table = frame([one for some in entries for one in some])
    return {one.job: one for one in starts_of(table[table["now"]], WINDOW)}


def begun(ago: timedelta, job: str = JOB, execution: str = "e", limit: float | None = 3600) -> list[dict[str, Any]]:
    """A start of which no end is logged."""
    more = {} if limit is None else {"timeout_seconds": limit}
    return [event(NOW - ago, job, event="start", status="STARTED", duration_seconds=0, execution=execution, **more)]


def execution(outcome: Outcome, job: str = JOB, ago: timedelta = MINUTE, **more: Any) -> Ran:
    return Ran(job, True, (NOW - ago).timestamp(), 60, outcome, **more)


def test_what_started_and_ended_is_counted() -> None:
    found = starts(ran(NOW - MINUTE, 60), ran(NOW - MINUTE, 60, status="FAILED"))[JOB]
    assert (found.started, found.ended, found.not_ended, found.overdue, found.not_started) == (2, 2, 0, 0, 0)
    assert found.workflow == USD


def test_a_start_without_an_end_is_said_and_overdue_only_after_its_timeout() -> None:
    found = starts(begun(timedelta(minutes=59), execution="a"), begun(timedelta(minutes=61), execution="b"))[JOB]
    assert (found.started, found.not_ended, found.overdue) == (2, 2, 1)


def test_a_start_without_a_timeout_is_never_overdue() -> None:
    found = starts(begun(timedelta(days=6), limit=None))[JOB]
    assert (found.not_ended, found.overdue) == (1, 0)


def test_an_end_of_another_execution_does_not_end_a_start() -> None:
    found = starts(begun(timedelta(hours=2), execution="a"), ran(NOW - MINUTE, 60, execution="b"))[JOB]
    assert (found.started, found.ended, found.not_ended) == (2, 2 - 1, 1)


def test_a_job_that_runs_twice_in_an_execution_needs_two_ends() -> None:
    both = ran(NOW - 2 * MINUTE, 10, execution="a") + ran(NOW - MINUTE, 10, execution="a")
    assert starts(both)[JOB].not_ended == 0
    assert starts(both[:-1])[JOB].not_ended == 1


def test_an_end_whose_start_was_before_the_window_leaves_nothing_open() -> None:
    found = starts(ran(WINDOW.since + MINUTE, 3000))[JOB]
    assert (found.started, found.ended, found.not_ended) == (0, 1, 0)


def test_a_start_that_failed_for_good_is_no_start() -> None:
    found = starts([event(NOW - MINUTE, metric="job_retry_exhausted", retry_max=3) for _ in range(2)])[JOB]
    assert (found.started, found.ended, found.not_started) == (0, 0, 2)


def test_what_was_only_submitted_ended_without_a_duration() -> None:
    found = starts(ran(NOW - MINUTE, 2, "scale-job", status="SUBMITTED"))["scale-job"]
    assert (found.ended, found.unmeasured) == (1, 1)


def test_a_violation_of_the_sla_is_no_start() -> None:
    assert starts([event(NOW - MINUTE, metric="geniesim_sla_violation", sla_seconds=14400)]) == {}


def test_jobs_are_listed_by_workflow_and_name() -> None:
    table = frame(
        [*ran(NOW - MINUTE, 1, "b"), *ran(NOW - MINUTE, 1, "a"), *ran(NOW - MINUTE, 1, "z", workflow="a-flow")]
    )
    assert [(one.workflow, one.job) for one in starts_of(table, WINDOW)] == [("a-flow", "z"), (USD, "a"), (USD, "b")]


# By Cloud Run


def test_executions_of_a_job_are_counted_by_how_they_stand() -> None:
    outcomes: tuple[Outcome, ...] = ("success", "success", "failed", "cancelled", "running")
    ran_ = [execution(outcome, retried=1, limit=1800) for outcome in outcomes]
    (found,) = job_runs(Executions(ran_), WINDOW)
    assert (found.executions, found.failed, found.cancelled, found.running, found.retried) == (5, 1, 1, 1, 5)


def test_the_limit_is_that_of_the_newest_execution() -> None:
    old, new = execution("success", ago=timedelta(days=2), limit=600), execution("success", limit=1800)
    assert job_runs(Executions([new, old]), WINDOW)[0].limit == 1800


def test_executions_before_the_window_do_not_count() -> None:
    assert job_runs(Executions([execution("success", ago=timedelta(days=8))]), WINDOW) == []


@pytest.mark.parametrize(("executions", "said"), [(2, True), (1, False), (0, False)])
def test_starts_that_only_looked_as_if_they_failed_are_told(executions: int, said: bool) -> None:
    """One ended by the log; Cloud Run has more than that one."""
    started = [Started(USD, JOB, 2, 1, 0, 1, 1, 1)]
    found = looked_failed(started, Executions([execution("success")] * executions), WINDOW)
    assert bool(found) is said
    assert all("some of them did run" in one for one in found)


def test_without_a_failed_start_nothing_is_said() -> None:
    assert looked_failed([Started(USD, JOB, 1, 0, 0, 0, 0, 0)], Executions([execution("success")]), WINDOW) == []
