"""Resume intake: what waited is delivered at a limited rate, everything is set back to exactly what it was, and what was
written meanwhile and started nothing is started.

Handbook: 'Recover: re-enable triggers'. Documentation for the person on call: docs/operations/pause-intake.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.intake.reconcile import ReconcileIntake, ReconcileRequest
from tasks.intake.resume import ResumeIntake, ResumeRequest
from tasks.remediation.context import Context
from tasks.remediation.continuing import UNDOES
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved


@flow(name="resume-intake", flow_run_name="resume intake ({mode})")
def resume_intake(
    mode: Literal["plan", "apply"] = "plan",
    run: str = "",
    reason: str = "",
    environment: str = "default",
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """End a pause of intake, and see whether everything that was written meanwhile has started what it should.

    Args:
        mode: "plan" changes nothing and shows what would be set back; "apply" does it and proves it.
        run: Which pause, by its run's id. Empty: the latest one that is open.
        reason: Why intake may go on; it is recorded.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), ResumeIntake()
    request = ResumeRequest(mode=mode, run=run, reason=reason, plan_digest=plan_digest)

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "resume")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    if one.plan is None or one.outcome not in ("done", "nothing_to_do"):
        return state_of(one)
    digest = plan_digest if one.outcome == "nothing_to_do" else ""
    pause = str(one.plan.details[UNDOES])
    after = reconciled(context, ReconcileRequest(mode=mode, run=pause, reason=reason, plan_digest=digest))
    return state_of([one, after], f"{one.sentence()}; {after.sentence()}")


def reconciled(context: Context, request: ReconcileRequest) -> Run:
    """Start what the pause has left unanswered, or (mode "plan") show it."""
    procedure = ReconcileIntake()

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "reconcile", plan_key="reconcile-plan")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return one
