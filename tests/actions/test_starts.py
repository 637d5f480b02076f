"""Starts happen exactly once, whatever the network does, and an execution is judged by what it says it did."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from blocks.catalogue_query import job_env, workflow_argument
from blocks.errors import PermanentError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.actions.job_runs import RunJob, run_job
from tasks.actions.workflow_runs import StartWorkflow, meaning, start_workflow
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tasks.remediation.lease import LeaseLost, lease_name
from tests.remediation.world import apply, doing, look

USD = "usd-assembly-pipeline"
JOB = "replicator-job"


def starting(context: Context, scene_id: str, **more: Any) -> Doing:
    """An action that starts usd-assembly for the scene, in a run that has begun."""
    catalogue = context.environment.catalogue
    argument = workflow_argument(catalogue, USD, bucket="sandbox-scenes", scene_id=scene_id)
    params = {"workflow": USD, "argument": argument, "timeout_seconds": 60} | more
    return doing(context, start_workflow, StartWorkflow(**params), scene_id)


def starting_job(context: Context, scene_id: str) -> Doing:
    env = job_env(context.environment.catalogue, "replicator", bucket="sandbox-scenes", scene_id=scene_id)
    return doing(context, run_job, RunJob(job=JOB, env=env, timeout_seconds=60), scene_id)


def count(context: Context, workflow: str = USD) -> int:
    return len(list(context.environment.workflows.executions(workflow)))


def count_jobs(context: Context) -> int:
    return len(list(context.environment.jobs.executions(JOB)))


def test_a_workflow_is_started_once_and_its_result_read(context: Context, kitchen: str) -> None:
    acting = starting(context, kitchen)
    assert apply(start_workflow, acting).startswith("success: projects/sandbox-project/")
    assert count(context) == 1


def test_the_execution_carries_the_run_and_the_plan(context: Context, kitchen: str) -> None:
    acting = starting(context, kitchen)
    apply(start_workflow, acting)
    (execution,) = context.environment.workflows.executions(USD)
    assert execution.labels["remediation-run"] == acting.journal.run
    assert execution.labels["remediation-plan"] == acting.journal.plan().digest


@pytest.mark.parametrize("kind", ["lost_answer", "reset", "status"])
def test_a_start_without_an_answer_is_looked_for_not_repeated(
    context: Context, sandbox: Sandbox, kitchen: str, kind: Any
) -> None:
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind=kind, status=503, times=1))
    assert apply(start_workflow, starting(context, kitchen)).startswith("success")
    assert count(context) == 1


@pytest.mark.parametrize("kind", ["lost_answer", "reset"])
def test_a_job_start_without_an_answer_is_looked_for_not_repeated(
    context: Context, sandbox: Sandbox, kitchen: str, kind: Any
) -> None:
    sandbox.faults.add(FaultRule(service="run", method="RunJob", kind=kind, times=1))
    assert apply(run_job, starting_job(context, kitchen)).startswith("succeeded")
    assert count_jobs(context) == 1


def test_a_second_process_of_the_same_run_adopts_the_execution(context: Context, kitchen: str) -> None:
    acting = starting(context, kitchen)
    first = apply(start_workflow, acting)
    assert look(start_workflow, acting) == first
    assert apply(start_workflow, acting) == first
    assert count(context) == 1


def test_a_running_execution_of_this_run_is_waited_for(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    acting = starting(context, kitchen)
    thread = threading.Thread(target=apply, args=(start_workflow, acting))
    thread.start()
    wait_for(lambda: count(context) == 1)
    assert look(start_workflow, acting) is None, "it has not ended, so there is nothing to report yet"
    sandbox.simulator.forgive()
    thread.join()
    assert str(look(start_workflow, acting)).startswith("success")
    assert count(context) == 1


def test_nothing_is_started_beside_somebody_elses_execution(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    argument = workflow_argument(context.environment.catalogue, USD, bucket="sandbox-scenes", scene_id=kitchen)
    theirs = context.environment.workflows.start(USD, argument, labels={})
    time.sleep(5.2)  # further back than two clocks may differ: it was there before this run began
    acting = starting(context, kitchen)
    acting.action.params["argument"] = argument
    with pytest.raises(PermanentError, match="already at work"):
        apply(start_workflow, acting)
    context.environment.workflows.cancel(theirs.name)
    assert count(context) == 1


def test_what_a_trigger_started_meanwhile_is_adopted(context: Context, kitchen: str) -> None:
    acting = starting(context, kitchen, fired_by="usd-assembly-trigger")
    argument = acting.action.params["argument"]
    assert isinstance(argument, dict)
    context.environment.workflows.start(USD, argument, labels={})
    apply(start_workflow, acting)
    assert count(context) == 1


def test_without_the_trigger_it_is_started_after_a_while(context: Context, kitchen: str) -> None:
    context.environment.policy.trigger_grace_seconds = 0.2
    apply(start_workflow, starting(context, kitchen, fired_by="usd-assembly-trigger"))
    assert count(context) == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [("skipped", "nothing done"), ("failed_result", "failed"), ("raise", "ended FAILED")],
)
def test_an_execution_that_did_not_do_it_is_a_failure(
    context: Context, sandbox: Sandbox, kitchen: str, fault: Any, says: str
) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind=fault))
    with pytest.raises(PermanentError, match=says):
        apply(start_workflow, starting(context, kitchen))


def test_waiting_has_an_end_and_leaves_the_execution_alone(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    context.environment.policy.wait_seconds = 0.3
    with pytest.raises(PermanentError, match="still running"):
        apply(start_workflow, starting(context, kitchen))
    (execution,) = context.environment.workflows.executions(USD)
    assert execution.live


def test_a_failed_job_says_why(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise"))
    acting = starting_job(context, kitchen)
    with pytest.raises(PermanentError, match="failed"):
        apply(run_job, acting)
    with pytest.raises(PermanentError, match="failed"):
        look(run_job, acting)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"status": "SUCCESS"}, "success"),
        ({"status": "success"}, "success"),
        ({"status": "SKIPPED", "reason": "locked"}, "nothing_done"),
        ({"status": "FAILED"}, "failed"),
        ({"status": "PARTIAL_SUCCESS"}, "partial"),
        ({"something": 1}, "unknown"),
        (None, "unknown"),
    ],
)
def test_a_result_is_read_in_the_workflows_own_words(context: Context, result: object, expected: str) -> None:
    assert meaning(result, context.environment.catalogue.workflows[USD].result) == expected


def test_a_sentence_that_tells_of_a_failure_is_one(context: Context) -> None:
    vocabulary = context.environment.catalogue.workflows["interactive-pipeline"].result
    assert meaning("Interactive job failed for scene kitchen_001", vocabulary) == "failed"


def wait_for(true: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("lost", ["lost_answer", "reset"])
def test_a_start_that_shows_up_late_in_listings_is_not_made_twice(
    context: Context, sandbox: Sandbox, kitchen: str, lost: Any
) -> None:
    """The answer is lost, and for half a second nothing with this run's label is listed."""
    context.environment.policy.settle_seconds = 5.0
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="late_listing", seconds=0.5))
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind=lost, times=1))
    assert apply(start_workflow, starting(context, kitchen)).startswith("success")
    assert len([one for one in sandbox.workflows.executions.newest_first(USD) if not one.skipped]) == 1


def test_a_job_start_that_shows_up_late_in_listings_is_not_made_twice(
    context: Context, sandbox: Sandbox, kitchen: str
) -> None:
    context.environment.policy.settle_seconds = 5.0
    sandbox.faults.add(FaultRule(service="run", method="RunJob", kind="late_listing", seconds=0.5))
    sandbox.faults.add(FaultRule(service="run", method="RunJob", kind="lost_answer", times=1))
    assert apply(run_job, starting_job(context, kitchen)).startswith("succeeded")
    assert len(list(sandbox.run.executions.newest_first(JOB))) == 1


def test_a_start_is_announced_in_the_journal_before_it_is_made(context: Context, kitchen: str) -> None:
    acting = starting(context, kitchen)
    apply(start_workflow, acting)
    assert acting.journal.started() == 1
    apply(start_workflow, acting)
    assert acting.journal.started() == 1, "what is adopted is no start"


def test_a_start_is_not_made_without_the_lease(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    """Another run has taken the subject over between the plan and the start; this process's clocks do not know."""
    acting = starting(context, kitchen)
    with context.holding(kitchen, acting.journal.run) as lease:
        acting.run.leases = [lease]
        found = sandbox.store.get("sandbox-ops", lease_name(kitchen))
        assert found is not None
        sandbox.store.put("sandbox-ops", lease_name(kitchen), found.data, quiet=True)
        with pytest.raises(LeaseLost):
            apply(start_workflow, acting)
    assert count(context) == 0


def test_what_started_between_the_question_for_the_lease_and_the_start_is_adopted(
    context: Context, sandbox: Sandbox, kitchen: str
) -> None:
    acting = starting(context, kitchen)
    labels = {"remediation-run": acting.journal.run}
    argument = dict(acting.action.params["argument"])  # type: ignore[arg-type]

    class Late:
        """A lease whose renewal takes so long that an earlier attempt's start gets through meanwhile."""

        def check(self) -> None:
            """Fine."""

        def confirm(self) -> None:
            """The earlier start takes effect now."""
            context.environment.workflows.start(USD, argument, labels=labels)

    acting.run.leases = [Late()]  # type: ignore[list-item]
    apply(start_workflow, acting)
    assert count(context) == 1
