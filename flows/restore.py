"""Restore: bring objects, a Terraform state or a definition back as they were, without starting the pipeline.

Handbook: 'Backup and restore', 'Rolling back'. Documentation for the person on call:
docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from prefect import State, flow, runtime

from flows.progress import show_bytes
from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved
from tasks.restore.request import Overwrite, RestoreRequest, ScopeKind
from tasks.restore.scopes import procedure_for


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
        scope: What the name is of: bucket (everything, no name), scene, stage (<scene>/<stage>), prefix (a folder), object,
            terraform-state (the workspace), workflow, or job.
        name: Which one of these, e.g. kitchen_001 for a scene.
        at: The state as of this time (UTC); empty: as the newest good night recorded it.
        mode: "plan" changes nothing and shows what would be done; "apply" does it and proves the result.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        reason: Why you do it; needed with mode "apply", and recorded.
        overwrite: Objects that differ and are newer: "never" replace them, only those that validation calls "damaged",
            or "always".
        remove_extra: Delete what was not there at that time, last, within the policy's caps.
        markers: Restore completion markers and trigger objects too, last; they start workflows.
        without_hold: Go on although the delivery of events cannot be held; every object then starts workflows.
        older_serial: Let Terraform's state go back to a smaller serial.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), procedure_for(scope)
    request = RestoreRequest(
        kind=scope,
        name=name,
        at=at,
        mode=mode,
        reason=reason,
        overwrite=overwrite,
        remove_extra=remove_extra,
        markers=markers,
        without_hold=without_hold,
        older_serial=older_serial,
        plan_digest=plan_digest,
    )

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "restore")

    report = show_bytes("restore") if mode == "apply" else lambda _: None
    one = run_approved(procedure, context, request, as_task_run, report, show)
    show(one)
    return state_of(one)
