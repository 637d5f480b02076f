"""The whole line on a trial: a scene is generated, every stage of it is made, and the result is proved.

Handbook: 'Entry points', production validation harness. Documentation for the person on call: docs/operations/entry-points.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from blocks.trial_scene import Kind
from flows.running import as_task_run, flow_context, state_of
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.procedure import AnyProcedure, Request
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved
from tasks.scene_generation.procedure import GenerateRequest, GenerateScene


@flow(name="end-to-end", flow_run_name="try {scene_id} up to {make} ({mode})")
def end_to_end(
    scene_id: str,
    make: str = "genie-sim-import",
    kind: Kind = "kitchen",
    objects: int = 3,
    mode: Literal["plan", "apply"] = "plan",
    environment: str = "default",
    requested_by: str = "",
) -> State[Any]:
    """Generate a scene for trials and have the pipeline make it up to one stage; a scene that was tried before is escalated.

    Args:
        scene_id: The new scene's id; it must fit the catalogue's test_scene_ids, e.g. test_2026_11_27.
        make: The last stage to make; what it needs is made before it.
        kind: What room it is.
        objects: How many objects are in it, 1 to 200; few are enough.
        mode: "plan" changes nothing and shows the scene that would be written; "apply" tries the whole line and proves it.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context = flow_context(environment, requested_by)

    def carry_out(procedure: AnyProcedure, request: Request, name: str) -> Run:
        def show(one: Run) -> None:
            publish(one, procedure.sections(one), name)

        one = run_approved(procedure, context, request, as_task_run, publish=show)
        show(one)
        return one

    wanted = GenerateRequest(scene_id=scene_id, kind=kind, objects=objects, mode=mode)
    made = carry_out(GenerateScene(), wanted, "generate")
    if made.outcome not in ("done", "nothing_to_do"):
        return state_of(made)
    return state_of(carry_out(ExportRecovery(), RecoveryRequest(scene_id=scene_id, mode=mode, make=make), "recovery"))
