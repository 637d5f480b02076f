"""Rollback: a job, a workflow, a Deployment or a GPU Job goes back to what last worked, and proves that it works.

Handbook: 'Rolling back: follow rollback.md to revert jobs or workflows'. Documentation for the person on call:
docs/operations/rollback.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved
from tasks.rollback.procedure import Rollback
from tasks.rollback.request import RollbackRequest, TargetKind


@flow(name="rollback", flow_run_name="roll back {kind} {name} ({mode})")
def rollback(
    kind: TargetKind,
    name: str,
    to: str = "",
    mode: Literal["plan", "apply"] = "plan",
    reason: str = "",
    environment: str = "default",
    without_canary: bool = False,
    plan_digest: str = "",
    case: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Put one thing that is deployed back to what it was when it last worked.

    Args:
        kind: What is to go back: a Cloud Run job, a workflow, a Deployment, a GPU Job of the cluster (gke-job), or terraform,
            for which a person gets the exact steps.
        name: Its short name, as in the console, e.g. simready-job; of terraform the workspace.
        to: A workflow's revision, an image's digest, a Deployment's revision, or a tag of Terraform's code. Empty: what last
            worked, as its executions show.
        mode: "plan" changes nothing and shows what would be done; "apply" does it and proves the result.
        reason: Why you do it; needed with mode "apply", and recorded.
        environment: Name of the Remediation Environment block, which says whose project this is.
        without_canary: Do not run a job that was rolled back on a test scene; otherwise its success there is the verdict.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        case: Id of the incident that it belongs to, if there is one.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), Rollback()
    request = RollbackRequest(
        kind=kind, name=name, to=to, without_canary=without_canary,
        mode=mode, reason=reason, plan_digest=plan_digest, case=case,
    )  # fmt: skip

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "rollback")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return state_of(one)
