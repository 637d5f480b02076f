"""Cloud Run jobs of the sandbox, asked by Google's own clients."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.longrunning import operations_pb2

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import LOCATION
from deployments.sandbox.pipeline.simulator_failures import JobFailed
from tests.sandbox.service_world import World, services, until

JOB = "simready-job"
Override = run_v2.RunJobRequest.Overrides.ContainerOverride


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def run(world: World, job: str = JOB, timeout_seconds: int | None = None, **env: str) -> run_v2.Execution:
    """Start a job as its caller does: the operation's metadata is the execution."""
    overrides = run_v2.RunJobRequest.Overrides(
        container_overrides=[Override(env=[run_v2.EnvVar(name=name, value=value) for name, value in env.items()])],
        timeout=timedelta(seconds=timeout_seconds) if timeout_seconds else None,
    )
    request = run_v2.RunJobRequest(name=f"{LOCATION}/jobs/{job}", overrides=overrides)
    return world.jobs_client.run_job(request=request, timeout=60).metadata


def ended(world: World, name: str) -> run_v2.Execution:
    return until(lambda: world.job_executions_client.get_execution(name=name), lambda one: bool(one.completion_time))


def counts(execution: run_v2.Execution) -> tuple[int, int, int, int]:
    return (
        execution.running_count, execution.succeeded_count, execution.failed_count, execution.cancelled_count,
    )  # fmt: skip


def test_every_job_of_the_catalogue_is_deployed_and_listed_over_pages(world: World) -> None:
    pager = world.jobs_client.list_jobs(request={"parent": LOCATION, "page_size": 7})
    names = [job.name.rpartition("/")[2] for page in pager.pages for job in page.jobs]
    assert names == sorted(world.catalogue.jobs)


def test_a_job_tells_its_image_and_its_latest_execution(world: World) -> None:
    execution = run(world)
    job = world.jobs_client.get_job(name=f"{LOCATION}/jobs/{JOB}")
    assert job.template.template.containers[0].image.endswith(f"/{JOB}:latest")
    assert (job.execution_count, job.latest_created_execution.name) == (1, execution.name.rpartition("/")[2])


def test_a_job_that_was_taken_away_is_not_found(world: World) -> None:
    world.run.deployed.put(JOB, False)
    with pytest.raises(exceptions.NotFound):
        world.jobs_client.get_job(name=f"{LOCATION}/jobs/{JOB}")
    with pytest.raises(exceptions.NotFound):
        run(world)


def test_an_execution_shows_the_environment_and_timeout_it_was_started_with(world: World) -> None:
    execution = run(world, timeout_seconds=77, SCENE_ID="a", CONVERT_ONLY="true")
    seen = world.job_executions_client.get_execution(name=execution.name)
    env = {variable.name: variable.value for variable in seen.template.containers[0].env}
    assert env == {"SCENE_ID": "a", "CONVERT_ONLY": "true"}
    assert seen.template.timeout == timedelta(seconds=77)
    until(lambda: world.script.calls == [(JOB, env)])


def test_without_a_timeout_the_catalogues_counts(world: World) -> None:
    job = next(name for name, job in world.catalogue.jobs.items() if job.timeout_seconds)
    assert run(world, job).template.timeout == timedelta(seconds=world.catalogue.jobs[job].timeout_seconds)


def test_an_execution_runs_then_succeeds(world: World) -> None:
    world.script.hold.clear()
    execution = run(world)
    assert (counts(execution), execution.conditions[0].state.name) == ((1, 0, 0, 0), "CONDITION_RECONCILING")
    assert not execution.completion_time
    world.script.hold.set()
    done = ended(world, execution.name)
    assert (counts(done), done.conditions[0].type_) == ((0, 1, 0, 0), "Completed")
    assert done.conditions[0].state.name == "CONDITION_SUCCEEDED"


def test_a_job_that_fails_tells_why(world: World) -> None:
    world.script.failure = JobFailed("exit code 1: no mesh")
    done = ended(world, run(world).name)
    condition = done.conditions[0]
    assert (counts(done), condition.state.name) == ((0, 0, 1, 0), "CONDITION_FAILED")
    assert (condition.message, condition.execution_reason.name) == ("exit code 1: no mesh", "NON_ZERO_EXIT_CODE")


def test_the_operation_of_a_run_is_done_when_the_execution_is(world: World) -> None:
    world.script.hold.clear()
    operation = world.jobs_client.run_job(name=f"{LOCATION}/jobs/{JOB}")
    assert not operation.done()
    world.script.hold.set()
    assert operation.result(timeout=60).name == operation.metadata.name
    request = operations_pb2.GetOperationRequest(name=operation.operation.name)
    assert world.jobs_client.get_operation(request=request).done


def test_the_operation_of_a_failed_run_raises(world: World) -> None:
    world.script.failure = JobFailed("exit code 1")
    with pytest.raises(exceptions.GoogleAPICallError, match="exit code 1"):
        world.jobs_client.run_job(name=f"{LOCATION}/jobs/{JOB}").result(timeout=60)


def test_executions_are_listed_newest_first_for_a_job_and_for_all(world: World) -> None:
    first, other, second = run(world).name, run(world, "usd-assembly-job").name, run(world).name

    def listed(job: str) -> list[str]:
        request = {"parent": f"{LOCATION}/jobs/{job}", "page_size": 1}
        return [execution.name for execution in world.job_executions_client.list_executions(request=request)]

    assert listed(JOB) == [second, first]
    assert listed("-") == [second, other, first]


def test_a_cancelled_execution_ends_as_cancelled_once(world: World) -> None:
    world.script.hold.clear()
    execution = run(world)
    world.job_executions_client.cancel_execution(name=execution.name).result(timeout=60)
    done = ended(world, execution.name)
    assert (counts(done), done.conditions[0].execution_reason.name) == ((0, 0, 0, 1), "CANCELLED")
    with pytest.raises(exceptions.FailedPrecondition):
        world.job_executions_client.cancel_execution(name=execution.name)


@pytest.mark.parametrize(
    ("kind", "error", "started"),
    [
        ("status", exceptions.ServiceUnavailable, 0),
        ("reset", exceptions.ServiceUnavailable, 0),
        ("lost_answer", exceptions.ServiceUnavailable, 1),
    ],
)
def test_only_a_lost_answer_to_run_job_has_an_effect(
    world: World, kind: str, error: type[Exception], started: int
) -> None:
    world.faults.add(FaultRule(service="run", method="RunJob", kind=kind, times=1))
    with pytest.raises(error):
        run(world)
    assert len(list(world.job_executions_client.list_executions(parent=f"{LOCATION}/jobs/{JOB}"))) == started


# A job that is not ready


def update(world: World, image: str) -> Any:
    job = world.jobs_client.get_job(name=f"{LOCATION}/jobs/{JOB}")
    job.template.template.containers[0].image = image
    return world.jobs_client.update_job(job=job)


def ready(world: World) -> run_v2.Condition:
    return world.jobs_client.get_job(name=f"{LOCATION}/jobs/{JOB}").terminal_condition


def test_an_update_to_an_image_that_is_not_there_leaves_the_job_not_ready(world: World) -> None:
    good = world.jobs_client.get_job(name=f"{LOCATION}/jobs/{JOB}").template.template.containers[0].image
    world.run.images.put("host/missing:v2", False)
    with pytest.raises(exceptions.GoogleAPICallError, match="'host/missing:v2' not found"):
        update(world, "host/missing:v2").result(timeout=60)
    found = ready(world)
    assert (found.type_, found.state.name, found.reason.name) == ("Ready", "CONDITION_FAILED", "CONTAINER_MISSING")
    with pytest.raises(exceptions.FailedPrecondition, match="not ready"):
        run(world)
    assert list(world.job_executions_client.list_executions(parent=f"{LOCATION}/jobs/{JOB}")) == []
    assert update(world, good).result(timeout=60).terminal_condition.state.name == "CONDITION_SUCCEEDED"
    assert run(world).name


def test_an_image_that_goes_later_is_found_missing_at_the_next_update_only(world: World) -> None:
    world.run.images.put("host/there:v1", False)
    world.run.images.put("host/there:v1", True)
    update(world, "host/there:v1").result(timeout=60)
    world.run.images.put("host/there:v1", False)
    assert ready(world).state.name == "CONDITION_SUCCEEDED"


# Tasks


@pytest.mark.parametrize(("failure", "code"), [(None, 0), (JobFailed("exit code 1"), 1)])
def test_an_execution_has_one_task_that_tells_how_it_ended(world: World, failure: JobFailed | None, code: int) -> None:
    world.script.failure = failure
    execution = ended(world, run(world, SCENE_ID="a").name)
    (task,) = world.tasks_client.list_tasks(parent=execution.name)
    assert world.tasks_client.get_task(name=task.name) == task
    assert (task.execution, task.job, task.last_attempt_result.exit_code) == (
        execution.name.rpartition("/")[2],
        JOB,
        code,
    )
    assert task.conditions[0].type_ == "Completed"
    assert [one.value for one in task.containers[0].env] == ["a"]


def test_a_task_that_is_not_there_is_not_found(world: World) -> None:
    execution = run(world).name
    for ask, name in ((world.tasks_client.get_task, f"{execution}/tasks/other"),
                      (world.tasks_client.get_task, f"{execution}x/tasks/a")):  # fmt: skip
        with pytest.raises(exceptions.NotFound):
            ask(name=name)
    with pytest.raises(exceptions.NotFound):
        list(world.tasks_client.list_tasks(parent=f"{execution}x"))
