"""The check from end to end: what is asked, what a person must do, what is unknown, and what is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.check import check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.report import run_markdown
from tasks.runtime_report.check import RuntimeReport, word_of
from tasks.runtime_report.files import as_data, files
from tasks.runtime_report.text import text
from tasks.runtime_report.window import Question
from tests.runtime_report.world import JOB, NOW, USD, event, job_ran, ran, report_of, spread, workflow_ran, write

HOUR = timedelta(hours=1)


def healthy(sandbox: Sandbox) -> None:
    """Two weeks in which all went well."""
    write(sandbox, spread([300.0 + number % 30 for number in range(60)], step=5 * HOUR))
    for number in range(30):
        workflow_ran(sandbox, NOW - HOUR * (number + 1))
        job_ran(sandbox, NOW - HOUR * (number + 1))


def test_a_pipeline_that_is_well_needs_nobody(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    healthy(sandbox)
    report = report_of(environment)
    assert (report.reasons(), report.unknown, word_of(report)) == ([], [], "nothing_to_do")
    assert [one.state for one in report.levels] == ["kept", "kept", "unknown"]


def test_nothing_at_all_is_unknown_and_not_0(environment: PipelineEnvironment) -> None:
    report = report_of(environment)
    assert (report.entries, report.steps, report.scenes) == (0, [], 0)
    assert [one.state for one in report.levels] == ["unknown"] * 3
    assert word_of(report) == "nothing_to_do"
    assert "No duration is known." in text(report, "")


def test_a_log_that_cannot_be_read_leaves_everything_of_it_unknown(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    workflow_ran(sandbox, NOW - HOUR)
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=403))
    report = report_of(environment)
    data = as_data(report)
    assert (data["entries"], data["scenes"], data["sla_violations"]) == (None, None, None)
    assert word_of(report) == "partial"
    assert "runs.parquet" not in files(report)
    page = files(report)["report.md"][0].decode()
    assert "| events of workflows (bp_metric) | unknown |" in page
    assert "| executions of workflows | 1 |" in page
    assert "The log of the pipeline: Could not read the log" in page


def test_executions_that_cannot_be_listed_leave_the_percentiles(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    write(sandbox, ran(NOW - HOUR, 300))
    sandbox.faults.add(FaultRule(service="executions", kind="status", status=403))
    report = report_of(environment)
    assert [one.p50 for one in report.steps] == [300.0]
    assert report.levels[0].state == "unknown"
    assert word_of(report) == "partial"


def test_a_person_must_act_on_what_timed_out_came_near_or_never_started(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    write(sandbox, spread([1790.0] * 30, job="replicator-job", limit=1800))
    write(sandbox, ran(NOW - HOUR, 3600, "isaac-lab-job"))
    write(sandbox, [event(NOW - HOUR, "x-job", metric="job_retry_exhausted") for _ in range(3)])
    write(sandbox, [event(NOW - 2 * HOUR, "y-job", event="start", timeout_seconds=600, execution="lost")])
    reasons = "\n".join(report_of(environment).reasons())
    assert "replicator-job in usd-assembly-pipeline (1800 s): it comes too close; P95 uses 99 % of it" in reasons
    assert "isaac-lab-job in usd-assembly-pipeline (3600 s): 1 run took all of its timeout" in reasons
    assert "x-job in usd-assembly-pipeline: 3 starts failed for good" in reasons
    assert "y-job in usd-assembly-pipeline: of 1 start no end was logged within the timeout" in reasons


@pytest.mark.parametrize(("count", "said"), [(2, False), (3, True)])
def test_three_starts_that_failed_are_a_reason_and_two_are_not(
    sandbox: Sandbox, environment: PipelineEnvironment, count: int, said: bool
) -> None:
    write(sandbox, [event(NOW - HOUR, "x-job", metric="job_retry_exhausted") for _ in range(count)])
    report = report_of(environment)
    assert bool(report.reasons()) is said
    assert report.starts[0].not_started == count


def test_usage_above_the_warning_is_watched_and_above_the_critical_a_reason(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    write(sandbox, spread([850.0] * 30, limit=1000))
    report = report_of(environment)
    assert ([one.job for one in report.warned()], report.critical()) == ([JOB], [])
    environment.service_levels.usage_critical_percent = 84
    report = report_of(environment)
    assert (report.warned(), [one.job for one in report.critical()]) == ([], [JOB])


def test_minutes_of_gpu_are_those_of_the_cluster_with_what_failures_took(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    write(sandbox, ran(NOW - HOUR, 600, "genie-sim-gpu-job", limit=14400, workflow="genie-sim-export-pipeline"))
    write(
        sandbox,
        ran(NOW - HOUR, 300, "genie-sim-gpu-job", limit=14400, workflow="genie-sim-export-pipeline", status="FAILED"),
    )
    write(sandbox, ran(NOW - HOUR, 6000))
    page = files(report_of(environment))["report.md"][0].decode()
    assert "| genie-sim-run | genie-sim-gpu-job | 2 | 15 | 5 (33 %) |" in page


def test_the_window_that_is_asked_for_is_the_one_that_is_told(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    write(sandbox, [*ran(NOW - HOUR, 10), *ran(NOW - 30 * HOUR, 20), *ran(NOW - 60 * HOUR, 30)])
    report = report_of(environment, Question(NOW - 36 * HOUR, NOW - 24 * HOUR))
    assert [(one.runs, one.p50) for one in report.steps] == [(1, 20.0)]


@pytest.mark.parametrize(
    ("days", "oldest", "said"),
    [
        (20, 29, "20.0 days long, and the log has only 10.0 of them"),
        (20, 39, ""),  # the log keeps more than 30 days, as it shows
        (15, 29, ""),
        (7, 9, ""),
        (20, 19, "Nothing is known of the time before"),
    ],
)
def test_a_past_that_is_only_partly_in_the_log_is_said(
    sandbox: Sandbox, environment: PipelineEnvironment, days: int, oldest: int, said: str
) -> None:
    write(sandbox, [*ran(NOW - HOUR, 10), *ran(NOW - 24 * HOUR * oldest, 10)])
    notes = "\n".join(report_of(environment, Question(NOW - 24 * HOUR * days, NOW)).notes)
    assert said in notes
    assert bool(said) == bool(notes)


def test_what_is_unknown_never_hides_what_a_person_must_do(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    write(sandbox, spread([1790.0] * 30, job="replicator-job", limit=1800))
    sandbox.faults.add(FaultRule(service="executions", kind="status", status=403))
    report = report_of(environment)
    assert report.unknown
    assert word_of(report) == "failed"


def test_scenes_are_counted_once(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    write(sandbox, [*ran(NOW - HOUR, 10, scene="a"), *ran(NOW - HOUR, 20, scene="a"), *ran(NOW - HOUR, 20, scene="b")])
    write(sandbox, [event(NOW - HOUR, "scene-generation-job", event="start")])
    assert report_of(environment).scenes == 2


# As a check


def test_a_window_that_makes_no_sense_is_refused_and_nothing_is_asked(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.requests.reset()
    one = check(RuntimeReport(), Context(environment, "a test"), Question(NOW, NOW - HOUR))
    assert (one.outcome, one.reasons) == (
        "refused",
        ["since (2026-02-08 12:00 UTC) is not before until (2026-02-08 11:00 UTC): name an earlier since."],
    )
    assert sum(sandbox.requests.snapshot().values()) == 0


def test_the_report_has_the_parts_of_the_pipeline_s_template_in_its_order(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    healthy(sandbox)
    one = check(RuntimeReport(), Context(environment, "a test"), Question(NOW - 72 * HOUR, NOW))
    page = run_markdown(one, sections_of(one))
    wanted = (
        "Objective",
        "Constraints",
        "Scene selection",
        "Inventory",
        "Execution",
        "Summary",
        "Adjustments",
        "Next actions",
    )
    places = [page.index(f"## {name}") for name in wanted]
    assert places == sorted(places)
    assert "](data:image/svg+xml;base64," in page


def test_the_terminal_has_a_table_and_what_to_do(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    write(sandbox, spread([1790.0] * 30, job="replicator-job", limit=1800))
    said = text(report_of(environment), "kept")
    assert said.splitlines()[1].split() == [
        "replicator-job",
        f"({USD})",
        "1800",
        "30",
        "1,790",
        "1,790",
        "1,790",
        "99",
        "%",
        "0",
    ]
    assert "Propose  Raise the timeout of replicator-job" in said
    assert said.splitlines()[-1].startswith("2026-02-01 12:00 to 2026-02-08 12:00 UTC: 30 runs of 1 step")
