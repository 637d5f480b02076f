"""docs/operations/runtime-report.md: its numbers, words and files are the program's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from blocks.catalogue_load import load_catalogue
from blocks.service_levels import ServiceLevels
from tasks.remediation.outcome import EXIT
from tasks.runtime_report import changes, entries, executions, levels, proposals, window
from tasks.runtime_report.files import ROOT, files
from tasks.runtime_report.report import Report
from tasks.runtime_report.slo_summary import slo_summary
from tasks.runtime_report.steps import gpu_jobs
from tests.runtime_report.world import NOW, WINDOW, frame, ran

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "runtime-report.md").read_text()
WORDS = " ".join(PAGE.split())
SERVICE = ServiceLevels()


@pytest.mark.parametrize(
    "said",
    [
        f"A window has {window.MOST.days} days at most",
        f"the newest {entries.MOST_ENTRIES:,} of window and time before",
        f"the newest {executions.MOST_EACH:,} of each workflow",
        f"more than {SERVICE.burn_percent:g} % of the error budget of {levels.BUDGET_DAYS:g} days",
        f"with at least {SERVICE.enough_runs} runs uses more than {SERVICE.usage_critical_percent:g} % of it",
        f"Usage above {SERVICE.usage_warning_percent:g} %",
        f"chance below {100 * changes.CHANCE:g} %",
        f"at least {SERVICE.enough_runs // 2} runs on each side",
        f"within {changes.CLOSE_SECONDS / 3600:g} hours of it",
        f"longest of {proposals.MANY} runs",
        f"so far that the P99 uses {100 * proposals.WANTED_USAGE:g} %",
        f"{SERVICE.success_percent:g} % of workflows end well",
        f"{levels.STAGE_PERCENT:g} of 100 stages end within {SERVICE.stage_seconds:g} s",
        f"{SERVICE.quality_percent:g} % of quality gates pass",
        f"runs of `{SERVICE.quality_job}`",
        f"`{ROOT}<id>/`",
        f"Fewer than {SERVICE.enough_runs} are not judged",
    ],
)
def test_its_numbers_are_those_of_the_program(said: str) -> None:
    assert said in WORDS


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "refused", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE


def test_every_file_is_on_the_page_and_no_other() -> None:
    report = Report(WINDOW, NOW, SERVICE, runs=frame(ran(NOW, 1)))
    section = PAGE.partition("## The files")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", section, re.MULTILINE)) == set(files(report))


def test_every_setting_and_event_it_names_exists() -> None:
    for name in re.findall(r"`([a-z]+_(?:percent|seconds|job))`", PAGE):
        assert name in ServiceLevels.model_fields, name
    for name in ("job_invocation", "job_retry_exhausted", "geniesim_sla_violation"):
        assert f"`{name}`" in PAGE
        assert f'"{name}"' in entries.QUERY
    assert "timed_out_events" in slo_summary(frame(ran(NOW, 1)), [], NOW)["stages"]["simready-job"]


def test_the_jobs_of_the_gpu_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in gpu_jobs(load_catalogue()))


def test_it_runs_when_the_page_says() -> None:
    deployments = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    (mine,) = [one for one in deployments if one["name"] == "runtime-report"]
    ((schedule,)) = mine["schedules"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 5 * * 1", "UTC")
    assert "every Monday at 05:00 UTC" in WORDS
