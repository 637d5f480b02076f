"""Simulator outage: restart what is out once, prove that it serves, try it on a trial, and recover what failed meanwhile.

Handbook: 'Isaac Sim or Genie Sim outage'. Documentation for the person on call: docs/operations/simulator-outage.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from prefect import State, flow

from blocks.catalogue import Catalogue
from blocks.errors import OutsideError
from flows.running import as_task_run, flow_context, flow_wave, side_by_side, state_of, state_of_error
from tasks.recovery.batch_report import publish_batch
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.remediation.context import Context
from tasks.remediation.debt import Rerun
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import GOOD
from tasks.remediation.procedure import AnyProcedure, Request
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.run_page import keep_page
from tasks.remediation.runner import run, run_approved
from tasks.scene_generation.procedure import GenerateRequest, GenerateScene
from tasks.simulator_outage.follow import Means, follow
from tasks.simulator_outage.owed import owed_now
from tasks.simulator_outage.procedure import SimulatorOutage
from tasks.simulator_outage.request import GENIE_SIM, OutageRequest


@flow(name="simulator-outage", flow_run_name="{service} outage ({mode})", task_runner=side_by_side())
def simulator_outage(
    mode: Literal["plan", "apply"] = "plan",
    service: str = GENIE_SIM,
    reason: str = "",
    without_smoke: bool = False,
    trial: str = "",
    recover_failed: bool = False,
    unattended: bool = False,
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
        unattended: Leave off by hand. Nobody watches: unless the policy's simulator_restart is on, it is only planned.
        environment: Name of the Remediation Environment block, which says whose services these are.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context = flow_context(environment, requested_by)
    only_plan = unattended and not context.policy().simulator_restart
    request = OutageRequest(
        mode="plan" if only_plan else mode,
        service=service,
        reason=reason,
        smoke=not without_smoke,
        trial=trial,
        recover=recover_failed,
        plan_digest=plan_digest,
    )
    one = carried_out(context, SimulatorOutage(), request, "simulator")
    if only_plan and one.outcome == "planned":
        one.end("needs_approval", by_hand(one, service))
    if mode == "plan" or one.outcome not in GOOD:
        return state_of(one)
    try:
        owed = owed_now(context)
    except (OutsideError, LedgerDamaged) as error:
        return state_of_error(error)
    followed = [follow(context, each, means(context, each.service)) for each in owed]
    if scenes := [made for each in followed for made in each.facts]:
        publish_batch(scenes, context.environment)
    runs = [one, *followed]
    return state_of(runs, " ".join(each.sentence() for each in runs))


def by_hand(one: Run, service: str) -> str:
    """How a person does what was only planned."""
    digest = f" --plan-digest {one.plan.digest}" if one.plan is not None else ""
    command = f'remediate simulator restart {service}{digest} --apply --reason "..."'
    return f"The policy's simulator_restart is off, so a person decides: {command}"


def carried_out(context: Context, procedure: AnyProcedure, request: Request, name: str) -> Run:
    """One procedure to its end, with its page."""

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), name)

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return one


def means(context: Context, service: str) -> Means:
    """How a trial is made and scenes are made again. The common cause of their failures is known and over."""
    reason = f"it failed while {service} was out, which serves again"

    def recover(name: str) -> Run:
        request = RecoveryRequest(scene_id=name, mode="apply", accept_systematic=True, reason=reason)
        procedure = ExportRecovery()
        one = run(procedure, context, request, as_task_run)
        keep_page(one, procedure.sections(one))
        return one

    def told(done: int, total: int) -> None:
        context.say(f"{done} of {total} scenes looked after")

    return Means(
        new_trial=lambda: new_trial(context.environment.catalogue),
        smoke=lambda scene, new: try_it(context, scene, new=new),
        rerun=Rerun(PROCEDURE, flow_wave(recover), told),
    )


def try_it(context: Context, scene: str, *, new: bool) -> list[Run]:
    """One trial, made up to its simulation and what follows from it; proved by its outputs. `new`: it is generated first."""
    stage = next((name for name, one in context.environment.catalogue.stages.items() if one.genie_sim), "")
    if not stage:
        none = Run(context, PROCEDURE)
        none.subject = scene
        none.end(
            "failed", "No stage of the catalogue talks to the simulator, so nothing was tried and nothing is proved."
        )
        return [none]
    runs = list[Run]()
    if new:
        request = GenerateRequest(scene_id=scene, objects=1, mode="apply")
        runs.append(carried_out(context, GenerateScene(), request, "generate"))
        if runs[0].outcome not in GOOD:
            return runs
    asked = RecoveryRequest(scene_id=scene, mode="apply", make=stage, reason="smoke run after an outage")
    return [*runs, carried_out(context, ExportRecovery(), asked, "recovery")]


def new_trial(catalogue: Catalogue) -> str:
    """An id that no scene has yet, after the catalogue's first pattern for trials."""
    pattern = next(iter(catalogue.test_scene_ids), "test_*")
    return pattern.replace("*", f"smoke-{datetime.now(UTC):%Y%m%d-%H%M%S}", 1).replace("*", "")
