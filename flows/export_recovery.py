"""Export missing or corrupt: find out why, clear exactly what blocks reprocessing, rerun, and prove the scene whole.

Handbook: 'Dataset export is missing or corrupt'. Documentation for the person on call: docs/operations/export-recovery.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from prefect import State, flow, get_run_logger, runtime
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from blocks.environment import PipelineEnvironment
from flows.running import call_task, flow_context, flow_wave, show_progress
from tasks.recovery.batch import BatchRefused, check_batch, recover_batch
from tasks.recovery.outcome import RecoveryResult
from tasks.recovery.present import batch_sentence, listed, plan_markdown, publish
from tasks.recovery.recover import Wanted, recover_scene
from tasks.remediation.approve import NotApproved, ask
from tasks.remediation.context import Context


def run_name() -> str:
    """What the flow run is called in lists, e.g. `recover kitchen_001 (apply)`."""
    asked = runtime.flow_run.parameters
    return f"recover {listed(asked.get('scene_ids', []))} ({asked.get('mode', 'plan')})"


@flow(name="export-recovery", flow_run_name=run_name, task_runner=ThreadPoolTaskRunner(max_workers=8))
def export_recovery(
    scene_ids: list[str],
    mode: Literal["plan", "apply"] = "plan",
    environment: str = "default",
    restore_inputs: bool = False,
    accept_systematic: bool = False,
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Recover scenes whose export is missing or corrupt.

    Args:
        scene_ids: The scenes, e.g. ["kitchen_001"]. Several are ramped up: 1, 2, 4 ... at a time.
        mode: "plan" changes nothing and shows what would be done; "apply" does it and proves the result.
        environment: Name of the Remediation Environment block.
        restore_inputs: Put good copies of bad inputs back first, where the plan offers them.
        accept_systematic: Go on although many scenes show the same fault.
        plan_digest: Apply only the plan with this digest (for one scene), the one you reviewed.
        requested_by: Who asks; recorded, and not allowed to approve.
    """
    logger = get_run_logger()
    loaded = PipelineEnvironment.load(environment)
    try:
        wanted_ids = check_batch(scene_ids, loaded.policy)
    except BatchRefused as error:
        return Failed(message=str(error))
    context = flow_context(loaded, environment, requested_by)
    wanted = Wanted(mode, restore_inputs, accept_systematic, plan_digest)
    try:
        if len(wanted_ids) == 1:
            results = [recover_one(context, wanted_ids[0], wanted)]
        else:
            results = recover_batch(wanted_ids, loaded.policy, flow_wave(context, wanted), show_progress("recovery"))
    except NotApproved as error:
        return Failed(message=str(error))
    publish(results)
    for result in results:
        logger.info(result.sentence())
    message = results[0].sentence() if len(results) == 1 else batch_sentence(results)
    return (Completed if all(result.good for result in results) else Failed)(message=message)


def recover_one(context: Context, scene_id: str, wanted: Wanted) -> RecoveryResult:
    """One scene, with a person's approval where the policy wants one."""
    result = recover_scene(context, scene_id, wanted, call_task)
    if result.outcome != "needs_approval" or result.plan is None:
        return result
    publish([result])
    approval = ask(result.plan, context.environment.policy, context.actor, plan_markdown(result.plan))
    approved = replace(wanted, approved_digest=result.plan.digest, approved_by=approval.approver)
    return recover_scene(context, scene_id, approved, call_task)
