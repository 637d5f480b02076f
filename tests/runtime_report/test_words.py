"""The words of the report: every part says what is known, and `unknown` for what is not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from blocks.service_levels import ServiceLevels
from tasks.runtime_report.changes import Compared
from tasks.runtime_report.executions import Executions, Ran
from tasks.runtime_report.levels import Level
from tasks.runtime_report.report import Report
from tasks.runtime_report.starts import JobRuns, Started
from tasks.runtime_report.words import (
    against,
    cloud_run,
    execution,
    few,
    gpu_words,
    inventory,
    next_actions,
    number,
    objective,
    percent,
    promised,
    scenes,
    seconds,
    sentence,
    summary,
)
from tests.runtime_report.test_proposals import step
from tests.runtime_report.world import JOB, NOW, USD, WINDOW


def report(**known: Any) -> Report:
    """A report of which only this is known."""
    return Report(WINDOW, NOW, ServiceLevels(), **known)


@pytest.mark.parametrize(("value", "said"), [(None, "unknown"), (0, "0"), (1234, "1,234")])
def test_a_number_that_is_unknown_is_not_0(value: int | None, said: str) -> None:
    assert number(value) == said


def test_seconds_and_parts_that_are_unknown_are_not_0() -> None:
    assert (seconds(None), seconds(0.0), seconds(1234.56)) == ("unknown", "0.0", "1,234.6")
    assert (percent(None), percent(0.0), percent(0.834)) == ("unknown", "0 %", "83 %")


def test_it_says_of_which_time_it_tells_and_with_what_it_compares() -> None:
    said = objective(report())
    assert "from 2026-02-01 12:00 to 2026-02-08 12:00 UTC" in said
    assert "the same time before (from 2026-01-25 12:00 UTC)" in said


def test_what_scenes_have_is_said_to_be_unknown() -> None:
    assert scenes(report()) == "Unknown: the log could not be read."
    assert "Every scene that the log names: 3." in scenes(report(scenes=3))
    assert "is unknown" in scenes(report(scenes=3))


def test_what_was_not_read_is_unknown_in_the_inventory_and_what_is_not_there_is_0() -> None:
    refused = Executions(unknown=["Executions of a: refused."])
    assert {row["number"] for row in inventory(report(executions=refused))} == {"unknown"}
    asked = Executions([Ran("a", False, NOW.timestamp() - 60, 1, "success")], cluster={"usd": Counter(active=2)})
    told = {row["what"]: row["number"] for row in inventory(report(entries=0, sla_violations=0, executions=asked))}
    assert told == {
        "events of workflows (bp_metric)": "0", "runs of jobs with a duration": "0", "Genie Sim SLA violations": "0",
        "executions of workflows": "1", "executions of Cloud Run jobs": "0", "GPU Jobs in the cluster now": "2",
    }  # fmt: skip


def test_starts_of_a_workflow_without_a_name_are_unknown_ones() -> None:
    (row,) = execution(report(starts=[Started("", "", 5, 3, 1, 2, 1, 4)]))
    assert list(row.values()) == ["unknown", "unknown", "5", "3", "1", "2", "1", "4"]


@pytest.mark.parametrize(("runs", "said"), [(19, "few for P95"), (20, "few for P99"), (99, "few for P99"), (100, "")])
def test_how_few_runs_there_are_is_said(runs: int, said: str) -> None:
    assert said in few(step(runs=runs))
    assert bool(few(step(runs=runs))) is bool(said)


def test_the_table_says_unknown_where_no_timeout_was_logged() -> None:
    (row,) = summary([step(timeout=None, usage_p95=None)])
    assert (row["timeout (s)"], row["P95 usage"], row["P95"]) == ("unknown", "unknown", "1,800.0")


def test_a_promise_of_which_nothing_is_known_says_so() -> None:
    (row,) = promised(report(levels=[Level("x", 99, None, None, None, "why")]))
    assert [row[name] for name in ("kept", "of", "burn rate", "worst 24 h of the budget", "state")] == ["unknown"] * 5
    assert row["of what"] == "why"


def test_a_step_that_is_new_has_no_time_before() -> None:
    (row,) = against(report(compared=[Compared(step(), 0, None, None, False)]))
    assert [row[name] for name in ("P50 before", "P95 before", "runs before", "differs")] == ["unknown"] * 4
    (row,) = against(report(compared=[Compared(step(), 30, 10.0, 20.0, True)]))
    assert [row[name] for name in ("P50 before", "P95 before", "runs before", "differs")] == [
        "10.0",
        "20.0",
        "30",
        "yes",
    ]


def test_a_limit_that_cloud_run_does_not_say_is_unknown() -> None:
    rows = list(cloud_run(report(job_runs=[JobRuns("a", 1, 0, 0, 0, 0, 0), JobRuns("b", 1, 0, 0, 0, 2, 1800)])))
    assert [row["Cloud Run's own limit (s)"] for row in rows] == ["unknown", "1,800"]
    assert rows[1]["tasks begun again"] == "2"


def test_minutes_of_gpu_are_unknown_without_the_log_and_none_without_a_run() -> None:
    assert gpu_words(report()).startswith("Unknown")
    assert gpu_words(report(entries=5, steps=[step()])).startswith("Nothing that runs on a GPU")
    assert "upper bound" in gpu_words(report(entries=5, steps=[step(gpu=True)]))


def test_nothing_to_do_is_said() -> None:
    assert next_actions(report()) == ["Nothing."]


def test_a_step_that_comes_near_is_watched() -> None:
    (said,) = next_actions(report(steps=[step(job=JOB, workflow=USD, usage_p95=0.85)]))
    assert said == f"Watch {JOB} in {USD} (3600 s): P95 uses 85 % of its timeout."


def test_the_sentence_says_what_is_unknown() -> None:
    assert "unknown runs of 0 steps, no promise can be judged, 0 timeouts to change, 1 thing unknown" in sentence(
        report(unknown=["The log."])
    )
