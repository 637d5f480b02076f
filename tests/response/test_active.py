"""What runs is named with the lock it would leave; nothing is cancelled."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Noted
from tasks.response.active import Active, active_executions, active_sentence
from tests.response.world import DATA, SCENE, carried, incident_of

FLOW, LOCK = "usd-assembly-pipeline", f"scenes/{SCENE}/locks/usd-assembly.lock"
EVENT = {"data": {"bucket": DATA_BUCKET, "name": f"scenes/{SCENE}/assets/.regen3d_complete"}}


def running(sandbox: Sandbox, environment: PipelineEnvironment) -> str:
    """An execution that has taken its lock and does not end; its full name."""
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="regen3d")
    sandbox.simulator.behave(SimulatorFault(workflow=FLOW, kind="hold"))
    name = environment.workflows.start(FLOW, EVENT, labels={}).name
    deadline = time.monotonic() + 60
    while sandbox.store.get(DATA, LOCK) is None:
        assert time.monotonic() < deadline, "it takes no lock"
        time.sleep(0.01)
    return name


def test_a_running_execution_is_named_with_the_lock_that_it_would_leave(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    name = running(sandbox, environment)
    (found,), unknown = active_executions(environment)
    assert unknown == []
    assert (found.execution, found.workflow, found.scene) == (name, FLOW, SCENE)
    assert found.locks == (f"gs://{DATA}/{LOCK}",)
    assert found.row()["cancelled, it would leave"] == f"gs://{DATA}/{LOCK}"


def test_the_lock_of_another_execution_is_not_its_own(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    running(sandbox, environment)
    sandbox.store.put(DATA, LOCK, b'{"execution_id": "another-one"}', quiet=True)
    (found,), _ = active_executions(environment)
    assert found.locks == ()
    assert found.row()["cancelled, it would leave"] == "no lock that is known"


def test_a_lock_that_could_not_be_looked_for_is_unknown(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    running(sandbox, environment)
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    (found,), _ = active_executions(environment)
    assert str(found.row()["cancelled, it would leave"]).startswith("unknown: Could not list")


def test_a_workflow_that_does_not_answer_is_named(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="executions", method="ListExecutions", kind="status", status=403, times=1))
    found, unknown = active_executions(environment)
    assert len(unknown) == 1
    assert active_sentence(found, unknown).startswith("No execution is running. Not known: Could not list")


def test_the_response_cancels_nothing_and_says_what_runs(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    name = running(sandbox, environment)
    incident = incident_of(carried(environment))
    assert sandbox.requests.count("executions", "CancelExecution") == 0
    assert environment.workflows.execution(name).live
    ((_, said),) = incident.all_of(Noted)
    assert said.text.startswith("1 execution running, none was cancelled: ")
    assert f"{FLOW} {name.rpartition('/')[2]} on {SCENE} (cancelled, it would leave gs://{DATA}/{LOCK})" in said.text


def test_of_many_that_run_the_first_are_named_and_all_are_counted(environment: PipelineEnvironment) -> None:
    one = Active("projects/p/locations/l/workflows/w/executions/e", "w", "", datetime(2026, 1, 18, tzinfo=UTC))
    said = active_sentence([one] * 12, [])
    assert said.startswith(
        "12 executions running, none was cancelled: w e on no scene (cancelled, it would leave no lock"
    )
    assert said.endswith(" and 7 more.")
