"""Runtime report: how long every step took, against its timeout and what is promised, week on week. Read-only.

Every Monday, and once of the hours of every incident that was resolved. Documentation for the person on call:
docs/operations/runtime-report.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish
from tasks.runtime_report.check import RuntimeReport
from tasks.runtime_report.window import Question


@flow(name="runtime-report", flow_run_name="runtime report")
def runtime_report(
    since: datetime | None = None, until: datetime | None = None, environment: str = "default"
) -> State[Any]:
    """Report percentiles, timeouts, retries, GPU minutes and service levels; fails when a person must act.

    Args:
        since: Where the window begins (UTC); empty: a week before its end. At most 30 days are looked at.
        until: Where the window ends (UTC); empty: now. It is compared with as long a time just before it.
        environment: Name of the Remediation Environment block, which says whose pipeline it is.
    """
    one = check(RuntimeReport(), flow_context(environment, "runtime-report"), Question(since, until), as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
