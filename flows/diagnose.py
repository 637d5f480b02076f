"""Diagnose: from what people see to what is wrong, with the evidence and what to do. Read-only.

Documentation for the person on call: docs/operations/diagnose.md.
"""

from __future__ import annotations

from typing import Annotated, Any

from prefect import State, flow
from pydantic import Field

from flows.running import as_task_run, flow_context, state_of
from tasks.diagnosis.check import MOST_HOURS, Diagnose, Question
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="diagnose", flow_run_name="diagnose")
def diagnose(
    scene_ids: list[str] | None = None,
    hours: Annotated[float, Field(gt=0, le=MOST_HOURS)] = 24.0,
    environment: str = "default",
) -> State[Any]:
    """Say what is wrong now, why, and what to do: triggers, executions, jobs, scenes, locks, the log, the cluster.

    Args:
        scene_ids: The scenes to look at; none: those that something failed on lately, 50 at most.
        hours: How far back executions, markers and the log are looked at.
        environment: Name of the Remediation Environment block, which says whose pipeline it is.
    """
    question = Question(tuple(dict.fromkeys(scene_ids or ())), hours)
    one = check(Diagnose(), flow_context(environment, ""), question, as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
