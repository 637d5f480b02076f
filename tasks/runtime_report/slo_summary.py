"""The figures in the form of the pipeline's own tool (`tools/quality_gates/runtime_slo_summary.py` there, schema 1.0), by job.

Percentiles are the same: linear interpolation over all runs of a job. Where that tool is wrong this is not: it takes each start
for a run of 0 s, takes what was only submitted for a run, never sees `job_retry_exhausted`, and gives a job with several
timeouts their mean, which no run has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tasks.remediation.table import Cell, table
from tasks.runtime_report.starts import Started
from tasks.runtime_report.steps import QUANTILES, UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

TABLE_START, TABLE_END = "<!-- RUNTIME_TABLE_START -->", "<!-- RUNTIME_TABLE_END -->"
"""Between these lines the pipeline's template has its table, and whoever copies this one finds its place."""
NAMES = tuple(f"p{round(100 * one)}_duration_seconds" for one in QUANTILES)


def slo_summary(runs: pd.DataFrame | None, starts: Iterable[Started], made_at: datetime) -> dict[str, Any]:
    """Every job that ran or was started in the window; `null` is unknown. `runs` are those of the window."""
    jobs: dict[str, dict[str, Any]] = {}
    if runs is not None:
        jobs = {str(job): _job(of_job) for job, of_job in runs.groupby("job", observed=True)}
    for one in starts:
        known = jobs.setdefault(one.job, _nothing())
        known["timeout_exhausted_events"] += one.not_started
    return {
        "schema_version": "1.0",
        "generated_at": f"{made_at:%Y-%m-%dT%H:%M:%SZ}",
        "stages": dict(sorted(jobs.items())),
        "stage_count": len(jobs),
        "complete": runs is not None and any(_known(one) for one in jobs.values()),
    }


def template_table(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """The table with the very columns of the pipeline's template, between the lines by which its place is found.

    A row for each job of the summary in the form of the pipeline's own tool, so that table and summary never differ.
    """
    rows: list[dict[str, Cell]] = [
        {
            "Stage": job,
            "Timeout (s)": _said(one["configured_timeout_seconds"], "g"),
            "P50 Duration (s)": _said(one["p50_duration_seconds"], ".4f"),
            "P90 Duration (s)": _said(one["p90_duration_seconds"], ".4f"),
            "P95 Duration (s)": _said(one["p95_duration_seconds"], ".4f"),
            "P99 Duration (s)": _said(one["p99_duration_seconds"], ".4f"),
            "P95 Timeout Usage": _said(one["timeout_usage_p95"], ".4f"),
            "Timeout Exhausted": one["timeout_exhausted_events"],
        }
        for job, one in stages.items()
    ]
    return f"{TABLE_START}\n{table(rows)}\n{TABLE_END}\n"


def _job(runs: pd.DataFrame) -> dict[str, Any]:
    limited = runs[runs["timeout_seconds"] > 0]
    limits = limited["timeout_seconds"].unique()
    usage = limited["duration_seconds"] / limited["timeout_seconds"]
    quantiles = runs["duration_seconds"].quantile(list(QUANTILES))
    return _nothing() | {
        "samples": len(runs),
        "timeout_samples": len(limited),
        "configured_timeout_seconds": float(limits[0]) if len(limits) == 1 else None,
        **{name: round(float(value), 4) for name, value in zip(NAMES, quantiles, strict=True)},
        "timeout_usage_p95": round(float(usage.quantile(0.95)), 4) if len(usage) else None,
        "timeout_usage_max": round(float(usage.max()), 4) if len(usage) else None,
        "timed_out_events": int((usage >= 1).sum()),
    }


def _nothing() -> dict[str, Any]:
    none = dict.fromkeys(("configured_timeout_seconds", *NAMES, "timeout_usage_p95", "timeout_usage_max"))
    return {"samples": 0, "timeout_samples": 0, **none, "timeout_exhausted_events": 0, "timed_out_events": 0}


def _known(job: dict[str, Any]) -> bool:
    return job["p95_duration_seconds"] is not None and job["timeout_usage_p95"] is not None


def _said(value: float | None, form: str) -> str:
    """A number in this form, or `unknown`."""
    return UNKNOWN if value is None else f"{value:{form}}"
