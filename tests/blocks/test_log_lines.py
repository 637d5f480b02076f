"""The log: the newest lines that fit, bounded, with their labels; what may not be read is an error, never no lines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks.calls import CallLimits
from blocks.errors import PermanentError, TemporaryError
from blocks.logs import LogColumns, PipelineLogs
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import PROJECT
from deployments.sandbox.server import Sandbox

LIMITS = CallLimits(attempts=2, total_seconds=5.0, call_seconds=5.0, first_wait_seconds=0.01)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One of its own for each test, unlike most tests of blocks."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        yield running


@pytest.fixture
def logs(sandbox: Sandbox) -> Iterator[PipelineLogs]:
    block = PipelineLogs(project=PROJECT, endpoint=sandbox.endpoints.logging, limits=LIMITS)
    yield block
    block.close()


def hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def test_the_newest_lines_come_first_and_no_more_than_asked_for(sandbox: Sandbox, logs: PipelineLogs) -> None:
    for number in range(5):
        sandbox.log.of_container("simready-job", f"x-{number}", f"line {number}")
    found = logs.newest("severity>=ERROR", since=hour_ago(), most=3)
    assert [one.text for one in found] == ["line 4", "line 3", "line 2"]
    assert sandbox.requests.count("logging", "ListLogEntries") == 1


def test_a_line_says_what_wrote_it(sandbox: Sandbox, logs: PipelineLogs) -> None:
    sandbox.log.of_container("simready-job", "x-1", "boom")
    (one,) = logs.newest("", since=hour_ago())
    assert (one.severity, one.resource, one.text, one.data) == ("ERROR", "cloud_run_job", "boom", {})
    assert one.labels["job_name"] == "simready-job"
    assert one.labels["run.googleapis.com/execution_name"] == "x-1"
    assert one.insert_id
    assert one.at.tzinfo is not None


def test_a_line_of_json_has_its_values(sandbox: Sandbox, logs: PipelineLogs) -> None:
    sandbox.log.of_invocation("a-workflow", "e-1", {"bp_metric": "x", "timed_out": True, "seconds": 1.5})
    (one,) = logs.newest('jsonPayload.bp_metric="x"', since=hour_ago())
    assert one.text == ""
    assert (one.data["timed_out"], one.data["seconds"], one.data["workflow"]) == (True, 1.5, "a-workflow")


def test_what_is_older_or_does_not_fit_is_left_out(sandbox: Sandbox, logs: PipelineLogs) -> None:
    sandbox.log.of_container("a-job", "x", "fine", failed=False)
    old = {"logName": f"projects/{PROJECT}/logs/x", "severity": "ERROR", "textPayload": "old"}
    sandbox.log.write(old | {"timestamp": (hour_ago() - timedelta(minutes=1)).isoformat()})
    assert logs.newest("severity>=ERROR", since=hour_ago()) == []


def test_several_pages_are_read_until_there_are_enough(sandbox: Sandbox, logs: PipelineLogs) -> None:
    for number in range(1500):
        sandbox.log.of_container("a-job", "x", str(number))
    found = logs.newest("", since=hour_ago(), most=1200)
    assert len(found) == 1200
    assert sandbox.requests.count("logging", "ListLogEntries") == 2


@pytest.mark.parametrize(("status", "error"), [(403, PermanentError), (503, TemporaryError)])
def test_what_cannot_be_read_is_an_error(
    sandbox: Sandbox, logs: PipelineLogs, status: int, error: type[Exception]
) -> None:
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=status))
    with pytest.raises(error, match="Could not read the log"):
        logs.newest("", since=hour_ago())


# Columns, for who counts very many


def columns(logs: PipelineLogs, query: str = "", **more: object) -> list[LogColumns]:
    until = datetime.now(UTC) + timedelta(minutes=1)
    asked = {"since": hour_ago(), "until": until, "words": ("job", "status"), "numbers": ("seconds", "limit")}
    return list(logs.columns(query, **asked | more))  # type: ignore[arg-type]


def test_columns_hold_these_fields_and_know_what_is_missing(sandbox: Sandbox, logs: PipelineLogs) -> None:
    sandbox.log.of_invocation("w", "e-1", {"bp_metric": "x", "job": "a", "seconds": 0, "limit": "12.5"})
    sandbox.log.of_container("a-job", "x", "no JSON at all")
    (page,) = columns(logs)
    assert (page.executions, page.words) == (["", "e-1"], {"job": ["", "a"], "status": ["", ""]})
    assert math.isnan(page.numbers["seconds"][0])
    assert page.numbers["seconds"][1] == 0.0
    assert page.numbers["limit"][1] == 12.5
    assert page.at == sorted(page.at, reverse=True)
    assert abs(page.at[0] - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize("value", ["many", "", True, None, {"a": 1}, [1]])
def test_what_is_no_number_is_unknown_and_never_0(sandbox: Sandbox, logs: PipelineLogs, value: object) -> None:
    sandbox.log.of_invocation("w", "e", {"seconds": value})
    (page,) = columns(logs)
    assert math.isnan(page.numbers["seconds"][0])


@pytest.mark.parametrize("value", [5, True, None, {"a": 1}, [1]])
def test_what_is_no_text_is_empty(sandbox: Sandbox, logs: PipelineLogs, value: object) -> None:
    sandbox.log.of_invocation("w", "e", {"job": value})
    (page,) = columns(logs)
    assert page.words["job"] == [""]


def test_columns_are_of_since_and_before_until(sandbox: Sandbox, logs: PipelineLogs) -> None:
    begin = datetime(2026, 2, 1, tzinfo=UTC)
    for minutes in (-1, 0, 59, 60):
        at = (begin + timedelta(minutes=minutes)).isoformat()
        sandbox.log.write(
            {"logName": f"projects/{PROJECT}/logs/x", "timestamp": at, "jsonPayload": {"seconds": minutes}}
        )
    (page,) = columns(logs, since=begin, until=begin + timedelta(hours=1))
    assert page.numbers["seconds"] == [59.0, 0.0]


def test_columns_come_page_by_page_and_nothing_that_fits_is_no_page(sandbox: Sandbox, logs: PipelineLogs) -> None:
    for number in range(1500):
        sandbox.log.of_invocation("w", "e", {"seconds": number})
    sandbox.requests.reset()
    pages = columns(logs)
    assert [len(one.at) for one in pages] == [1000, 500]
    assert sorted(one for page in pages for one in page.numbers["seconds"]) == [float(one) for one in range(1500)]
    assert sandbox.requests.count("logging", "ListLogEntries") == 2
    assert columns(logs, 'jsonPayload.bp_metric="never"') == []


def test_a_page_that_is_refused_for_a_quota_is_asked_for_again(sandbox: Sandbox, logs: PipelineLogs) -> None:
    sandbox.log.of_invocation("w", "e", {"seconds": 1})
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=429, times=1))
    (page,) = columns(logs)
    assert page.numbers["seconds"] == [1.0]
