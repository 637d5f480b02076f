"""Undo a run of any procedure: what its journal says was done is taken back, what starts workflows last.

Handbook: 'Rolling back'. Documentation for the person on call: docs/operations/export-recovery.md, 'Undo'.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.procedures import undo as undo_procedure
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved
from tasks.remediation.undo import UndoRequest


@flow(name="undo", flow_run_name="undo {subject} {run} ({mode})")
def undo(
    subject: str,
    run: str,
    mode: Literal["plan", "apply"] = "plan",
    environment: str = "default",
    markers: bool = False,
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Take back what one run has done.

    Args:
        subject: What the run was about, as its report says: a scene, e.g. kitchen_001, or a name like @intake.
        run: The run's id, as its report gives it.
        mode: "plan" changes nothing and shows what would be done; "apply" does it.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        markers: Restore completion and failure markers too, last; each starts the workflows that listen to it.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), undo_procedure()
    request = UndoRequest(subject=subject, run=run, mode=mode, markers=markers, plan_digest=plan_digest)

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "undo")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return state_of(one)
