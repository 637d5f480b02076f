"""The file in the form of the pipeline's own tool: equal where that tool is right, and right where it is wrong.

What the tool does is written down here as a few lines, from its description in docs/operations/runtime-report.md.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tasks.runtime_report.entries import ended
from tasks.runtime_report.slo_summary import slo_summary, template_table
from tasks.runtime_report.starts import starts_of
from tests.runtime_report.world import JOB, NOW, WINDOW, event, frame, ran, spread

MINUTE = timedelta(minutes=1)
FIGURES = (
    "samples", "timeout_samples", "configured_timeout_seconds", "p50_duration_seconds", "p90_duration_seconds",
    "p95_duration_seconds", "p99_duration_seconds", "timeout_usage_p95", "timeout_usage_max",
)  # fmt: skip


def ours(entries: list[dict[str, Any]]) -> dict[str, Any]:
    table = frame(entries)
    return slo_summary(ended(table), starts_of(table, WINDOW), NOW)


def theirs(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The stages as the pipeline's tool figures them from the same entries: every record with a duration is a run."""
    durations: dict[str, list[float]] = defaultdict(list)
    limits: dict[str, list[float]] = defaultdict(list)
    usages: dict[str, list[float]] = defaultdict(list)
    for one in (entry["jsonPayload"] for entry in entries):
        if "duration_seconds" in one:
            durations[one["job"]].append(float(one["duration_seconds"]))
            if one.get("timeout_seconds"):
                limits[one["job"]].append(float(one["timeout_seconds"]))
                usages[one["job"]].append(float(one["duration_seconds"]) / one["timeout_seconds"])
    found = {}
    for job, values in durations.items():
        quantiles = [round(float(np.quantile(values, one)), 4) for one in (0.5, 0.9, 0.95, 0.99)]
        usage = usages[job]
        found[job] = dict(
            zip(
                FIGURES,
                (
                    len(values), len(usage), round(sum(limits[job]) / len(limits[job]), 2) if usage else None, *quantiles,
                    round(float(np.quantile(usage, 0.95)), 4) if usage else None, round(max(usage), 4) if usage else None,
                ),
                strict=True,
            )
        )  # fmt: skip
    return found


def ends(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in entries if one["jsonPayload"].get("event") == "complete"]


@pytest.mark.parametrize("count", [1, 2, 12, 150])
def test_of_ends_alone_with_one_timeout_it_is_what_the_tool_figures(count: int) -> None:
    dice = random.Random(count)
    entries = spread([dice.lognormvariate(5, 1) for _ in range(count)], step=MINUTE)
    entries += spread([dice.uniform(5, 50) for _ in range(count)], step=MINUTE, job="b-job", limit=None)
    found, wanted = ours(entries)["stages"], theirs(ends(entries))
    assert set(found) == set(wanted)
    for job in wanted:
        assert {name: found[job][name] for name in FIGURES} == wanted[job]


def test_a_start_is_no_run_where_the_tool_takes_it_for_one_of_0_seconds() -> None:
    entries = ran(NOW - MINUTE, 300)
    assert (theirs(entries)[JOB]["samples"], theirs(entries)[JOB]["p50_duration_seconds"]) == (2, 150.0)
    found = ours(entries)["stages"][JOB]
    assert (found["samples"], found["p50_duration_seconds"]) == (1, 300.0)


def test_a_start_that_failed_for_good_is_counted_where_the_tool_never_sees_it() -> None:
    entries = [
        *ran(NOW - MINUTE, 300),
        event(NOW - MINUTE, metric="job_retry_exhausted"),
        event(NOW, "x", metric="job_retry_exhausted"),
    ]
    found = ours(entries)["stages"]
    assert found[JOB]["timeout_exhausted_events"] == 1
    assert (found["x"]["samples"], found["x"]["timeout_exhausted_events"], found["x"]["p50_duration_seconds"]) == (
        0,
        1,
        None,
    )


def test_table_and_summary_say_the_same_of_what_was_exhausted() -> None:
    """What took all of its timeout was not exhausted: the pipeline's tool calls so what could not be started."""
    exhausted = [event(NOW, job, metric="job_retry_exhausted") for job in ("b", "c")]
    stages = ours([*ran(NOW - MINUTE, 3600), *ran(NOW - MINUTE, 9, "b"), *exhausted])["stages"]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in template_table(stages).splitlines()[3:-1]]
    assert {row[0]: int(row[-1]) for row in rows} == {JOB: 0, "b": 1, "c": 1}
    assert {job: one["timeout_exhausted_events"] for job, one in stages.items()} == {JOB: 0, "b": 1, "c": 1}


def test_the_table_says_unknown_where_nothing_was_logged() -> None:
    rows = template_table(
        ours([*ran(NOW - MINUTE, 5, "j", limit=None), event(NOW, "k", metric="job_retry_exhausted")])["stages"]
    )
    assert "| j | unknown | 5.0000 |" in rows
    assert "| k | unknown | unknown |" in rows


def test_two_timeouts_have_no_mean() -> None:
    entries = ran(NOW - MINUTE, 300, limit=1800) + ran(NOW - MINUTE, 400, limit=3600)
    assert theirs(ends(entries))[JOB]["configured_timeout_seconds"] == 2700.0
    assert ours(entries)["stages"][JOB]["configured_timeout_seconds"] is None


def test_what_was_only_submitted_is_no_run() -> None:
    found = ours(ran(NOW - MINUTE, 2, "scale-job", status="SUBMITTED"))["stages"]["scale-job"]
    assert (found["samples"], found["p95_duration_seconds"]) == (0, None)


def test_runs_that_took_all_of_their_timeout_are_counted() -> None:
    assert ours(ran(NOW - MINUTE, 3600) + ran(NOW - MINUTE, 10))["stages"][JOB]["timed_out_events"] == 1


def test_its_frame_is_the_tool_s() -> None:
    found = ours(ran(NOW - MINUTE, 300))
    assert (found["schema_version"], found["generated_at"], found["stage_count"]) == ("1.0", "2026-02-08T12:00:00Z", 1)
    assert found["complete"] is True


@pytest.mark.parametrize("entries", [[], [event(NOW - MINUTE, metric="job_retry_exhausted")]])
def test_without_a_run_it_is_not_complete(entries: list[dict[str, Any]]) -> None:
    assert ours(entries)["complete"] is False


def test_a_log_that_could_not_be_read_gives_nothing_and_is_not_complete() -> None:
    found = slo_summary(None, [], NOW)
    assert (found["stages"], found["complete"]) == ({}, False)
