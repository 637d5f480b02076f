"""Incident watch: fail when an incident has a late update, a pause that was not resumed, or nobody who leads it.

Every 15 minutes; of incidents that were resolved it has the runtime report made. Documentation for the person on call: docs/operations/incident-response.md, 'The watch'.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import State, flow

from flows.after_incident import report_of
from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish
from tasks.response.watch import IncidentWatch, just_resolved


@flow(name="incident-watch", flow_run_name="incident watch")
def incident_watch(environment: str = "default") -> State[Any]:
    """Say which incidents are open and how they stand; fail when somebody must act.

    Args:
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    one = check(IncidentWatch(), flow_context(environment, ""), None, as_task_run)
    if one.facts is None or one.facts.facts or not one.good:
        publish(one, sections_of(one), "check")
    for incident in just_resolved(one.facts.facts if one.facts is not None else [], datetime.now(UTC)):
        report_of(incident, environment)
    return state_of(one)
