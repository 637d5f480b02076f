"""What follows a restart, as the flow puts it together, without a Prefect server; and scenes that were in flight."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.remediation.batch import threads
from tasks.remediation.context import Context
from tasks.remediation.debt import Rerun
from tasks.remediation.outcome import GOOD
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.scene_generation.procedure import GenerateRequest, GenerateScene
from tasks.simulator_outage.follow import Means, follow
from tasks.simulator_outage.owed import owed_now
from tests.gpu_capacity.shortage import EXPORT, scenes, start_export
from tests.kernel.world import heir
from tests.recovery.world import DATA, until
from tests.simulator_outage.world import outage

TRIAL = "test_kitchen"


def ready_trial(sandbox: Sandbox, upto: str = "variation") -> str:
    """A trial that was never simulated, and is about to be."""
    make_scene(sandbox.store, DATA, TRIAL, "kitchen", objects=1, upto=upto)
    return TRIAL


def means(context: Context, waves: list[list[str]]) -> Means:
    """Trials and recoveries; `waves` takes down which scenes were worked on together."""

    def smoke(scene: str, new: bool) -> list[Run]:
        made = list[Run]()
        if new:
            made.append(run(GenerateScene(), context, GenerateRequest(scene_id=scene, objects=1, mode="apply")))
            if made[0].outcome not in GOOD:
                return made
        request = RecoveryRequest(scene_id=scene, mode="apply", make="genie-sim-run")
        return [*made, run(ExportRecovery(), context, request)]

    def recover(name: str) -> Run:
        return run(ExportRecovery(), context, RecoveryRequest(scene_id=name, mode="apply", accept_systematic=True))

    def wave(group: list[str]) -> list[Run]:
        waves.append(group)
        return threads(recover)(group)

    return Means(lambda: "test_new", smoke, Rerun(PROCEDURE, wave))


def paid(environment: PipelineEnvironment, waves: list[list[str]] | None = None) -> list[Run]:
    """One process that makes what is owed."""
    context, taken = heir(environment), waves if waves is not None else []
    return [follow(context, one, means(context, taken)) for one in owed_now(context)]


def ended(environment: PipelineEnvironment, **options: object) -> list[Run]:
    """One process of the flow: the restart, then what it owes."""
    one = outage(environment, context=heir(environment), **options)
    return [one, *(paid(environment) if one.outcome in GOOD else ())]


def in_flight(sandbox: Sandbox, environment: PipelineEnvironment, count: int) -> list[str]:
    """So many small scenes whose simulation has begun."""
    names = scenes(sandbox, count)
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="hold"))
    for name in names:
        start_export(environment, name)
    return names


def they_fail(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """What was in flight finds no simulator."""
    sandbox.simulator.forgive()
    until(lambda: all(not one.live for one in environment.workflows.executions(EXPORT)))
