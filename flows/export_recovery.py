"""Export missing or corrupt: find out why, clear exactly what blocks reprocessing, rerun, and prove the scene whole.

Handbook: 'Dataset export is missing or corrupt'. Documentation for the person on call: docs/operations/export-recovery.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, runtime

from flows.running import as_task_run, flow_context, flow_wave, show_progress, side_by_side, state_of, state_of_error
from tasks.recovery.batch_report import publish_batch
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.remediation.batch import check_batch, run_batch
from tasks.remediation.outcome import Refused
from tasks.remediation.report import listed, publish
from tasks.remediation.run import Run
from tasks.remediation.run_page import keep_page
from tasks.remediation.runner import run, run_approved


def run_name() -> str:
    """What the flow run is called in lists, e.g. `recover kitchen_001 (apply)`."""
    asked = runtime.flow_run.parameters
    return f"recover {listed(asked.get('scene_ids', []))} ({asked.get('mode', 'plan')})"


@flow(name="export-recovery", flow_run_name=run_name, task_runner=side_by_side())
def export_recovery(
    scene_ids: list[str],
    mode: Literal["plan", "apply"] = "plan",
    environment: str = "default",
    make: str = "",
    restore_inputs: bool = False,
    accept_systematic: bool = False,
    unattended: bool = False,
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Recover scenes whose export is missing or corrupt.

    Args:
        scene_ids: The scenes, one an item, e.g. kitchen_001. Several are ramped up: 1, 2, 4 ... at a time.
        mode: "plan" changes nothing and shows what would be done; "apply" does it and proves the result.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        make: A stage that shall exist though it never ran, e.g. genie-sim-export; what it needs is made first. Usually empty.
        restore_inputs: Put good copies of bad inputs back first, where the plan offers them.
        accept_systematic: Go on although many scenes show the same fault, which points to one common cause.
        unattended: Leave off by hand. An event asks and nobody watches: beyond the policy's unattended_per_hour it escalates.
        plan_digest: Of the plan that you have read (for one scene): no other is applied. Empty: whatever it is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), ExportRecovery()

    def request(scene_id: str) -> RecoveryRequest:
        return RecoveryRequest(
            scene_id=scene_id,
            mode=mode,
            make=make,
            restore_inputs=restore_inputs,
            accept_systematic=accept_systematic,
            unattended=unattended,
            plan_digest=plan_digest,
        )

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "recovery")

    try:
        names = check_batch(scene_ids, context.policy().max_scenes)
    except Refused as error:
        return state_of_error(error)
    if len(names) == 1:
        one = run_approved(procedure, context, request(names[0]), as_task_run, publish=show)
        show(one)
        return state_of(one)

    def recover(name: str) -> Run:
        one = run(procedure, context, request(name), as_task_run)
        keep_page(one, procedure.sections(one))
        return one

    wave = flow_wave(recover)
    runs = run_batch(names, context, PROCEDURE, wave, show_progress("recovery"))
    publish_batch(runs, context.environment)
    return state_of(runs)
