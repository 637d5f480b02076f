"""Cloud Workflows of the sandbox, asked by Google's own clients."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud.workflows import executions_v1

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import LOCATION
from deployments.sandbox.pipeline.simulator_failures import WorkflowFailed
from tests.sandbox.service_world import World, services, until

USD = "usd-assembly-pipeline"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def listed(world: World) -> list[executions_v1.Execution]:
    return list(world.executions_client.list_executions(parent=f"{LOCATION}/workflows/{USD}"))


def test_every_workflow_of_the_catalogue_is_deployed_and_listed_over_pages(world: World) -> None:
    pager = world.workflows_client.list_workflows(request={"parent": LOCATION, "page_size": 5})
    pages = [[workflow.name.rpartition("/")[2] for workflow in page.workflows] for page in pager.pages]
    assert [name for page in pages for name in page] == sorted(world.catalogue.workflows)
    assert {len(page) for page in pages[:-1]} == {5}


def test_a_deployed_workflow_is_active_and_has_a_revision(world: World) -> None:
    workflow = world.workflows_client.get_workflow(name=f"{LOCATION}/workflows/{USD}")
    assert workflow.state.name == "ACTIVE"
    assert workflow.revision_id.startswith("000001-")


def test_a_workflow_that_was_taken_away_is_not_found_until_it_is_back(world: World) -> None:
    name = f"{LOCATION}/workflows/{USD}"
    before = world.ended_workflow(world.start_workflow(USD).name)
    world.workflows.deployed.put(USD, False)
    for ask in (
        lambda: world.workflows_client.get_workflow(name=name),
        lambda: world.start_workflow(USD),
        lambda: listed(world),
        lambda: world.executions_client.get_execution(name=before.name),
    ):
        with pytest.raises(exceptions.NotFound):
            ask()
    world.workflows.deployed.put(USD, True)
    assert [execution.name for execution in listed(world)] == [before.name]


def test_an_execution_ends_with_its_result_as_json_text(world: World) -> None:
    world.script.result = {"status": "SUCCESS", "outputs": {"usd": "scenes/a/usd/scene.usda"}}
    started = world.start_workflow(USD, '{"data": {"name": "x"}}', run="r-1", plan="abc")
    assert started.state.name == "ACTIVE"
    ended = world.ended_workflow(started.name)
    assert (ended.state.name, json.loads(ended.result)) == ("SUCCEEDED", world.script.result)
    assert (json.loads(ended.argument), dict(ended.labels)) == ({"data": {"name": "x"}}, {"run": "r-1", "plan": "abc"})
    assert ended.end_time >= ended.start_time
    assert world.script.calls == [(USD, {"data": {"name": "x"}})]


def test_a_workflow_that_raises_ends_as_failed_with_its_message(world: World) -> None:
    world.script.failure = WorkflowFailed("simready-job failed")
    told = []
    world.workflows.failed.append(told.append)
    ended = world.ended_workflow(world.start_workflow(USD).name)
    assert (ended.state.name, json.loads(ended.error.payload), ended.result) == ("FAILED", "simready-job failed", "")
    assert [execution.name for execution in told] == [ended.name]


@pytest.mark.parametrize(
    ("argument", "labels"),
    [("{", {}), ("[1]", {}), ("{}", {"Run": "a"}), ("{}", {"run": "A"}), ("{}", {"run": "x" * 64}), ("{}", {"9": "a"})],
)
def test_an_execution_with_a_malformed_argument_or_label_is_not_started(
    world: World, argument: str, labels: dict[str, str]
) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        world.start_workflow(USD, argument, **labels)
    assert listed(world) == []


@pytest.mark.parametrize("name", ["", "usd", f"{LOCATION}/jobs/a", f"{LOCATION}/workflows/a/b"])
def test_a_malformed_resource_name_is_an_invalid_argument(world: World, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        world.workflows_client.get_workflow(name=name)


def test_a_cancelled_execution_stays_cancelled_and_its_work_is_told(world: World) -> None:
    world.script.hold.clear()
    started = world.start_workflow(USD)
    until(lambda: world.script.calls)
    cancelled = world.executions_client.cancel_execution(name=started.name)
    assert cancelled.state.name == "CANCELLED"
    until(lambda: world.workflows.executions.get(started.name).cancelled.is_set())
    with pytest.raises(exceptions.FailedPrecondition):
        world.executions_client.cancel_execution(name=started.name)
    time.sleep(0.05)  # the work returns a result now; it must not count
    seen = world.executions_client.get_execution(name=started.name)
    assert (seen.state.name, seen.result) == ("CANCELLED", "")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, exceptions.InvalidArgument), (401, exceptions.Unauthenticated), (409, exceptions.Aborted),
        (412, exceptions.FailedPrecondition), (418, exceptions.Unknown), (501, exceptions.MethodNotImplemented),
        (403, exceptions.PermissionDenied), (404, exceptions.NotFound), (429, exceptions.ResourceExhausted),
        (500, exceptions.InternalServerError), (503, exceptions.ServiceUnavailable), (504, exceptions.DeadlineExceeded),
    ],
)  # fmt: skip
def test_a_status_fault_answers_its_code_and_starts_nothing(
    world: World, status: int, error: type[exceptions.GoogleAPICallError]
) -> None:
    world.faults.add(FaultRule(service="executions", method="CreateExecution", kind="status", status=status, times=1))
    with pytest.raises(error):
        world.start_workflow(USD)
    assert listed(world) == []
    assert world.start_workflow(USD).state.name == "ACTIVE"


@pytest.mark.parametrize(("kind", "started"), [("reset", 0), ("lost_answer", 1)])
def test_a_broken_connection_is_unavailable_and_only_a_lost_answer_has_an_effect(
    world: World, kind: str, started: int
) -> None:
    world.faults.add(FaultRule(service="executions", method="CreateExecution", kind=kind, times=1))
    with pytest.raises(exceptions.ServiceUnavailable):
        world.start_workflow(USD)
    assert len(listed(world)) == started


def test_a_hanging_call_ends_with_the_callers_deadline_and_starts_nothing(world: World) -> None:
    world.faults.add(FaultRule(service="executions", method="CreateExecution", kind="hang", seconds=30, times=1))
    begun = time.monotonic()
    with pytest.raises(exceptions.DeadlineExceeded):
        world.executions_client.create_execution(parent=f"{LOCATION}/workflows/{USD}", timeout=0.2)
    assert time.monotonic() - begun < 20
    assert listed(world) == []


def test_a_slow_call_answers_after_its_latency(world: World) -> None:
    world.faults.add(FaultRule(service="workflows", kind="latency", seconds=0.2))
    begun = time.monotonic()
    world.workflows_client.get_workflow(name=f"{LOCATION}/workflows/{USD}")
    assert time.monotonic() - begun >= 0.2


def test_every_call_is_counted_by_the_name_of_its_rpc(world: World) -> None:
    world.start_workflow(USD)
    listed(world)
    assert world.requests.snapshot() == {"executions.CreateExecution": 1, "executions.ListExecutions": 1}
