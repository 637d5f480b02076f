"""What each Google service answers to a request that makes no sense here: the code, and words that say what is wrong.

Nothing of this changes anything, so one world serves all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import eventarc_v1, run_v2, scheduler_v1, workflows_v1
from google.cloud import storage_transfer_v1 as transfer
from google.cloud.location import locations_pb2
from google.cloud.workflows import executions_v1

from deployments.sandbox.names import LOCATION, PROJECT
from deployments.sandbox.services.trigger_table import FINALIZED
from tests.sandbox.service_world import World, services

OTHER = "projects/other/locations/us-central1"
FLOW, JOB = "usd-assembly-pipeline", "simready-job"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/eventarc-us-central1-usd-assembly-trigger-sub-000"
SOURCE = "main:\n  steps: []\n"
TEMPLATE = run_v2.ExecutionTemplate(template=run_v2.TaskTemplate(containers=[run_v2.Container(image="x")]))
INVALID, MISSING = exceptions.InvalidArgument, exceptions.NotFound


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with services() as running:
        yield running


@dataclass(frozen=True)
class Case:
    """A request, the error it must raise, and words of its message."""

    rule: str
    ask: Callable[[World], Any]
    error: type[exceptions.GoogleAPICallError]
    words: str


def start(argument: str = "{}", **labels: str) -> Callable[[World], Any]:
    return lambda world: world.start_workflow(FLOW, argument, **labels)


def executions(**request: Any) -> Callable[[World], Any]:
    parent = {"parent": f"{LOCATION}/workflows/{FLOW}"}
    return lambda world: world.executions_client.list_executions(request=parent | request)


def create_flow(parent: str, short: str, source: str = SOURCE) -> Callable[[World], Any]:
    wanted = workflows_v1.Workflow(source_contents=source)
    request = {"parent": parent, "workflow": wanted, "workflow_id": short}
    return lambda world: world.workflows_client.create_workflow(request=request)


def update_flow(source: str, *paths: str) -> Callable[[World], Any]:
    wanted = workflows_v1.Workflow(name=f"{LOCATION}/workflows/{FLOW}", source_contents=source)
    request = {"workflow": wanted, "update_mask": {"paths": paths}}
    return lambda world: world.workflows_client.update_workflow(request=request)


def create_job(parent: str, short: str, *images: str) -> Callable[[World], Any]:
    task = run_v2.TaskTemplate(containers=[run_v2.Container(image=image) for image in images])
    wanted = run_v2.Job(template=run_v2.ExecutionTemplate(template=task))
    request = {"parent": parent, "job": wanted, "job_id": short}
    return lambda world: world.jobs_client.create_job(request=request)


def update_job(name: str = f"{LOCATION}/jobs/{JOB}", **more: bool) -> Callable[[World], Any]:
    request = {"job": run_v2.Job(name=name, template=TEMPLATE), **more}
    return lambda world: world.jobs_client.update_job(request=request)


def trigger(parent: str = LOCATION, short: str = "mine", **change: Any) -> Callable[[World], Any]:
    filters = change.pop("filters", [("type", FINALIZED, ""), ("bucket", "b", "")])
    message = eventarc_v1.Trigger(
        event_filters=[{"attribute": name, "value": value, "operator": sign} for name, value, sign in filters],
        destination={"workflow": f"{LOCATION}/workflows/{FLOW}"},
        **change,
    )
    request = {"parent": parent, "trigger": message, "trigger_id": short}
    return lambda world: world.eventarc_client.create_trigger(request=request)


def scheduler(parent: str, name: str) -> Callable[[World], Any]:
    wanted = scheduler_v1.Job(name=name, schedule="0 9 * * *", http_target={"uri": "https://example.com"})
    return lambda world: world.scheduler_client.create_job(parent=parent, job=wanted)


def transfer_job(spec: dict[str, Any] | None = None, **change: Any) -> Callable[[World], Any]:
    whole = {"gcs_data_source": {"bucket_name": "a"}, "gcs_data_sink": {"bucket_name": "b"}, **(spec or {})}
    enabled = transfer.TransferJob.Status.ENABLED
    wanted = {"name": "transferJobs/t", "project_id": PROJECT, "status": enabled, "transfer_spec": whole, **change}
    return lambda world: world.transfer_client.create_transfer_job(request={"transfer_job": wanted})


def location(name: str) -> Callable[[World], Any]:
    request = locations_pb2.GetLocationRequest(name=name)
    return lambda world: world.eventarc_client.get_location(request=request)


CASES = [
    # Workflows
    Case("an execution has at most 64 labels", start(**{f"l{n}": "" for n in range(65)}), INVALID, "64 labels"),
    Case("a label holds letters and digits", start(a="b c"), INVALID, "rules for labels"),
    Case("an argument is an object", start("5"), INVALID, "JSON object"),
    Case("executions have one order", executions(order_by="name"), INVALID, "order_by"),
    Case("a page is not negative", executions(page_size=-1), INVALID, "page_size"),
    Case("a page token is one of ours", executions(page_token="[1]"), INVALID, "page_token"),
    Case("a page token is a pair", executions(page_token="NQ=="), INVALID, "page_token"),
    Case("an execution of nobody", lambda world: world.executions_client.get_execution(
        name=f"{LOCATION}/workflows/{FLOW}/executions/none"), MISSING, "executions/none' was not found"),
    Case("nobody's execution is not cancelled", lambda world: world.executions_client.cancel_execution(
        name=f"{LOCATION}/workflows/{FLOW}/executions/none"), MISSING, "executions/none' was not found"),
    Case("workflows have one order", lambda world: world.workflows_client.list_workflows(
        request={"parent": LOCATION, "order_by": "name"}), INVALID, "order_by"),
    Case("workflows are not filtered", lambda world: world.workflows_client.list_workflows(
        request={"parent": LOCATION, "filter": "a"}), INVALID, "filter"),
    Case("workflows are somewhere", lambda world: world.workflows_client.list_workflows(parent="somewhere"),
         INVALID, "not a resource name"),
    Case("another project's workflow", lambda world: world.workflows_client.get_workflow(
        name=f"{OTHER}/workflows/{FLOW}"), MISSING, "was not found"),
    Case("a workflow is made where the sandbox is", create_flow(OTHER, FLOW), MISSING, "was not found"),
    Case("a workflow is made once", create_flow(LOCATION, FLOW), exceptions.AlreadyExists, "already exists"),
    Case("a source has at most 128 KB", update_flow(SOURCE + "#" * 131_072, "source_contents"), INVALID, "128 KB"),
    Case("a name is not updated", update_flow(SOURCE, "name"), INVALID, "'name' cannot be updated"),
    # Cloud Run
    Case("a job that is missing is not made by an update", update_job(allow_missing=True), INVALID, "allow_missing"),
    Case("an update is not tried only", update_job(validate_only=True), INVALID, "validate_only"),
    Case("an update is of a job that is there", update_job(f"{OTHER}/jobs/{JOB}"), MISSING, "was not found"),
    Case("a job is made where the sandbox is", create_job(OTHER, JOB, "x"), MISSING, "was not found"),
    Case("a job is made once", create_job(LOCATION, JOB, "x"), exceptions.AlreadyExists, "already exists"),
    Case("a job is one of the catalogue's", create_job(LOCATION, "mine", "x"), INVALID, "catalogue, not 'mine'"),
    Case("another project's job is not run", lambda world: world.jobs_client.run_job(name=f"{OTHER}/jobs/{JOB}"),
         MISSING, "was not found"),
    Case("another project's job has no executions", lambda world: world.job_executions_client.list_executions(
        parent=f"{OTHER}/jobs/{JOB}"), MISSING, "was not found"),
    Case("tasks come in pages that are not negative", lambda world: world.tasks_client.list_tasks(
        request={"parent": f"{LOCATION}/jobs/{JOB}/executions/none", "page_size": -1}), INVALID, "page_size"),
    # Eventarc
    Case("a trigger has its own name", trigger(name=f"{LOCATION}/triggers/other"), INVALID, "trigger.name"),
    Case("a filter is there once", trigger(filters=[("type", FINALIZED, ""), ("bucket", "b", ""), ("bucket", "c", "")]),
         INVALID, "each attribute once"),
    Case("a filter has no operator", trigger(filters=[("type", FINALIZED, ""), ("bucket", "b", "match-path-pattern")]),
         INVALID, "without an operator"),
    Case("a trigger's id has at most 63 letters", trigger(short="a" * 64), INVALID, "1 to 63"),
    Case("a trigger's id does not end in a dash", trigger(short="a-"), INVALID, "1 to 63"),
    Case("a trigger is made in the sandbox's project", trigger(OTHER), MISSING, "was not found"),
    Case("triggers have one order", lambda world: world.eventarc_client.list_triggers(
        request={"parent": LOCATION, "order_by": "name"}), INVALID, "order_by"),
    # Pub/Sub
    Case("a pull asks for something", lambda world: world.subscriber_client.pull(
        subscription=SUBSCRIPTION, max_messages=0), INVALID, "max_messages"),
    Case("a subscription has a project", lambda world: world.subscriber_client.list_subscriptions(project=PROJECT),
         INVALID, "projects/"),
    Case("a subscription of nobody", lambda world: world.subscriber_client.get_subscription(
        subscription=f"projects/{PROJECT}/subscriptions/none"), MISSING, r"Resource not found \(resource="),
    # Cloud Scheduler
    Case("a scheduler's name has at most 500 letters", scheduler(LOCATION, f"{LOCATION}/jobs/{'a' * 501}"),
         INVALID, "job.name"),
    Case("a scheduler has a full name", scheduler(LOCATION, f"{LOCATION}/jobs/a/b"), INVALID, "resource name"),
    Case("a scheduler is made in the sandbox's project", scheduler(OTHER, f"{OTHER}/jobs/a"), MISSING, "not found"),
    Case("a scheduler is deleted by its full name", lambda world: world.scheduler_client.delete_job(name="mine"),
         INVALID, "resource name"),
    # Storage Transfer
    Case("a transfer has a name of 128 letters", transfer_job(name="transferJobs/" + "a" * 116), INVALID, "name"),
    Case("a transfer is enabled", transfer_job(status=0), INVALID, "must be ENABLED"),
    Case("a transfer is the project's own", transfer_job(project_id="other"), exceptions.PermissionDenied, "'other'"),
    Case("a transfer has a source", transfer_job({"gcs_data_source": {}}), INVALID, "gcs_data_source"),
    Case("a transfer hears no events", transfer_job(event_stream={"name": "s"}), INVALID, "event streams"),
    Case("a transfer has no schedule", transfer_job(schedule={}), INVALID, "schedules"),
    Case("a transfer takes every object", transfer_job({"object_conditions": {"include_prefixes": ["a"]}}),
         INVALID, "object conditions"),
    Case("a transfer of another project is not there", lambda world: world.transfer_client.get_transfer_job(
        request={"job_name": "transferJobs/t", "project_id": "other"}), MISSING, "was not found"),
    # Locations
    Case("a location of another project", location("projects/other/locations/us-central1"), MISSING, "was not found"),
    Case("a location that is none", location(f"projects/{PROJECT}/locations/moon"), MISSING, "was not found"),
    Case("a location has a project", location("moon"), INVALID, "not a resource name"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule.replace(" ", "_"))
def test_a_request_that_makes_no_sense_is_refused_with_its_reason(world: World, case: Case) -> None:
    with pytest.raises(case.error, match=case.words):
        case.ask(world)


@pytest.mark.parametrize(
    "ask",
    [
        lambda world: list(world.workflows_client.list_workflows(parent=OTHER)),
        lambda world: list(world.jobs_client.list_jobs(parent=OTHER)),
        lambda world: list(world.eventarc_client.list_triggers(parent=OTHER)),
        lambda world: list(world.scheduler_client.list_jobs(parent=OTHER)),
        lambda world: list(world.scheduler_client.list_jobs(parent=LOCATION[:-1])),
        lambda world: list(world.subscriber_client.list_subscriptions(project="projects/other")),
        lambda world: list(world.eventarc_client.list_locations(
            request=locations_pb2.ListLocationsRequest(name="projects/other")).locations),
    ],
)  # fmt: skip
def test_another_project_has_nothing(world: World, ask: Callable[[World], list[Any]]) -> None:
    assert ask(world) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            lambda world: world.eventarc_client.list_triggers(request={"parent": LOCATION, "page_size": 1}),
            lambda world, token: world.eventarc_client.list_triggers(
                request={"parent": f"projects/{PROJECT}/locations/-", "page_token": token}
            ),
        ),
        (
            lambda world: world.scheduler_client.list_jobs(request={"parent": LOCATION, "page_size": 1}),
            lambda world, token: world.scheduler_client.list_jobs(
                request={"parent": f"projects/{PROJECT}/locations/us-east1", "page_token": token}
            ),
        ),
    ],
)
def test_a_page_token_is_for_the_place_it_was_given_for(world: World, first: Any, second: Any) -> None:
    token = next(first(world).pages).next_page_token
    with pytest.raises(INVALID, match="other parameters"):
        second(world, token)


def test_64_labels_and_an_argument_of_nothing_are_taken() -> None:
    with services() as world:
        made = world.executions_client.create_execution(
            parent=f"{LOCATION}/workflows/{FLOW}",
            execution=executions_v1.Execution(labels={f"l{n}": "" for n in range(64)}),
        )
        assert world.ended_workflow(made.name).state.name == "SUCCEEDED"
