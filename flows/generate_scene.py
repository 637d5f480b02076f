"""Generate a scene for trials: a synthetic reconstruction, from which the pipeline can make everything else.

Handbook: 'Dataset export failure', regenerate samples. Documentation for the person on call: docs/operations/entry-points.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from blocks.trial_scene import Kind
from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved
from tasks.scene_generation.procedure import GenerateRequest, GenerateScene


@flow(name="generate-scene", flow_run_name="generate {scene_id} ({mode})")
def generate_scene(
    scene_id: str,
    kind: Kind = "kitchen",
    objects: int = 8,
    seed: int = 0,
    mode: Literal["plan", "apply"] = "plan",
    environment: str = "default",
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Put a synthetic scene where nothing is, under an id that the catalogue keeps for trials.

    Args:
        scene_id: The new scene's id; it must fit the catalogue's test_scene_ids, e.g. test_kitchen.
        kind: What room it is.
        objects: How many objects are in it, 1 to 200.
        seed: Which of the possible rooms; equal numbers give equal ones.
        mode: "plan" changes nothing and shows what would be written; "apply" writes it and proves it.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever it is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), GenerateScene()
    request = GenerateRequest(
        scene_id=scene_id, kind=kind, objects=objects, seed=seed, mode=mode, plan_digest=plan_digest
    )

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "generate")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return state_of(one)
