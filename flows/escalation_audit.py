"""Escalation audit: was everybody told who was due, and does somebody have every open incident?

Every hour. Documentation for the person on call: docs/operations/escalation.md, "The audit".
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.escalation.audit import EscalationAudit
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="escalation-audit", flow_run_name="escalation audit")
def escalation_audit(environment: str = "default") -> State[Any]:
    """Say which page or update was due and not sent, which nobody can be sure of, and whom nobody could reach.

    Args:
        environment: Name of the Remediation Environment block, which says whose incidents these are.
    """
    one = check(EscalationAudit(), flow_context(environment, "escalation-audit"), None, as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
