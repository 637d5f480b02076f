"""What is asked again and what is not: task runs that meet trouble, and a run that is stopped on its way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from flows.export_recovery import export_recovery
from tests.flows.world import BUCKET, EXPORT, Saved, Started, run, task_runs, wait_for

USD = "usd-assembly-pipeline"


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """An environment whose calls are made once only, so that trouble reaches the task."""
    made = for_sandbox(sandbox.endpoints, limits=CallLimits(attempts=1, call_seconds=30.0))
    yield made
    made.close()


def executions(saved: Saved, workflow: str = EXPORT) -> list[str]:
    """The workflow's executions that did something."""
    found = saved.environment.workflows.executions(workflow)
    return [one.name for one in found if not (isinstance(one.result, dict) and one.result.get("status") == "SKIPPED")]


def test_a_temporary_error_is_retried_by_the_task(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    damage(sandbox.store, BUCKET, kitchen, "export_corrupt")
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=503, times=1))
    state = run(export_recovery, scene_ids=[kitchen])
    assert state.message == "kitchen_001: planned"
    (look,) = task_runs(state)
    assert look.name == "kitchen_001: validate manifests"
    assert look.run_count == 2


def test_a_permanent_error_is_not_retried_and_names_the_permission(
    saved: Saved, sandbox: Sandbox, kitchen: str
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403, times=1))
    state = run(export_recovery, scene_ids=[kitchen])
    assert state.is_failed()
    assert state.message is not None
    assert "storage.objects.list" in state.message
    (look,) = task_runs(state)
    assert look.run_count == 1


def test_a_rerun_whose_end_could_not_be_read_is_looked_for_and_not_started_again(
    saved: Saved, sandbox: Sandbox, kitchen: str
) -> None:
    damage(sandbox.store, BUCKET, kitchen, "export_corrupt")
    sandbox.faults.add(FaultRule(service="executions", method="GetExecution", kind="status", status=503, times=1))
    state = run(export_recovery, scene_ids=[kitchen], mode="apply")
    assert state.message == "kitchen_001: done"
    reruns = [one for one in task_runs(state, lambda runs: len(runs) > 4) if "rerun" in one.name]
    assert [one.run_count for one in reruns] == [2]
    assert len(executions(saved)) == 1


def test_the_kill_switch_stops_a_run_under_way_before_its_next_step(
    saved: Saved, sandbox: Sandbox, kitchen: str
) -> None:
    damage(sandbox.store, BUCKET, kitchen, "usd_missing")
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    started = Started(export_recovery, scene_ids=[kitchen], mode="apply")
    wait_for(lambda: executions(saved, USD), "the rerun to start")
    saved.keep(kill_switch=["ann: bucket migration"])
    sandbox.simulator.forgive()
    state = started.ended()
    assert state.is_failed()
    assert state.message is not None
    assert state.message.startswith(
        "kitchen_001: stopped - All remediation is stopped by the policy's kill switch: ann"
    )
    names = [one.name for one in task_runs(state, lambda runs: any("check" in one.name for one in runs))]
    assert f"kitchen_001: check {USD}" in names, "what only looks goes on"
    assert sandbox.store.get(BUCKET, f"scenes/{kitchen}/usd/scene.usda") is not None
    refused = run(export_recovery, scene_ids=[kitchen], mode="apply")
    assert refused.is_failed()
    saved.keep(kill_switch=[])
    assert run(export_recovery, scene_ids=[kitchen], mode="apply").message == "kitchen_001: done"
    assert len(executions(saved, USD)) == 1
