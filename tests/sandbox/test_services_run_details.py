"""What workflows and Cloud Run jobs say of themselves beyond their state: times, reasons, revisions, images, pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from google.api_core import exceptions
from google.cloud import run_v2, workflows_v1
from google.cloud.workflows import executions_v1

from deployments.sandbox.names import LOCATION
from deployments.sandbox.pipeline.simulator_failures import JobFailed, WorkflowFailed
from deployments.sandbox.services.deployed_jobs import ImageRegistry
from deployments.sandbox.services.execution_filter import parse_filter
from deployments.sandbox.services.executions import Execution, ExecutionTable
from deployments.sandbox.services.push_messages import execution_entry
from deployments.sandbox.services.rpc import Refusal, page, page_size
from deployments.sandbox.services.workflow_revisions import source_of
from tests.sandbox.service_world import World, services, until

FLOW, JOB = "usd-assembly-pipeline", "simready-job"
FLOW_NAME, JOB_NAME = f"{LOCATION}/workflows/{FLOW}", f"{LOCATION}/jobs/{JOB}"
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def ended_job(world: World, name: str) -> run_v2.Execution:
    look = world.job_executions_client.get_execution
    return until(lambda: look(name=name), lambda one: bool(one.completion_time))


# Workflows


def test_an_ended_execution_says_how_long_it_took_and_where_it_failed(world: World) -> None:
    world.script.failure = WorkflowFailed("no mesh")
    ended = world.ended_workflow(world.start_workflow(FLOW).name)
    assert ended.duration == ended.end_time - ended.start_time
    assert ended.error.context == 'no mesh\nin step "raise", routine "main"'


def test_a_cancellation_is_told_to_whoever_listens(world: World) -> None:
    told: list[str] = []
    world.workflows.changed.append(lambda execution: told.append(execution.state))
    world.script.hold.clear()
    name = world.start_workflow(FLOW).name
    world.executions_client.cancel_execution(name=name)
    assert told == ["ACTIVE", "CANCELLED"]


def test_a_full_page_is_shorter_than_a_basic_one(world: World) -> None:
    for number in range(101):
        world.workflows.executions.add(f"{FLOW_NAME}/executions/{number}", FLOW)
    request = {"parent": FLOW_NAME, "page_size": 1000}
    full = request | {"view": executions_v1.ExecutionView.FULL}
    sizes = [
        len(next(world.executions_client.list_executions(request=one).pages).executions) for one in (request, full)
    ]
    assert sizes == [101, 100]


def test_a_new_revision_has_its_own_time_and_another_label_only_the_updates(world: World) -> None:
    before = world.workflows_client.get_workflow(name=FLOW_NAME)
    for wanted, paths in (({"labels": {"a": "b"}}, ["labels"]), ({"source_contents": "main: {}"}, ["source_contents"])):
        request = {"workflow": {"name": FLOW_NAME, **wanted}, "update_mask": {"paths": paths}}
        after = world.workflows_client.update_workflow(request=request).result(timeout=30)
        assert after.update_time > before.update_time and after.create_time == before.create_time
        assert (after.revision_create_time == after.update_time) == ("source_contents" in wanted)
        before = after


def test_an_update_without_a_mask_takes_everything_and_the_account_falls_back(world: World) -> None:
    wanted = workflows_v1.Workflow(name=FLOW_NAME, source_contents="main: {}", description="mine")
    after = world.workflows_client.update_workflow(workflow=wanted).result(timeout=30)
    assert (after.description, after.source_contents) == ("mine", "main: {}")
    assert after.service_account.endswith(".iam.gserviceaccount.com"), "no workflow is without an account"


def test_a_workflow_that_was_taken_away_and_put_back_begins_again(world: World) -> None:
    request = {"workflow": {"name": FLOW_NAME, "source_contents": "main: {}"}}
    world.workflows_client.update_workflow(request=request).result(timeout=30)
    world.workflows.deployed.put(FLOW, False)
    world.workflows.deployed.put(FLOW, True)
    again = world.workflows_client.get_workflow(name=FLOW_NAME)
    assert (again.revision_id[:6], "main: {}" in again.source_contents) == ("000001", False)


def test_a_source_has_the_event_filter_of_the_catalogue_as_text(world: World) -> None:
    expression = world.catalogue.workflows[FLOW].event_regex
    assert expression is not None and "\\" in expression
    steps = yaml.safe_load(source_of(world.catalogue, FLOW))["main"]["steps"]
    (condition,) = [step["filter"]["switch"][0]["condition"] for step in steps if "filter" in step]
    text = condition.removeprefix("${not text.match_regex(object, ").removesuffix(")}")
    assert json.loads(text) == expression


def test_the_log_of_a_begin_and_of_an_end_are_two_entries() -> None:
    begun = Execution(name=f"{FLOW_NAME}/executions/e", parent=FLOW, number=1, created=NOON)
    over = Execution(name=begun.name, parent=FLOW, number=1, created=NOON, state="SUCCEEDED", ended=NOON)
    entries = [execution_entry(one, "000001-abc") for one in (begun, over)]
    assert [entry["insertId"] for entry in entries] == ["e-start", "e"]
    assert {entry["severity"] for entry in entries} == {"INFO"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('startTime<"2026-02-01T12:00:00Z"', False), ('startTime<="2026-02-01T12:00:00Z"', True),
        ('startTime>"2026-02-01T12:00:00Z"', False), ('startTime>="2026-02-01T12:00:00Z"', True),
        ('startTime="2026-02-01T12:00:00"', True), ('startTime!="2026-02-01T13:00:00+01:00"', False),
        ('endTime!="2026-02-01T12:00:00Z"', False), ('label.a!="x"', False), ('label.run!="x"', True),
        ('label.run="say \\"a\\""', True), ('executionId!="e"', False), ("   ", True),
    ],
)  # fmt: skip
def test_a_comparison_holds_as_it_is_written_and_never_for_what_is_not_set(text: str, holds: bool) -> None:
    execution = Execution(f"{FLOW_NAME}/executions/e", FLOW, 1, NOON, labels={"run": 'say "a"'})
    assert parse_filter(text)(execution) is holds


def test_what_is_no_longer_remembered_is_not_found_by_its_name_either() -> None:
    table = ExecutionTable(remembered=2)
    for number in range(3):
        table.add_skipped(str(number), FLOW, argument="{}", result="{}")
    assert [table.get(str(number)) is not None for number in range(3)] == [False, True, True]
    assert [one.name for one in table.newest_first(FLOW)] == ["2", "1"]


# Cloud Run


def test_a_failed_operation_has_the_code_of_an_unknown_error(world: World) -> None:
    world.script.failure = JobFailed("exit code 1")
    operation = world.jobs_client.run_job(name=JOB_NAME)
    with pytest.raises(exceptions.Unknown, match="exit code 1"):
        operation.result(timeout=60)


def test_an_execution_was_updated_and_its_condition_changed_when_it_ended(world: World) -> None:
    done = ended_job(world, world.jobs_client.run_job(name=JOB_NAME).metadata.name)
    assert done.update_time == done.completion_time == done.conditions[0].last_transition_time
    assert done.start_time <= done.completion_time and done.observed_generation == done.generation == 1


def test_a_cancellation_of_a_job_is_told_to_whoever_listens(world: World) -> None:
    told: list[str] = []
    world.run.changed.append(lambda execution: told.append(execution.state))
    world.script.hold.clear()
    name = world.jobs_client.run_job(name=JOB_NAME).metadata.name
    world.job_executions_client.cancel_execution(name=name).result(timeout=60)
    assert told == ["ACTIVE", "CANCELLED"]


def test_an_override_of_a_variable_takes_the_place_of_the_jobs_own(world: World) -> None:
    own = [run_v2.EnvVar(name="MODE", value="slow"), run_v2.EnvVar(name="KEPT", value="1")]
    task = run_v2.TaskTemplate(containers=[run_v2.Container(image="x", env=own)])
    wanted = run_v2.Job(name=JOB_NAME, template=run_v2.ExecutionTemplate(template=task))
    world.jobs_client.update_job(job=wanted).result(timeout=60)
    override = {"env": [{"name": "MODE", "value": "fast"}]}
    request = {"name": JOB_NAME, "overrides": {"container_overrides": [override]}}
    made = world.jobs_client.run_job(request=request).metadata
    assert [(one.name, one.value) for one in made.template.containers[0].env] == [("KEPT", "1"), ("MODE", "fast")]


def test_pages_of_one_jobs_executions_are_no_pages_of_all(world: World) -> None:
    for _ in range(2):
        world.jobs_client.run_job(name=JOB_NAME)
    request: dict[str, Any] = {"parent": JOB_NAME, "page_size": 1}
    token = next(world.job_executions_client.list_executions(request=request).pages).next_page_token
    with pytest.raises(exceptions.InvalidArgument, match="other parameters"):
        world.job_executions_client.list_executions(request={"parent": f"{LOCATION}/jobs/-", "page_token": token})


def test_a_job_that_was_updated_stays_so_until_it_is_taken_away(world: World) -> None:
    task = run_v2.TaskTemplate(containers=[run_v2.Container(image="x:2")])
    wanted = run_v2.Job(name=JOB_NAME, template=run_v2.ExecutionTemplate(template=task), labels={"a": "b"})
    for _ in range(2):
        world.jobs_client.update_job(job=wanted).result(timeout=60)
    seen = world.jobs_client.get_job(name=JOB_NAME)
    assert (dict(seen.labels), seen.generation, seen.observed_generation) == ({"a": "b"}, 3, 3)
    world.run.deployed.put(JOB, False)
    world.run.deployed.put(JOB, True)
    assert dict(world.jobs_client.get_job(name=JOB_NAME).labels) == {}


@pytest.mark.parametrize("images", [("x", ""), ("", "x"), ()])
def test_every_container_of_a_job_has_an_image(world: World, images: tuple[str, ...]) -> None:
    task = run_v2.TaskTemplate(containers=[run_v2.Container(image=image) for image in images])
    with pytest.raises(exceptions.InvalidArgument, match="image"):
        world.jobs_client.update_job(job=run_v2.Job(name=JOB_NAME, template=run_v2.ExecutionTemplate(template=task)))


def test_a_job_is_found_not_to_be_ready_just_after_a_change_whose_operation_ended_well(world: World) -> None:
    world.run.spoilt[JOB] = "Secret x was not found."
    wanted = world.jobs_client.get_job(name=JOB_NAME)
    for ready in (False, True):
        wanted.labels = {"try": str(ready).lower()}
        sent = world.jobs_client.update_job(request=run_v2.UpdateJobRequest(job=wanted))
        assert sent.result(timeout=60).terminal_condition.state == run_v2.Condition.State.CONDITION_SUCCEEDED
        found = world.jobs_client.get_job(name=JOB_NAME)
        assert (found.terminal_condition.state == run_v2.Condition.State.CONDITION_SUCCEEDED) == ready
        assert found.terminal_condition.message == ("" if ready else "Secret x was not found.")
        wanted = found
        if not ready:
            with pytest.raises(exceptions.FailedPrecondition, match="is not ready: Secret x"):
                world.jobs_client.run_job(name=JOB_NAME)


def test_an_execution_keeps_the_image_that_the_tag_stood_for_when_it_began(world: World) -> None:
    seen = []
    for _ in range(2):
        ran = world.jobs_client.run_job(name=JOB_NAME).metadata
        seen.append(ended_job(world, ran.name).template.containers[0].image)
        world.run.images.push(world.jobs_client.get_job(name=JOB_NAME).template.template.containers[0].image)
    assert seen[0] != seen[1]
    assert all("@sha256:" in image for image in seen)


def test_a_tag_stands_for_a_new_image_after_a_push_and_a_digest_for_itself() -> None:
    registry = ImageRegistry()
    tag = "host:5000/path/image:latest"
    first = registry.resolve(tag)
    assert first.startswith("host:5000/path/image@sha256:") and registry.resolve(tag) == first
    registry.push(tag)
    assert registry.resolve(tag) != first
    assert registry.resolve(first) == first
    registry.put(tag, False)
    assert tag not in registry and first in registry


# Pages


def test_a_page_is_as_long_as_asked_within_what_the_service_gives() -> None:
    assert [page_size(asked, default=20, most=100) for asked in (0, 7, 100, 101)] == [20, 7, 100, 100]


def test_a_page_token_goes_on_after_the_last_item_even_when_that_is_gone() -> None:
    items = list(range(10))
    chosen, token = page(items, lambda one: one, size=3, token="", scope="a")
    rest, end = page([3, 5], lambda one: one, size=3, token=token, scope="a")
    assert (chosen, rest, end) == ([0, 1, 2], [3, 5], "")
    with pytest.raises(Refusal, match="other parameters"):
        page(items, lambda one: one, size=3, token=token, scope="b")
    assert page(items, lambda one: one, size=10, token="", scope="a")[1] == "", "a full page may be the last"


def test_times_of_a_job_are_those_of_the_catalogue() -> None:
    with services() as world:
        timeouts = {name: job.timeout_seconds or 600 for name, job in world.catalogue.jobs.items()}
        seen = {job.name.rpartition("/")[2]: job for job in world.jobs_client.list_jobs(parent=LOCATION)}
        assert {name: job.template.template.timeout for name, job in seen.items()} == {
            name: timedelta(seconds=seconds) for name, seconds in timeouts.items()
        }
