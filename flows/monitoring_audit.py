"""Monitoring audit: say whether dashboards, alerts and metrics are there, see what exists, and can tell somebody. Read-only.

Every morning. Handbook: 'Alert escalation' and the monitoring gate. Documentation for the person on call:
docs/operations/monitoring-audit.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.monitoring.check import MonitoringAudit
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="monitoring-audit", flow_run_name="monitoring audit")
def monitoring_audit(environment: str = "default") -> State[Any]:
    """Compare what monitors the pipeline with what the handbook relies on; fails when something is missing or mute.

    Args:
        environment: Name of the Remediation Environment block, which says whose project it is.
    """
    one = check(MonitoringAudit(), flow_context(environment, "monitoring-audit"), None, as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
