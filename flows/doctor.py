"""Doctor: compare what is deployed with the catalogue, and fail when something will not work. Read-only, every day.

Documentation for the person on call: docs/operations/doctor.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.doctor.check import Doctor, Question
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish

HOME = Path(__file__).resolve().parent.parent


@flow(name="doctor", flow_run_name="doctor")
def doctor(environment: str = "default") -> State[Any]:
    """Say what will not work, why, and what to do: buckets, permissions, workflows, jobs, triggers, Prefect itself.

    Args:
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    one = check(Doctor(), flow_context(environment, ""), Question(HOME), as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
