"""Listings that do not show an execution yet although it runs, and the count of the requests that ask for a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests
from google.api_core import exceptions
from google.cloud.workflows import executions_v1
from google.pubsub_v1 import PushConfig

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET, LOCATION, PROJECT
from deployments.sandbox.server import Sandbox
from tests.sandbox.service_world import World, bucket, control, services, until

FLOW = "usd-assembly-pipeline"
JOB = f"{LOCATION}/jobs/simready-job"
MARKER = "scenes/a/assets/.regen3d_complete"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def late(world: World, service: str, method: str, seconds: float, times: int | None = None) -> None:
    rule = FaultRule(service=service, method=method, kind="late_listing", seconds=seconds, times=times)
    world.faults.add(rule)


def executions(world: World) -> list[str]:
    return [one.name for one in world.executions_client.list_executions(parent=f"{LOCATION}/workflows/{FLOW}")]


def runs(world: World, job: str = JOB) -> list[str]:
    return [one.name for one in world.job_executions_client.list_executions(parent=job)]


def test_a_late_execution_runs_and_can_be_fetched_by_name_but_is_not_listed(world: World) -> None:
    late(world, "executions", "CreateExecution", 3600, times=1)
    name, listed = world.start_workflow(FLOW).name, world.start_workflow(FLOW).name
    assert world.ended_workflow(name).state.name == "SUCCEEDED"
    assert executions(world) == [listed]


def test_a_late_execution_is_listed_after_its_seconds(world: World) -> None:
    late(world, "executions", "CreateExecution", 0.2)
    name = world.start_workflow(FLOW).name
    assert until(lambda: executions(world)) == [name]


def test_what_an_event_starts_is_late_too(world: World) -> None:
    late(world, "executions", "CreateExecution", 3600)
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    until(lambda: any(flow == FLOW for flow, _ in world.script.calls))
    assert executions(world) == []


def test_a_late_run_of_a_job_is_in_no_listing_nor_in_the_jobs_own_count(world: World) -> None:
    late(world, "run", "RunJob", 3600, times=1)
    name = world.jobs_client.run_job(name=JOB, timeout=60).metadata.name
    assert world.job_executions_client.get_execution(name=name).name == name
    assert runs(world) == runs(world, f"{LOCATION}/jobs/-") == []
    assert world.jobs_client.get_job(name=JOB).execution_count == 0


def test_an_answer_can_be_lost_and_the_listing_late_at_once(world: World) -> None:
    late(world, "executions", "CreateExecution", 0.2, times=1)
    world.faults.add(FaultRule(service="executions", method="CreateExecution", kind="lost_answer", times=1))
    with pytest.raises(exceptions.ServiceUnavailable):
        world.start_workflow(FLOW)
    assert len(until(lambda: executions(world))) == 1
    assert world.faults.rules == []


def test_a_late_listing_spoils_no_answer(world: World) -> None:
    late(world, "*", "*", 3600)
    assert executions(world) == []
    assert world.faults.draw("executions", "CreateExecution") is None


def test_a_late_listing_is_asked_for_over_the_control_interface() -> None:
    with Sandbox(job_seconds=0.01) as sandbox:
        rule = {"service": "executions", "method": "CreateExecution", "kind": "late_listing", "seconds": 3600}
        control(sandbox, "POST", "faults", rule)
        control(sandbox, "POST", "faults", rule | {"seconds": -1}, status=400)
        bucket(sandbox).blob(MARKER).upload_from_string("{}")
        shown = until(lambda: control(sandbox, "GET", "executions?skipped=true")["workflows"])
        assert shown, "the control interface tells what is, not what a listing shows"


# What asks for a change


def mutating(world: World) -> dict[str, int]:
    return world.requests.mutating()


def test_requests_that_only_look_are_not_counted_as_mutating(world: World) -> None:
    for look in (
        lambda: list(world.workflows_client.list_workflows(parent=LOCATION)),
        lambda: executions(world),
        lambda: list(world.jobs_client.list_jobs(parent=LOCATION)),
        lambda: runs(world),
        lambda: list(world.eventarc_client.list_triggers(parent=LOCATION)),
        lambda: list(world.scheduler_client.list_jobs(parent=LOCATION)),
        lambda: list(world.subscriber_client.list_subscriptions(project=f"projects/{PROJECT}")),
    ):
        look()
    assert len(world.requests.snapshot()) == 7
    assert mutating(world) == {"total": 0}


CHANGES: dict[str, Callable[[World], object]] = {
    "executions": lambda world: world.start_workflow(FLOW),
    "run": lambda world: world.jobs_client.run_job(name=JOB),
    "scheduler": lambda world: world.scheduler_client.pause_job(name=f"{LOCATION}/jobs/genie-sim-import-poller"),
    "pubsub": lambda world: world.subscriber_client.modify_push_config(
        subscription=f"projects/{PROJECT}/subscriptions/eventarc-us-central1-usd-assembly-trigger-sub-000",
        push_config=PushConfig(),
    ),
}


@pytest.mark.parametrize("service", CHANGES)
def test_a_change_counts_once_for_its_service_and_in_the_total(world: World, service: str) -> None:
    CHANGES[service](world)
    assert mutating(world) == {"total": 1, service: 1}


def test_a_change_that_is_refused_counts_as_well(world: World) -> None:
    with pytest.raises(exceptions.NotFound):
        parent = f"{LOCATION}/workflows/absent"
        world.executions_client.create_execution(parent=parent, execution=executions_v1.Execution())
    assert mutating(world) == {"total": 1, "executions": 1}


def test_changes_over_http_are_counted_one_by_one_in_a_batch_too() -> None:
    with Sandbox(job_seconds=0.01) as sandbox:
        here = bucket(sandbox)
        blobs = [here.blob(f"a/{number}") for number in range(3)]
        for blob in blobs:
            blob.upload_from_string("x")
        control(sandbox, "DELETE", "requests")
        assert len(list(here.list_blobs())) == 3
        assert control(sandbox, "GET", "requests/mutating") == {"total": 0}
        with here.client.batch():
            for blob in blobs:
                blob.delete()
        requests.delete(f"{sandbox.endpoints.kubernetes}/apis/batch/v1/namespaces/default/jobs/absent", timeout=60)
        assert control(sandbox, "GET", "requests/mutating") == {"total": 4, "storage": 3, "kubernetes": 1}
