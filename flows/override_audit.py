"""Override audit: say who let which quality gate be passed, whether it was right, and what became of it. Changes nothing of the pipeline; daily.

Handbook: 'Quality-gate override audit'. Documentation for the person on call: docs/operations/override-audit.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.override_audit.check import OverrideAudit, Question
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="override-audit", flow_run_name="override audit")
def override_audit(days: int = 30, environment: str = "default") -> State[Any]:
    """Find every override, declared or silent; fails when a person must act on one.

    What is found is recorded with its date and told once, and evidence of it is kept.

    Args:
        days: How far back runs, markers and decisions are looked at, 1 to 400.
        environment: Name of the Remediation Environment block, which says whose pipeline it is.
    """
    one = check(OverrideAudit(), flow_context(environment, "override-audit"), Question(days, keep=True), as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
