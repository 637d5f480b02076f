"""Intake watch: say that intake is paused, and fail when half of its time is over or nobody looks after it.

Every 15 minutes. Documentation for the person on call: docs/operations/pause-intake.md, 'The watch'.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.intake.watch import IntakeWatch
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="intake-watch", flow_run_name="intake watch")
def intake_watch(environment: str = "default") -> State[Any]:
    """Say who paused intake, why, since when, what waits and how long it may; fail when somebody must act.

    Args:
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    one = check(IntakeWatch(), flow_context(environment, ""), None, as_task_run)
    if one.facts is None or one.facts.facts or not one.good:
        publish(one, sections_of(one), "check")
    return state_of(one)
