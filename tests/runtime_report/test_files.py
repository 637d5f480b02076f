"""The files of a report: all of them, once, saying the same, needing nothing from outside; and what cannot be kept is said."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pandas as pd
import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.runtime_report.check import reported, word_of
from tasks.runtime_report.files import ROOT, as_data, files, plain, pretty
from tasks.runtime_report.report import Report
from tasks.runtime_report.window import Question
from tests.runtime_report.test_check import healthy
from tests.runtime_report.world import JOB, NOW, WINDOW, ran, report_of, write

HOUR = timedelta(hours=1)


def test_every_file_is_kept_in_a_folder_of_its_own_and_each_report_has_another(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    healthy(sandbox)
    context = Context(environment, "a test")
    (_, first), (_, second) = reported(context, Question(), NOW), reported(context, Question(), NOW)
    assert first != second
    folders = {one.name.rpartition("/")[0] for one in sandbox.store.list(OPS_BUCKET, ROOT)}
    assert {f"All files: gs://{OPS_BUCKET}/{one}/" for one in folders} == {first, second}
    names = {one.name.rpartition("/")[2] for one in sandbox.store.list(OPS_BUCKET, ROOT)}
    assert sorted(names) == [
        "report.html", "report.json", "report.md", "runs.parquet", "runtime_slo_summary.json", "runtime_table.md", "steps.csv",
    ]  # fmt: skip


def test_nothing_of_the_pipeline_is_changed(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    healthy(sandbox)
    before = {one.name for one in sandbox.store.list(environment.data_bucket, "")}
    mutating = sandbox.requests.mutating()["total"]
    report_of(environment)
    assert {one.name for one in sandbox.store.list(environment.data_bucket, "")} == before
    assert sandbox.requests.mutating()["total"] == mutating + 7  # its own files


def test_the_files_say_the_same(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    healthy(sandbox)
    report = report_of(environment)
    made = {name: body for name, (body, _) in files(report).items()}
    (row,) = csv.DictReader(io.StringIO(made["steps.csv"].decode()))
    (step,) = json.loads(made["report.json"])["steps"]
    runs = pd.read_parquet(io.BytesIO(made["runs.parquet"]))
    mine = runs[runs["in_window"]]["duration_seconds"]
    assert float(row["p95"]) == step["p95"] == pytest.approx(float(mine.quantile(0.95)))
    assert len(mine) == step["runs"] == int(row["runs"])
    assert len(runs) == 60
    assert runs["ended_at"].is_monotonic_increasing
    assert str(runs["ended_at"].dt.tz) == "UTC"
    table = made["runtime_table.md"].decode().splitlines()
    assert (table[0], table[-1]) == ("<!-- RUNTIME_TABLE_START -->", "<!-- RUNTIME_TABLE_END -->")
    assert table[1] == (
        "| Stage | Timeout (s) | P50 Duration (s) | P90 Duration (s) | P95 Duration (s) | P99 Duration (s) "
        "| P95 Timeout Usage | Timeout Exhausted |"
    )
    assert f"| {JOB} | 3600 | {step['p50']:.4f} |" in table[3]


def test_the_page_needs_nothing_from_outside_and_has_its_picture(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    healthy(sandbox)
    page = files(report_of(environment))["report.html"][0].decode()
    assert page.count("<svg") == 1
    assert "prefers-color-scheme:dark" in page
    assert "<script" not in page
    assert [part for part in ("http://", "https://") if part in page.replace("http://www.w3.org/2000/svg", "")] == []


def test_names_of_the_log_are_never_html(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    write(sandbox, ran(NOW - HOUR, 10, "<img src=x onerror=alert(1)>|x", workflow="<b>"))
    page = files(report_of(environment))["report.html"][0].decode()
    assert "<img" not in page
    assert "<b>" not in page


def test_files_that_cannot_be_kept_are_unknown_and_the_report_is_told_all_the_same(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    healthy(sandbox)
    sandbox.faults.add(FaultRule(service="storage", kind="status", status=403))
    report, said = reported(Context(environment, "a test"), Question(), NOW)
    assert said == "The files were not kept."
    assert (len(report.steps), word_of(report)) == (1, "partial")
    assert report.unknown[0].startswith("The files could not be kept: Could not write")


def test_data_is_plain_and_what_is_unknown_is_null(environment: PipelineEnvironment) -> None:
    data = json.loads(pretty(as_data(Report(WINDOW, NOW, environment.service_levels))))
    assert (data["entries"], data["scenes"], data["sla_violations"], data["steps"]) == (None, None, None, [])
    assert (data["since"], data["until"], data["made_at"]) == (
        "2026-02-01T12:00:00Z", "2026-02-08T12:00:00Z", "2026-02-08T12:00:00Z",
    )  # fmt: skip


def test_data_of_a_step_without_a_time_before_has_null_there(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    write(sandbox, ran(NOW - HOUR, 10, limit=None))
    data = json.loads(files(report_of(environment))["report.json"][0])
    (before,), (step,) = data["before"], data["steps"]
    assert (before["runs"], before["p50"], before["p95"], before["differs"]) == (None, None, None, None)
    assert (step["timeout"], step["usage_p95"], step["usage_max"]) == (None, None, None)


def test_a_number_that_is_none_never_gets_into_json() -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        pretty({"p95": float("nan")})


def test_times_are_told_as_everybody_reads_them() -> None:
    assert plain(NOW) == "2026-02-08T12:00:00Z"
    assert plain(5) == "5"


def test_a_report_of_nothing_has_every_file_but_the_runs(environment: PipelineEnvironment) -> None:
    made = files(Report(WINDOW, NOW, environment.service_levels))
    assert "runs.parquet" not in made
    assert "No duration is known." in made["report.html"][0].decode()
    assert made["steps.csv"][0].strip() == b""
