"""One call in five goes wrong, on every service: the scene is recovered all the same, and nothing is started twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tests.recovery.world import DATA, SCENE, healthy, ill, inputs, journals, live, recover, worked

SERVICES = ("storage", "workflows", "executions", "run", "eventarc", "kubernetes")
"""All but Genie Sim, whose health is deliberately asked only once."""
WRITES = (
    ("storage", "objects.insert"),
    ("storage", "objects.delete"),
    ("storage", "objects.rewrite"),
    ("storage", "objects.restore"),
    ("executions", "CreateExecution"),
    ("run", "RunJob"),
)
LIMITS = CallLimits(attempts=12, call_seconds=0.5, total_seconds=60.0, first_wait_seconds=0.005)
"""A call that hangs is given up after half a second."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with another seed each time; the assertions tell it."""
    with Sandbox(job_seconds=0.02) as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """An environment that expects trouble."""
    policy = quick_policy(poll_seconds=0.02, settle_seconds=0.5, lease_seconds=120, start_attempts=8)
    made = for_sandbox(sandbox.endpoints, policy, LIMITS)
    yield made
    made.close()


def one_call_in_five(sandbox: Sandbox) -> None:
    """Every kind of trouble, together on about one call in five."""
    for service in SERVICES:
        for trouble in (
            FaultRule(service=service, kind="status", status=503, probability=0.06),
            FaultRule(service=service, kind="status", status=429, probability=0.06),
            FaultRule(service=service, kind="reset", probability=0.06),
            FaultRule(service=service, kind="hang", seconds=0.7, probability=0.02),
        ):
            sandbox.faults.add(trouble)


def recovered(environment: PipelineEnvironment, sandbox: Sandbox, name: str, *workflows: str) -> None:
    """Recover the scene amid the trouble, then look at it in peace."""
    told = f"{name}, seed {sandbox.faults.seed}"
    before = live(sandbox.store)
    result = recover(environment)
    sandbox.faults.clear()
    assert result.outcome == "done", f"{told}: {result.reasons}"
    assert healthy(environment) == [], told
    assert inputs(environment, live(sandbox.store)) == inputs(environment, before), told
    assert [len(worked(sandbox, workflow)) for workflow in workflows] == [1] * len(workflows), told
    (journal,) = journals(environment, sandbox.store)
    assert journal.ended, told
    assert set(journal.outcomes()) == {action.key for action in journal.plan().actions}, told


LINE = ("usd-assembly-pipeline", "variation-assets-pipeline", "genie-sim-export-pipeline")


@pytest.mark.parametrize(
    ("name", "workflows"),
    [
        ("export_missing", LINE[2:]),
        ("usd_truncated", LINE),
        ("manifest_nan", ("regen3d-pipeline", *LINE)),
        ("replicator_missing", LINE[1:]),
        ("import_manifest_missing", ("genie-sim-import-pipeline",)),
    ],
)
def test_with_one_call_in_five_failing_the_scene_is_recovered_and_nothing_runs_twice(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str, workflows: tuple[str, ...]
) -> None:
    ill(sandbox, name)
    one_call_in_five(sandbox)
    recovered(environment, sandbox, name, *workflows)


@pytest.mark.parametrize("history", [True, False])
def test_with_one_answer_in_five_lost_every_write_still_happens_once(
    environment: PipelineEnvironment, sandbox: Sandbox, history: bool
) -> None:
    ill(sandbox, "usd_missing")
    if not history:
        sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0
    for service, method in WRITES:
        sandbox.faults.add(FaultRule(service=service, method=method, kind="lost_answer", probability=0.2))
    recovered(environment, sandbox, f"usd_missing, history {history}", *LINE)


def test_with_every_first_answer_lost_a_run_is_still_made_once(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "replicator_missing")
    for service, method in WRITES:
        sandbox.faults.add(FaultRule(service=service, method=method, kind="lost_answer", times=1))
    recovered(environment, sandbox, "replicator_missing", *LINE[1:])
    assert len(list(sandbox.run.executions.newest_first("replicator-job"))) == 1


def test_a_service_that_stays_away_leaves_the_run_to_be_continued(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    environment.workflows.limits = LIMITS.model_copy(update={"attempts": 2})
    environment.policy.start_attempts = 1
    environment.policy.settle_seconds = 0.1
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="status", status=429))
    result = recover(environment)
    assert result.outcome == "failed"
    assert "Run it again: it continues where it stopped." in result.reasons[0]
    sandbox.faults.clear()
    again = recover(environment)
    assert (again.outcome, again.id) == ("done", result.id)
    assert len(worked(sandbox, "genie-sim-export-pipeline")) == 1


def test_a_start_that_is_never_answered_and_never_found_is_unknown_and_said_so(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    environment.policy.start_attempts = 2
    environment.policy.settle_seconds = 0.1
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="reset"))
    result = recover(environment)
    assert result.outcome == "unknown"
    assert "genie-sim-export-pipeline for kitchen_001 got no answer 2 times" in result.reasons[0]
    assert sandbox.requests.count("executions", "CreateExecution") == 2
    sandbox.faults.clear()
    assert recover(environment).outcome == "done"
    assert len(worked(sandbox, "genie-sim-export-pipeline")) == 1
    assert healthy(environment, SCENE) == []
