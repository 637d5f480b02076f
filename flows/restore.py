"""Restore: bring objects, a Terraform state or a definition back as they were, without starting the pipeline.

Handbook: 'Backup and restore', 'Rolling back'. Documentation for the person on call:
docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from prefect import State, flow, get_run_logger, runtime
from prefect.states import Completed, Failed
from tasks.remediation.approve import NotApproved, ask

from blocks.environment import PipelineEnvironment
from flows.progress import show_bytes
from flows.running import call_task, flow_context
from tasks.remediation.context import Context
from tasks.restore.outcome import RestoreResult
from tasks.restore.present import markdown, publish
from tasks.restore.restore import restore
from tasks.restore.wanted import Overwrite, ScopeKind, Wanted
from tasks.sync.meter import Progress


def run_name() -> str:
    """What the flow run is called in lists, e.g. `restore scene kitchen_001 (apply)`."""
    asked = runtime.flow_run.parameters
    return f"restore {asked.get('scope')} {asked.get('name', '')} ({asked.get('mode', 'plan')})"


@flow(name="restore", flow_run_name=run_name)
def restore_flow(
    scope: ScopeKind,
    name: str = "",
    at: datetime | None = None,
    mode: Literal["plan", "apply"] = "plan",
    environment: str = "default",
    reason: str = "",
    overwrite: Overwrite = "damaged",
    remove_extra: bool = False,
    markers: bool = False,
    without_hold: bool = False,
    older_serial: bool = False,
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Bring back what was lost or spoilt.

    Args:
        scope: What `name` is: bucket (everything, no name), scene, stage (<scene>/<stage>), prefix (a folder), object,
            terraform-state (the workspace), workflow, or job.
        name: Which one, e.g. kitchen_001.
        at: The state as of this time (UTC); empty: as the newest good night recorded it.
        mode: "plan" changes nothing and shows what would be done; "apply" does it and proves the result.
        environment: Name of the Remediation Environment block.
        reason: Why; needed with mode "apply", and recorded.
        overwrite: Objects that differ and are newer: "never" replace them, only those that validation calls "damaged",
            or "always".
        remove_extra: Delete what was not there at that time, last, within the policy's caps.
        markers: Restore completion markers and trigger objects too, last; they start workflows.
        without_hold: Go on although the delivery of events cannot be held; every object then starts workflows.
        older_serial: Let Terraform's state go back to a smaller serial.
        plan_digest: Apply only the plan with this digest, the one you reviewed.
        requested_by: Who asks; recorded, and not allowed to approve.
    """
    loaded = PipelineEnvironment.load(environment)
    context = flow_context(loaded, environment, requested_by)
    wanted = Wanted(
        scope,
        name,
        at,
        mode,
        reason,
        overwrite,
        remove_extra,
        markers,
        without_hold,
        older_serial,
        plan_digest,
    )
    try:
        result = restore_approved(context, wanted)
    except NotApproved as error:
        return Failed(message=str(error))
    publish(result)
    get_run_logger().info(result.sentence())
    return (Completed if result.good else Failed)(message=result.sentence())


def restore_approved(context: Context, wanted: Wanted) -> RestoreResult:
    """The restore, with a person's approval where the policy wants one."""
    report = show_bytes("restore") if wanted.mode == "apply" else ignore
    result = restore(context, wanted, call_task, report)
    if result.outcome != "needs_approval" or result.plan is None:
        return result
    publish(result)
    approval = ask(result.plan, context.environment.policy, context.actor, markdown(result))
    approved = replace(wanted, approved_digest=result.plan.digest, approved_by=approval.approver)
    return restore(context, approved, call_task, report)


def ignore(_: Progress) -> None:
    """A plan makes no progress worth showing."""
