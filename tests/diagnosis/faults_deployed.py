"""Faults of what is deployed and of what runs: jobs, triggers, pods, executions."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.executions import Execution
from tasks.delivery.tickets import Held, Ticket, write_ticket
from tests.blocks.test_gke import manifest
from tests.diagnosis.faults_written import KITCHEN, Fault
from tests.diagnosis.world import (
    EXPORT,
    IMPORT,
    SIMREADY,
    TRIGGER,
    USD,
    bad_image,
    cancelled_with_lock,
    delete_trigger,
    deploy_image,
    held,
    scene,
    start,
    until,
)
from tests.doctor.world import trigger


def simulated(workflow: str, kind: Any, upto: str, named: bool = False) -> Fault:
    """A workflow that misbehaves on a scene."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, upto=upto)
        sandbox.simulator.behave(SimulatorFault(workflow=workflow, kind=kind))
        start(sandbox, environment, workflow, KITCHEN)
        return (KITCHEN,) if named else ()

    return fault


def gone(kind: str, name: str) -> Fault:
    """Something that is not deployed."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        {"workflow": sandbox.workflows.deployed, "job": sandbox.run.deployed}[kind].put(name, False)
        return ()

    return fault


def not_ready(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    sandbox.run.images.put("registry/gone:v3", False)
    with suppress(OutsideError):
        deploy_image(environment, SIMREADY, "registry/gone:v3")
    return ()


def image(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    for name in ("image-1", "image-2"):
        scene(sandbox, name)
    bad_image(sandbox, environment, ["image-1", "image-2"])
    return ()


def no_trigger(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    delete_trigger(sandbox)
    return ()


def misdirected(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    trigger(TRIGGER, bucket="somebody-elses")(sandbox, environment)
    return ()


def holding(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    now = datetime.now(UTC)
    one = Held(trigger=TRIGGER, workflow=USD, subscription="projects/p/subscriptions/s", push_config={})
    write_ticket(
        environment,
        Ticket(
            run="20261127t120000z-abc", procedure="pause-intake", lease="@intake", subject="@intake", owner="ann",
            made_at=now, deadline=now + timedelta(hours=4), held=(one,),
        ),
    )  # fmt: skip
    return ()


def genie_sim(state: Any) -> Fault:
    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        sandbox.genie_sim.switch(state)
        return ()

    return fault


def locked(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN)
    cancelled_with_lock(sandbox, environment, KITCHEN)
    start(sandbox, environment, USD, KITCHEN)  # answers SKIPPED
    return ()


def pod(state: Any, minutes: float) -> Fault:
    """A GPU Job whose pod stands so, since as long ago as that."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        sandbox.cluster.create("blueprint", manifest("geniesim-gpu-kitchen-1-1"))
        sandbox.cluster.set_state("blueprint", "geniesim-gpu-kitchen-1-1", state)
        (made,) = sandbox.cluster.objects.all("pods", "blueprint")
        since = datetime.now(UTC) - timedelta(minutes=minutes)
        meta = {**made["metadata"], "creationTimestamp": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
        sandbox.cluster.objects.put("pods", {**made, "metadata": meta})
        return ()

    return fault


def running(workflow: str, upto: str, *, times: int = 1, **age: float) -> Fault:
    """Executions that run, since as long ago as that."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, upto=upto)
        for _ in range(times):
            held(sandbox, environment, workflow, KITCHEN, **age)
        return ()

    return fault


def failed_alone(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN, upto="isaac-lab")
    name = environment.workflows.start(IMPORT, {"scene_id": KITCHEN}, labels={}).name  # without its other keys
    wait_for(sandbox, name)
    return ()


def cancelled(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN, upto="variation")
    sandbox.workflows.executions.cancel(held(sandbox, environment, EXPORT, KITCHEN))
    return ()


def wait_for(sandbox: Sandbox, name: str) -> Execution:
    found = sandbox.workflows.executions.get(name)
    assert found is not None
    until(lambda: found.state != "ACTIVE")
    return found
