"""GPU watch: see whether GPUs are there again, then give back what was turned off and make again what failed meanwhile.

Every 15 minutes. Handbook: 'GPU capacity exhaustion'. Documentation for the person on call: docs/operations/gpu-capacity.md,
'The watch'.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from blocks.errors import OutsideError
from flows.running import as_task_run, flow_context, flow_wave, side_by_side, state_of, state_of_error
from tasks.delivery.pauses import open_pauses
from tasks.gpu_capacity.end_relief import waits_for
from tasks.gpu_capacity.follow import follow
from tasks.gpu_capacity.watch import GpuWatch, Standing
from tasks.recovery.batch_report import publish_batch
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.remediation.check import check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.debt import Rerun
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.run_page import keep_page
from tasks.remediation.runner import run


@flow(name="gpu-watch", flow_run_name="gpu watch ({mode})", task_runner=side_by_side())
def gpu_watch(
    mode: Literal["look", "apply"] = "look", environment: str = "default", requested_by: str = ""
) -> State[Any]:
    """Give reliefs back once GPUs are seen again, and recover the scenes that failed for want of them.

    Args:
        mode: "look" changes nothing; "apply", as scheduled, gives back and recovers, unless gpu_watch of the policy is off.
        environment: Name of the Remediation Environment block, which says whose cluster it is.
        requested_by: Your name. It is recorded.
    """
    context = flow_context(environment, requested_by)
    seen = check(GpuWatch(), context, None, as_task_run)
    standings: list[Standing] = seen.facts.facts if seen.facts is not None else []
    if not seen.good or standings:
        publish(seen, sections_of(seen), "check")
    ready = [one for one in standings if one.state in ("back", "owes")]
    if mode != "apply" or not context.policy().gpu_watch or not ready:
        return state_of(seen)
    late = [one.sentence for one in standings if one.state == "late"]
    try:
        pauses = open_pauses(context)
    except (LedgerDamaged, OutsideError) as error:
        return state_of_error(error)
    if pauses:
        seen.end("escalated" if late else "stopped", *late, *(waits_for(one) for one in pauses))
        return state_of(seen)
    followed = [follow(context, one, rerun(context), as_task_run) for one in ready]
    if scenes := [run for one in followed for run in one.facts or ()]:
        publish_batch(scenes, context.environment)
    if late:
        seen.end("escalated", *late)
        followed.append(seen)
    return state_of(followed, " ".join(one.sentence() for one in followed))


def rerun(context: Context) -> Rerun:
    """Recoveries, whose common cause is known and over."""

    def recover(scene: str) -> Run:
        request = RecoveryRequest(
            scene_id=scene, mode="apply", accept_systematic=True, reason="it failed for want of GPUs, which are back"
        )
        procedure = ExportRecovery()
        one = run(procedure, context, request, as_task_run)
        keep_page(one, procedure.sections(one))
        return one

    return Rerun(
        PROCEDURE, flow_wave(recover), lambda done, total: context.say(f"{done} of {total} scenes looked after")
    )
