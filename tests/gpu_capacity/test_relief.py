"""What the procedure does about a shortage, in the sandbox with real clients: limits, order, undo, and what it never does."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tests.gpu_capacity.world import (
    CRITICAL,
    RUNS,
    WAITS,
    actions,
    deployment,
    full_pool,
    job,
    nightly,
    older,
    policy,
    relieve,
    states,
)

POOL = "node pool gpu-pool of blueprint-cluster: 0 to 2 nodes"


def taken_back(environment: PipelineEnvironment, one: Run) -> Run:
    """The undo of a run."""
    request = UndoRequest(subject="@gpu", run=one.id, mode="apply")
    return run(undo(), Context(environment, "bo", gone=lambda _: True), request)


def test_what_can_wait_waits_and_the_pool_grows_so_that_critical_work_runs(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    policy(environment)
    one = relieve(environment)
    assert one.outcome == "done", one.sentence()
    assert actions(one) == [f"Job {WAITS}", "CronJob episode-generation-scheduled", POOL]
    assert states(sandbox) == {CRITICAL: "Running", WAITS: "none", RUNS: "Running"}
    assert any("1 x 8 h x 2 = 16" in note for note in one.notes), one.notes
    assert relieve(environment).outcome == "nothing_to_do"


def test_undo_brings_everything_back_as_it_was(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    full_pool(sandbox)
    deployment(sandbox, "viewer", 2)
    overlay = {"gpu": {"work": [{"kind": "Deployment", "name": "viewer", "criticality": "non_critical"}]}}
    environment.catalogue_overlay = str(overlay).replace("'", '"')
    policy(environment)
    before = environment.cluster.switches.list("Deployment")[0].setting
    one = relieve(environment)
    assert one.outcome == "done", one.sentence()
    assert environment.cluster.switches.list("Deployment")[0].setting == 0
    back = taken_back(environment, one)
    assert back.outcome == "done", back.sentence()
    assert environment.cluster.switches.list("Deployment")[0].setting == before == 2
    info = environment.node_pools.get("gpu-pool")
    assert (info.minimum, info.maximum) == (0, 1)


def test_a_suspended_job_is_resumed_by_the_undo(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    full_pool(sandbox)
    one = relieve(environment)
    assert actions(one) == [f"Job {WAITS}", "CronJob episode-generation-scheduled"]
    assert taken_back(environment, one).outcome == "done"
    assert {work.name: work.setting for work in environment.cluster.switches.list("Job")}[WAITS] == 0
    assert environment.cluster.switches.list("CronJob")[0].setting == 0


def test_without_a_word_of_the_policy_no_node_is_added_and_nothing_that_runs_is_touched(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    one = relieve(environment)
    assert one.outcome == "done"
    assert environment.node_pools.get("gpu-pool").maximum == 1
    assert states(sandbox)[RUNS] == "Running"
    assert any("gpu_nodes_most is 0" in note for note in one.notes), one.notes


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gpu_nodes_most": 1}, "gpu_nodes_most is 1"),
        ({"gpu_budget": 15.0}, "15 is left of the policy's gpu_budget"),
        ({"gpu_node_prices": {}}, "no price for gpu-pool"),
    ],
)
def test_a_pool_grows_within_ceiling_budget_and_known_prices_only(
    sandbox: Sandbox, environment: PipelineEnvironment, changes: dict[str, object], why: str
) -> None:
    full_pool(sandbox)
    policy(environment, **changes)
    one = relieve(environment, "plan")
    assert POOL not in actions(one)
    assert any(why in note for note in one.notes), one.notes


def test_a_pool_does_not_grow_beyond_the_quota_of_compute_engine(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    sandbox.cluster.set_quota("us-central1", "NVIDIA_T4_GPUS", 1)
    policy(environment)
    one = relieve(environment, "plan")
    assert POOL not in actions(one)
    assert any("the quota NVIDIA_T4_GPUS leaves 0 GPUs" in note for note in one.notes), one.notes


def test_running_work_is_interrupted_only_if_the_policy_names_its_class(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    policy(environment, gpu_interrupt=["non_critical"])
    one = relieve(environment)
    assert one.outcome == "done", one.sentence()
    assert one.plan is not None
    assert (one.plan.risk, one.plan.count("delete")) == ("high", 0)
    assert POOL not in actions(one), "the interrupted Job's GPU is enough"
    assert states(sandbox) == {CRITICAL: "Running", WAITS: "none", RUNS: "none"}
    assert len(sandbox.cluster.objects.all("jobs")) == 3, "no Job is deleted"


def test_no_more_is_interrupted_than_it_takes(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.cluster.change_pool("gpu-pool", maximum=3)
    for number in range(3):
        job(sandbox, f"{RUNS}-{number}")
    job(sandbox, CRITICAL)
    older(sandbox, 20)
    policy(environment, gpu_interrupt=["non_critical"])
    assert len(actions(relieve(environment, "plan"))) == 1


def test_when_only_work_that_can_wait_waits_nothing_is_done(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.cluster.change_pool("gpu-pool", maximum=1)
    job(sandbox, RUNS)
    job(sandbox, WAITS)
    older(sandbox, 20)
    policy(environment)
    one = relieve(environment)
    assert one.outcome == "nothing_to_do"
    assert any("can wait" in note for note in one.notes)


def test_when_not_everything_can_be_looked_at_nothing_is_done(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    policy(environment)
    sandbox.faults.add(FaultRule(service="compute", kind="status", status=403))
    one = relieve(environment)
    assert one.outcome == "escalated"
    assert "grant compute.regions.get" in one.reasons[0]
    assert "kubernetes" not in sandbox.requests.mutating()


@pytest.mark.parametrize(("changes", "said"), [({"reason": ""}, "Say why"), ({}, "no cluster")])
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    environment: PipelineEnvironment, changes: dict[str, str], said: str
) -> None:
    from tasks.gpu_capacity.procedure import GpuCapacity, GpuRequest

    environment.cluster.enabled = bool(changes)
    request = GpuRequest(**({"mode": "apply", "reason": "x"} | changes))  # type: ignore[arg-type]
    one = run(GpuCapacity(), Context(environment, "ann"), request)
    assert one.outcome == "refused"
    assert said in one.reasons[0]


def test_schedulers_that_begin_only_what_can_wait_are_paused_and_brought_back(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.scheduler.put_state("scene-generation-daily", "ENABLED")
    full_pool(sandbox)
    nightly(sandbox, "other")
    one = relieve(environment)
    assert sandbox.scheduler.state("scene-generation-daily") == "PAUSED"
    assert sandbox.scheduler.state("genie-sim-import-poller") == "ENABLED"
    assert {work.name: work.setting for work in environment.cluster.switches.list("CronJob")}["other"] == 0, "not named"
    assert taken_back(environment, one).outcome == "done"
    assert sandbox.scheduler.state("scene-generation-daily") == "ENABLED"
