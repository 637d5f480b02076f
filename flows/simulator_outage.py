"""Simulator outage: restart what is out once, prove that it serves, try it on a trial, and recover what failed meanwhile.

Handbook: 'Isaac Sim or Genie Sim outage'. Documentation for the person on call: docs/operations/simulator-outage.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from prefect import State, flow
from prefect.artifacts import create_table_artifact

from blocks.catalogue import Catalogue
from flows.running import as_task_run, flow_context, flow_wave, show_progress, side_by_side, state_of
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.remediation.batch import check_batch, run_batch
from tasks.remediation.context import Context
from tasks.remediation.outcome import GOOD
from tasks.remediation.procedure import AnyProcedure, Request
from tasks.remediation.report import batch_rows, batch_sentence, publish
from tasks.remediation.run import Run
from tasks.remediation.run_page import keep_page
from tasks.remediation.runner import run, run_approved
from tasks.scene_generation.procedure import GenerateRequest, GenerateScene
from tasks.simulator_outage.procedure import FAILED, GENIE_SIM, OutageRequest, SimulatorOutage


@flow(name="simulator-outage", flow_run_name="{service} outage ({mode})", task_runner=side_by_side())
def simulator_outage(
    mode: Literal["plan", "apply"] = "plan",
    service: str = GENIE_SIM,
    reason: str = "",
    without_smoke: bool = False,
    trial: str = "",
    recover_failed: bool = False,
    environment: str = "default",
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Restart a service that is out, and prove that it works.

    Args:
        mode: "plan" changes nothing and shows what would be done; "apply" does it and proves it.
        service: Which one, by its name in the catalogue.
        reason: Why you do it; needed with mode "apply", and recorded.
        without_smoke: Leave out the smoke run: one trial, made after a restart, whose outputs prove that it simulates.
        trial: A scene for trials that was never simulated, e.g. test_kitchen. Empty: a new one is generated.
        recover_failed: After the smoke run recover the scenes that failed meanwhile, 1, 2, 4 ... at a time.
        environment: Name of the Remediation Environment block, which says whose services these are.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context = flow_context(environment, requested_by)
    request = OutageRequest(mode=mode, service=service, reason=reason, trial=trial, plan_digest=plan_digest)
    one = carried_out(context, SimulatorOutage(), request, "simulator")
    rule = context.environment.catalogue.services.get(service)
    if one.outcome != "done" or rule is None or not rule.gke_jobs:
        return state_of(one)
    runs = [one]
    if not without_smoke:
        runs += try_it(context, trial)
    failed = one.plan.details.get(FAILED) if one.plan is not None else None
    if recover_failed and isinstance(failed, list) and failed and all(each.outcome in GOOD for each in runs):
        runs += recovered(context, [str(scene) for scene in failed], service)
    return state_of(runs, "" if len(runs) == 1 else " ".join(each.sentence() for each in runs[:3]))


def carried_out(context: Context, procedure: AnyProcedure, request: Request, name: str) -> Run:
    """One procedure to its end, with its page."""

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), name)

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return one


def try_it(context: Context, trial: str) -> list[Run]:
    """One trial, made up to its simulation and what follows from it; proved by its outputs."""
    catalogue = context.environment.catalogue
    scene, runs = trial or new_trial(catalogue), list[Run]()
    stage = next((name for name, one in catalogue.stages.items() if one.genie_sim), "")
    if not stage:
        none = Run(context, PROCEDURE)
        none.subject = scene
        none.end(
            "failed", "No stage of the catalogue talks to the simulator, so nothing was tried and nothing is proved."
        )
        return [none]
    if not trial:
        runs.append(
            carried_out(context, GenerateScene(), GenerateRequest(scene_id=scene, objects=1, mode="apply"), "generate")
        )
        if runs[0].outcome not in GOOD:
            return runs
    request = RecoveryRequest(scene_id=scene, mode="apply", make=stage, reason="smoke run after an outage")
    made = carried_out(context, ExportRecovery(), request, "recovery")
    if made.outcome == "nothing_to_do":
        made.outcome = "failed"
        made.reasons = [f"{scene} was simulated before, so nothing was run and nothing is proved: name a new trial."]
    return [*runs, made]


def new_trial(catalogue: Catalogue) -> str:
    """An id that no scene has yet, after the catalogue's first pattern for trials."""
    pattern = next(iter(catalogue.test_scene_ids), "test_*")
    return pattern.replace("*", f"smoke-{datetime.now(UTC):%Y%m%d-%H%M%S}", 1).replace("*", "")


def recovered(context: Context, scenes: list[str], service: str) -> list[Run]:
    """What failed meanwhile, by the batch of export recovery with its ramp. The common cause is known and over."""
    procedure, reason = ExportRecovery(), f"it failed while {service} was out, which serves again"
    names = check_batch(scenes[: context.policy().max_scenes], context.policy().max_scenes)

    def recover(name: str) -> Run:
        request = RecoveryRequest(scene_id=name, mode="apply", accept_systematic=True, reason=reason)
        one = run(procedure, context, request, as_task_run)
        keep_page(one, procedure.sections(one))
        return one

    wave = flow_wave(recover)
    runs = run_batch(names, context, PROCEDURE, wave, show_progress("recovery"))
    create_table_artifact(table=batch_rows(runs), key="recovery-batch", description=batch_sentence(runs))
    return runs
