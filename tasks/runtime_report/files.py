"""The report's files in the ops bucket, each written once.

remediation/runtime/<id>/report.html     one page that needs nothing else, with its picture; report.md likewise
remediation/runtime/<id>/steps.csv       the table
remediation/runtime/<id>/runs.parquet    every run the figures rest on, of the window and of the time before
remediation/runtime/<id>/report.json     everything as data
remediation/runtime/<id>/runtime_table.md           the table to put into the pipeline's own report
remediation/runtime/<id>/runtime_slo_summary.json   in the form of the pipeline's own tool, for whoever reads that
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from tasks.remediation.context import Context, new_run_id
from tasks.remediation.drawing import Picture
from tasks.remediation.page import sections_page
from tasks.runtime_report.picture import alt_text, percentiles_svg
from tasks.runtime_report.report import Report
from tasks.runtime_report.slo_summary import slo_summary, template_table
from tasks.runtime_report.steps import Step
from tasks.runtime_report.words import sections, sentence

if TYPE_CHECKING:
    import pandas as pd

ROOT = "remediation/runtime/"
COLUMNS = ["at", "workflow", "job", "scene_id", "status", "timeout_seconds", "duration_seconds", "now"]


def keep(context: Context, report: Report) -> str:
    """Write everything; the folder in the ops bucket. Raises `OutsideError`."""
    environment = context.environment
    folder = f"{ROOT}{new_run_id(report.made_at)}/"
    for name, (body, kind) in files(report).items():
        environment.storage.create(environment.ops_bucket, f"{folder}{name}", body, content_type=kind)
    return folder


def files(report: Report) -> dict[str, tuple[bytes, str]]:
    """Every file with its type. What is not known has no file: no runs, no table of runs."""
    begins, parts = head(report), sections(report, picture(report))
    summary = slo_summary(report.in_window(), report.starts, report.made_at)
    page = "\n\n".join([begins, *(one.document() for one in parts)]) + "\n"
    made = {
        "report.html": (sections_page(title(report), begins, parts).encode(), "text/html; charset=utf-8"),
        "report.md": (page.encode(), "text/markdown; charset=utf-8"),
        "report.json": (pretty(as_data(report)), "application/json"),
        "runtime_slo_summary.json": (pretty(summary), "application/json"),
        "runtime_table.md": (template_table(summary["stages"]).encode(), "text/markdown; charset=utf-8"),
        "steps.csv": (steps_csv(report.steps), "text/csv; charset=utf-8"),
    }  # fmt: skip
    if report.runs is not None and len(report.runs):
        made["runs.parquet"] = (runs_parquet(report.runs), "application/vnd.apache.parquet")
    return made


def title(report: Report) -> str:
    """What the report is called."""
    return f"Durations against timeouts, {report.window.words()}"


def picture(report: Report) -> Picture:
    """The percentiles of the steps with their timeouts."""
    return Picture(percentiles_svg(title(report), report.steps, report.service), alt_text(report.steps))


def head(report: Report) -> str:
    """What stands above the parts: all of it in a sentence, and what a person must do."""
    return "\n\n".join([f"# {title(report)}", f"{sentence(report)}.", *(f"> {one}" for one in report.reasons())])


def as_data(report: Report) -> dict[str, Any]:
    """Everything as plain data, with keys that stay. `null` is unknown."""
    return {
        "since": plain(report.window.since),
        "until": plain(report.window.until),
        "made_at": plain(report.made_at),
        "summary": sentence(report),
        "entries": report.entries,
        "scenes": report.scenes,
        "sla_violations": report.sla_violations,
        "steps": [asdict(one) for one in report.steps],
        "stages": [asdict(one) for one in report.stages],
        "before": [
            {"step": one.step.name, "runs": one.runs_before if one.p50_before is not None else None}
            | {"p50": one.p50_before, "p95": one.p95_before, "differs": one.changed if one.p50_before is not None else None}
            for one in report.compared
        ],
        "changes": [asdict(one) | {"at": plain(one.at)} for one in report.changes],
        "promises": [
            {"promise": one.name, "target": one.target, "good": one.good, "events": one.events, "state": one.state}
            | {"burn_rate": one.burn_rate, "worst_day": one.worst_day}
            for one in report.levels
        ],
        "proposals": [
            {"step": one.step.name, "from": one.step.timeout, "to": one.seconds, "why": one.why} for one in report.proposals
        ],
        "starts": [asdict(one) for one in report.starts],
        "cloud_run": [asdict(one) for one in report.job_runs],
        "reasons": report.reasons(),
        "unknown": report.unknown,
        "notes": report.notes,
    }  # fmt: skip


def steps_csv(steps: Sequence[Step]) -> bytes:
    """The table, one row a step; an empty field is unknown."""
    import pandas as pd

    table: str = pd.DataFrame([asdict(one) for one in steps]).to_csv(index=False)
    return table.encode()


def runs_parquet(runs: pd.DataFrame) -> bytes:
    """Every run, the oldest first, with its end as a time."""
    import pandas as pd

    told = runs[COLUMNS].sort_values("at").rename(columns={"at": "ended_at", "now": "in_window"})
    told["ended_at"] = pd.to_datetime(told["ended_at"], unit="s", utc=True)
    body = BytesIO()
    told.to_parquet(body, index=False)
    return body.getvalue()


def plain(value: object) -> str:
    """What JSON has no word for; times as in RFC 3339."""
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)


def pretty(value: Any) -> bytes:
    """JSON for people and programs."""
    return json.dumps(value, indent=1, default=plain, ensure_ascii=False, allow_nan=False).encode() + b"\n"
