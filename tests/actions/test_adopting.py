"""Which execution is taken for the run's own, which for the same work, and what its end means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.catalogue import ResultWords
from blocks.errors import PermanentError
from blocks.execution import Execution
from blocks.job_execution import JobExecution, JobState
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.actions import job_runs
from tasks.actions.job_runs import RunJob, run_job
from tasks.actions.workflow_runs import StartWorkflow, adopt, at_it, judge, meaning, same_event, start_workflow, useful
from tasks.pipeline.labels import RUN_LABEL, RUN_VARIABLE
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tests.actions.test_starts import JOB, USD, count_jobs, starting, starting_job, wait_for
from tests.kernel.world import policies
from tests.remediation.world import apply, look

EVENT = {"data": {"bucket": "b", "name": "scenes/a/x"}}


@pytest.mark.parametrize(
    ("theirs", "mine", "same"),
    [
        (EVENT, EVENT, True),
        ({"data": EVENT["data"] | {"generation": "7"}, "id": "1"}, EVENT, True),
        ({"data": {"bucket": "b", "name": "scenes/b/x"}}, EVENT, False),
        ({"data": {"bucket": "c", "name": "scenes/a/x"}}, EVENT, False),
        ({"data": {"bucket": "b"}}, EVENT, False),
        ({"data": "scenes/a/x"}, EVENT, False),
        ({"scene_id": "a"}, EVENT, False),
        ({}, EVENT, False),
        ({"scene_id": "a"}, {"scene_id": "a"}, True),
        ({"scene_id": "a", "force": True}, {"scene_id": "a"}, True),
        ({"scene_id": "b"}, {"scene_id": "a"}, False),
        ({}, {"scene_id": "a"}, False),
        (EVENT, {"scene_id": "a"}, False),
    ],
)
def test_two_arguments_are_about_the_same_when_the_event_or_without_one_the_scene_is(
    theirs: dict[str, Any], mine: dict[str, Any], same: bool
) -> None:
    assert same_event(theirs, mine) == same


WORDS = ResultWords.model_validate(
    {"success": ["ok"], "partial": ["partial"], "nothing_done": ["skipped"], "failed": ["failed", "not ok"]}
)


@pytest.mark.parametrize(
    ("result", "means"),
    [
        ({"status": " OK "}, "success"),
        ({"status": "Partial"}, "partial"),
        ({"status": "skipped"}, "nothing_done"),
        ({"status": "failed"}, "failed"),
        ({"status": "not ok"}, "failed"),
        ({"status": "it is ok"}, "unknown"),
        ({"status": None}, "unknown"),
        ({}, "unknown"),
        ("it is ok", "success"),
        ("it is not ok", "failed"),
        ("partial, the rest failed", "failed"),
        ("", "unknown"),
        (["ok"], "unknown"),
        (7, "unknown"),
        (None, "unknown"),
    ],
)
def test_a_result_is_its_status_or_a_sentence_and_the_bad_words_are_read_first(result: object, means: str) -> None:
    assert meaning(result, WORDS) == means


def ended(state: str = "SUCCEEDED", result: object = None, **more: Any) -> Execution:
    now = datetime.now(UTC)
    told = {"name": "p/x", "workflow": USD, "argument": {}, "labels": {}, "error": None, "created": now, "ended": now}
    return Execution(**(told | {"state": state, "result": result} | more))


@pytest.mark.parametrize(
    ("state", "result", "worth"),
    [
        ("ACTIVE", None, True),
        ("QUEUED", None, True),
        ("SUCCEEDED", {"status": "ok"}, True),
        ("SUCCEEDED", {"status": "partial"}, True),
        ("SUCCEEDED", {"status": "skipped"}, False),
        ("SUCCEEDED", {"status": "failed"}, False),
        ("SUCCEEDED", None, False),
        ("FAILED", {"status": "ok"}, False),
        ("CANCELLED", {"status": "ok"}, False),
    ],
)
def test_only_what_runs_or_did_something_is_worth_adopting(state: str, result: object, worth: bool) -> None:
    assert useful(ended(state, result), WORDS) == worth


@pytest.mark.parametrize("result", [{"status": "SUCCESS"}, {"status": "PARTIAL_SUCCESS"}, "words nobody listed", None])
def test_of_an_end_that_is_not_clearly_bad_the_outputs_decide(context: Context, kitchen: str, result: object) -> None:
    acting = starting(context, kitchen)
    said = judge(acting, start_workflow.read(acting.action), ended(result=result))
    assert said == f"{meaning(result, context.environment.catalogue.workflows[USD].result)}: p/x"


@pytest.mark.parametrize(
    ("execution", "says"),
    [
        (ended("FAILED", error="boom"), "ended FAILED: boom"),
        (ended("CANCELLED"), "ended CANCELLED: no reason given"),
        (ended(result={"status": "SKIPPED", "reason": "locked"}), "says 'locked' .nothing done"),
        (ended(result={"status": "FAILED"}), "says 'FAILED' .failed"),
    ],
)
def test_a_bad_end_says_why_and_which_execution_it_was(
    context: Context, kitchen: str, execution: Execution, says: str
) -> None:
    acting = starting(context, kitchen)
    with pytest.raises(PermanentError, match=f"{USD}.*{says}.*p/x"):
        judge(acting, start_workflow.read(acting.action), execution)


def started(acting: Doing, run: str | None) -> str:
    """An execution for the action's event, of that run or of nobody's."""
    params = start_workflow.read(acting.action)
    labels = {} if run is None else {RUN_LABEL: run}
    return acting.context.environment.workflows.start(USD, dict(params.argument), labels=labels).name


def found(acting: Doing) -> list[str]:
    return [one.name for one in at_it(acting, start_workflow.read(acting.action))]


def test_at_it_are_the_runs_own_and_those_of_nobody_for_the_same_event_oldest_first(
    context: Context, sandbox: Sandbox, kitchen: str
) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    acting = starting(context, kitchen)
    triggered, own = started(acting, None), started(acting, acting.journal.run)
    started(acting, "another-run")
    other = starting(context, "another_scene")
    started(other, None)
    assert found(acting) == [triggered, own]
    params = start_workflow.read(acting.action)
    adopted = adopt(acting, params)
    assert adopted is not None
    assert adopted.name == own, "the run's own goes before anybody else's"


def test_what_had_ended_before_the_run_began_is_not_at_it(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    before = starting(context, kitchen)
    name = started(before, None)
    wait_for(lambda: not context.environment.workflows.execution(name).live)
    acting = starting(context, kitchen)
    assert found(acting) == []
    begun_before = acting.journal.entries[0].at - timedelta(minutes=1)
    acting.journal.entries[0] = acting.journal.entries[0].model_copy(update={"at": begun_before})
    assert found(acting) == [name]


def test_what_is_useless_is_not_adopted(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="skipped"))
    acting = starting(context, kitchen)
    name = started(acting, None)
    wait_for(lambda: not context.environment.workflows.execution(name).live)
    assert found(acting) == [name]
    assert adopt(acting, start_workflow.read(acting.action)) is None


def test_a_trigger_is_waited_for_only_where_one_is_deployed(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    policies(context.environment, trigger_grace_seconds=3600)
    assert apply(start_workflow, starting(context, kitchen)).startswith("success")


def job(state: JobState, message: str = "") -> JobExecution:
    return JobExecution("p/j", JOB, {}, state, datetime.now(UTC), message=message)


PARAMS = RunJob(job=JOB, env={}, timeout_seconds=60)


@pytest.mark.parametrize(
    ("state", "message", "says"),
    [
        ("failed", "out of memory", "failed: out of memory .p/j"),
        ("cancelled", "", "cancelled: no reason given .p/j"),
        ("running", "", "running: no reason given"),
    ],
)
def test_a_job_that_did_not_succeed_says_how_it_ended_and_why(state: str, message: str, says: str) -> None:
    with pytest.raises(PermanentError, match=f"{JOB} {says}"):
        job_runs.judge(PARAMS, job(state, message))


def test_a_job_that_succeeded_names_its_execution() -> None:
    assert job_runs.judge(PARAMS, job("succeeded")) == "succeeded: p/j"


def test_a_job_carries_its_arguments_its_timeout_and_the_run(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    acting = starting_job(context, kitchen)
    apply(run_job, acting)
    (execution,) = context.environment.jobs.executions(JOB)
    params = run_job.read(acting.action)
    assert execution.env.items() >= (params.env | {RUN_VARIABLE: acting.journal.run}).items()
    (made,) = sandbox.run.executions.newest_first(JOB)
    assert made.template.timeout.total_seconds() == params.timeout_seconds
    noted = [entry.data["execution"] for entry in acting.journal.notes(acting.action.key) if "execution" in entry.data]
    assert noted == [execution.name]


def test_only_the_runs_own_execution_of_a_job_is_adopted(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    first, second = starting_job(context, kitchen), starting_job(context, kitchen)
    for _ in range(2):
        apply(run_job, first)
    assert (count_jobs(context), look(run_job, second)) == (1, None)
    apply(run_job, second)
    assert count_jobs(context) == 2
    assert look(run_job, first) != look(run_job, second)


def test_a_running_execution_of_a_job_is_no_result_yet(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="hold"))
    acting = starting_job(context, kitchen)
    params = run_job.read(acting.action)
    env = params.env | {RUN_VARIABLE: acting.journal.run}
    context.environment.jobs.start(JOB, env, timeout_seconds=60)
    assert look(run_job, acting) is None
    sandbox.simulator.forgive()
    assert apply(run_job, acting).startswith("succeeded")
    assert count_jobs(context) == 1


def test_a_workflow_that_nobody_is_at_is_no_result(context: Context, kitchen: str) -> None:
    assert look(start_workflow, starting(context, kitchen)) is None
    assert StartWorkflow(workflow=USD, argument={}, timeout_seconds=1).fired_by == ""
