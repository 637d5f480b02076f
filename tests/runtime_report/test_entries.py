"""What is read of the log: only the pipeline's own events of the window and of the time before, as columns, and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.runtime_report.entries import Texts, ended, read_log, submitted
from tests.runtime_report.world import JOB, NOW, USD, WINDOW, event, frame, ran, spread, write

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def logged() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    """One log for all tests here, which only read it."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = for_sandbox(sandbox.endpoints)
        write(sandbox, ran(NOW - MINUTE, 300, scene="a"))
        write(sandbox, ran(WINDOW.since - MINUTE, 200, scene="b"))
        write(sandbox, ran(WINDOW.before - MINUTE, 100, scene="too old"))
        write(sandbox, ran(NOW + timedelta(hours=1), 50, scene="too new"))
        write(sandbox, [event(NOW - MINUTE, metric="maintenance_job", event="complete", duration_seconds=5)])
        write(sandbox, [event(NOW - MINUTE, "x-job", metric="job_retry_exhausted", retry_max=3)])
        write(sandbox, [event(NOW - MINUTE, "t-job", event="complete", status="SUCCEEDED", duration_seconds="12.5")])
        yield sandbox, environment
        environment.close()


def test_the_window_and_the_time_before_are_read_and_told_apart(
    logged: tuple[Sandbox, PipelineEnvironment],
) -> None:
    entries = read_log(logged[1].logs, WINDOW).entries
    scenes = {(scene, now) for scene, now in zip(entries["scene_id"], entries["now"], strict=True) if scene}
    assert scenes == {("a", True), ("b", False)}


def test_only_the_three_events_are_read(logged: tuple[Sandbox, PipelineEnvironment]) -> None:
    entries = read_log(logged[1].logs, WINDOW).entries
    assert set(entries["bp_metric"]) == {"job_invocation", "job_retry_exhausted"}


def test_a_start_is_no_run_although_it_says_0_seconds(logged: tuple[Sandbox, PipelineEnvironment]) -> None:
    runs = ended(read_log(logged[1].logs, WINDOW).entries)
    assert sorted(runs["duration_seconds"]) == [12.5, 200.0, 300.0]


def test_a_duration_that_was_logged_as_text_is_a_number(logged: tuple[Sandbox, PipelineEnvironment]) -> None:
    entries = read_log(logged[1].logs, WINDOW).entries
    assert list(entries[entries["job"] == "t-job"]["duration_seconds"]) == [12.5]


def test_a_number_that_is_not_there_is_unknown_and_not_0(logged: tuple[Sandbox, PipelineEnvironment]) -> None:
    entries = read_log(logged[1].logs, WINDOW).entries
    exhausted = entries[entries["job"] == "x-job"]
    assert exhausted["duration_seconds"].isna().all()
    assert exhausted["timeout_seconds"].isna().all()


def test_too_many_entries_are_cut_at_the_oldest_and_that_is_said(
    logged: tuple[Sandbox, PipelineEnvironment],
) -> None:
    log = read_log(logged[1].logs, WINDOW, most=1)
    assert log.cut
    assert not read_log(logged[1].logs, WINDOW).cut


def test_pages_are_read_to_the_last(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    write(sandbox, spread([float(one) for one in range(600)], step=timedelta(minutes=10)))
    sandbox.requests.reset()
    runs = ended(read_log(environment.logs, WINDOW).entries)
    assert sorted(runs["duration_seconds"]) == [float(one) for one in range(600)]
    assert sandbox.requests.count("logging", "ListLogEntries") == 2


def test_a_page_that_does_not_come_is_asked_again_and_none_is_lost(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    write(sandbox, ran(NOW - MINUTE, 300))
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=503, times=1))
    assert len(ended(read_log(environment.logs, WINDOW).entries)) == 1


def test_a_log_that_may_not_be_read_is_an_error_and_never_no_entries(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=403))
    with pytest.raises(PermanentError, match="Could not read the log"):
        read_log(environment.logs, WINDOW)


def test_what_was_only_submitted_says_nothing_of_how_long_it_took() -> None:
    entries = frame(
        [
            *ran(NOW - MINUTE, 2, "scale-job", status="SUBMITTED"),
            event(NOW - MINUTE, event="complete", status="SUCCEEDED", timeout_seconds=60),
            *ran(NOW - MINUTE, 30),
        ]
    )
    assert list(ended(entries)["duration_seconds"]) == [30.0]
    assert sorted(submitted(entries)["job"]) == ["scale-job", JOB]


def test_a_failure_has_a_duration_as_every_run() -> None:
    assert len(ended(frame(ran(NOW - MINUTE, 30, status="FAILED")))) == 1


def test_an_entry_at_the_beginning_of_the_window_is_in_it() -> None:
    assert list(frame([event(WINDOW.since), event(WINDOW.since - timedelta(microseconds=1))])["now"]) == [True, False]


def test_nothing_logged_is_a_table_without_rows() -> None:
    entries = frame([])
    assert entries.empty
    assert ended(entries).empty


def test_texts_are_kept_once_and_come_back_in_their_order() -> None:
    texts = Texts()
    texts.extend(["b", "a", "b", ""])
    texts.extend(["a"])
    values = texts.values()
    assert list(values) == ["b", "a", "b", "", "a"]
    assert list(values.categories) == ["b", "a", ""]


def test_entries_of_one_execution_are_known_to_belong_together() -> None:
    one, other, second = event(NOW, execution="x"), event(NOW, execution="y"), event(NOW, execution="x")
    executions = list(frame([one, other, second])["execution"])
    assert executions[0] == executions[2] != executions[1]


def test_the_workflow_of_an_entry_is_the_one_it_names() -> None:
    assert set(frame(ran(NOW, 1))["workflow"]) == {USD}
