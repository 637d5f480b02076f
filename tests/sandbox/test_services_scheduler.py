"""Schedulers and Cloud Run services of the sandbox, asked by Google's own clients."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import scheduler_v1

from deployments.sandbox.names import LOCATION, PROJECT
from tests.sandbox.service_world import World, services

POLLER = f"{LOCATION}/jobs/genie-sim-import-poller"
EAST = f"projects/{PROJECT}/locations/us-east1"
WEBHOOK = f"{LOCATION}/services/geniesim-webhook"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def wanted(name: str = f"{EAST}/jobs/mine", **fields: str) -> scheduler_v1.Job:
    target = scheduler_v1.HttpTarget(uri="https://example.com")
    return scheduler_v1.Job(name=name, http_target=target, **({"schedule": "0 9 * * *"} | fields))


def test_schedulers_are_listed_over_pages_as_the_catalogue_has_them(world: World) -> None:
    pager = world.scheduler_client.list_jobs(request={"parent": LOCATION, "page_size": 2})
    found = {job.name.rpartition("/")[2]: job for page in pager.pages for job in page.jobs}
    assert list(found) == sorted(world.catalogue.schedulers)
    daily = found["scene-generation-daily"]
    assert (daily.schedule, daily.state.name) == ("0 8 * * *", "PAUSED")
    assert daily.http_target.uri.endswith("/workflows/scene-generation-pipeline/executions")
    assert json.loads(json.loads(daily.http_target.body)["argument"]) == {"scenes_per_run": 10}


def test_a_scheduler_is_paused_once_and_resumed_once(world: World) -> None:
    assert world.scheduler_client.pause_job(name=POLLER).state.name == "PAUSED"
    with pytest.raises(exceptions.FailedPrecondition, match="must be in state ENABLED"):
        world.scheduler_client.pause_job(name=POLLER)
    assert world.scheduler_client.resume_job(name=POLLER).state.name == "ENABLED"
    with pytest.raises(exceptions.FailedPrecondition, match="must be in state PAUSED"):
        world.scheduler_client.resume_job(name=POLLER)
    assert world.scheduler_client.get_job(name=POLLER).state.name == "ENABLED"


def test_an_unknown_scheduler_is_not_found(world: World) -> None:
    with pytest.raises(exceptions.NotFound):
        world.scheduler_client.get_job(name=f"{LOCATION}/jobs/no-such")


def test_a_created_scheduler_is_enabled_and_listed_where_it_is(world: World) -> None:
    made = world.scheduler_client.create_job(parent=EAST, job=wanted(time_zone="America/New_York"))
    assert (made.state.name, made.time_zone, made.schedule) == ("ENABLED", "America/New_York", "0 9 * * *")
    assert [job.name for job in world.scheduler_client.list_jobs(parent=EAST)] == [made.name]
    assert made.name not in [job.name for job in world.scheduler_client.list_jobs(parent=LOCATION)]
    assert world.scheduler_client.pause_job(name=made.name).state.name == "PAUSED"
    assert world.scheduler_client.get_job(name=made.name).state.name == "PAUSED"


def test_a_deleted_scheduler_is_gone(world: World) -> None:
    world.scheduler_client.delete_job(name=POLLER)
    for ask in (world.scheduler_client.get_job, world.scheduler_client.resume_job, world.scheduler_client.delete_job):
        with pytest.raises(exceptions.NotFound):
            ask(name=POLLER)


@pytest.mark.parametrize(
    ("parent", "job", "error"),
    [
        (LOCATION, wanted(POLLER), exceptions.AlreadyExists),
        (LOCATION, wanted(), exceptions.InvalidArgument),
        (EAST, wanted("mine"), exceptions.InvalidArgument),
        (EAST, wanted(f"{EAST}/jobs/a b"), exceptions.InvalidArgument),
        (EAST, wanted(schedule=" "), exceptions.InvalidArgument),
        (EAST, wanted(time_zone="Mars/North"), exceptions.InvalidArgument),
        (EAST, scheduler_v1.Job(name=f"{EAST}/jobs/mine", schedule="0 9 * * *"), exceptions.InvalidArgument),
        (f"projects/{PROJECT}/locations/moon", wanted(), exceptions.NotFound),
    ],
)
def test_a_scheduler_that_makes_no_sense_is_refused(
    world: World, parent: str, job: scheduler_v1.Job, error: type[Exception]
) -> None:
    with pytest.raises(error):
        world.scheduler_client.create_job(parent=parent, job=job)


def test_the_webhook_is_a_ready_cloud_run_service(world: World) -> None:
    found = world.services_client.get_service(name=WEBHOOK)
    assert (found.terminal_condition.type_, found.terminal_condition.state.name) == ("Ready", "CONDITION_SUCCEEDED")
    assert found.latest_ready_revision == found.latest_created_revision
    assert [one.name for one in world.services_client.list_services(parent=LOCATION)] == [WEBHOOK]


def test_an_unknown_service_is_not_found(world: World) -> None:
    with pytest.raises(exceptions.NotFound):
        world.services_client.get_service(name=f"{LOCATION}/services/absent")
