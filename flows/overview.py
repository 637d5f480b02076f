"""Overview: the state of everything on one screen. Changes nothing; leaves one page in the ops bucket.

Every quarter of an hour. Documentation for the person on call: docs/operations/status.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.overview.check import Overview, Question
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="overview", flow_run_name="overview")
def overview(environment: str = "default") -> State[Any]:
    """Show what is broken, being mended, held, overdue, and when it was last proved; fails when a person must act.

    Args:
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    one = check(Overview(), flow_context(environment, "overview"), Question(keep=True), as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
