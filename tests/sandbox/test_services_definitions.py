"""Workflows with sources and revisions, and jobs with etags, asked by Google's own clients."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
import yaml
from google.api_core import exceptions
from google.cloud import run_v2, workflows_v1

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import LOCATION
from tests.sandbox.service_world import World, services

FLOW = f"{LOCATION}/workflows/usd-assembly-pipeline"
JOB = f"{LOCATION}/jobs/simready-job"
SOURCE = "main:\n  steps:\n    - done:\n        return: 1\n"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def update(world: World, mask: list[str] | None = None, **fields: object) -> workflows_v1.Workflow:
    request = workflows_v1.UpdateWorkflowRequest(
        workflow=workflows_v1.Workflow(name=FLOW, **fields), update_mask={"paths": mask or list(fields)}
    )
    return world.workflows_client.update_workflow(request=request).result(timeout=60)


def job(world: World) -> run_v2.Job:
    return world.jobs_client.get_job(name=JOB)


def test_every_workflow_has_a_source_with_its_jobs_and_a_revision_of_its_own(world: World) -> None:
    found = list(world.workflows_client.list_workflows(parent=LOCATION))
    assert len(found) == len(world.catalogue.workflows)
    for workflow in found:
        known = world.catalogue.workflows[workflow.name.rpartition("/")[2]]
        text = str(yaml.safe_load(workflow.source_contents)["main"]["steps"])
        assert all(f"jobs/{job}'" in text for job in known.jobs)
        assert re.fullmatch(r"000001-[0-9a-f]{3}", workflow.revision_id)


def test_another_source_or_account_makes_a_revision_and_another_label_does_not(world: World) -> None:
    first = world.workflows_client.get_workflow(name=FLOW)
    assert update(world, labels={"a": "b"}).revision_id == first.revision_id
    second = update(world, source_contents=SOURCE)
    assert second.revision_id.startswith("000002-")
    assert (second.labels, second.create_time) == ({"a": "b"}, first.create_time)
    assert update(world, service_account="other@p.iam.gserviceaccount.com").revision_id.startswith("000003-")


def test_the_mask_says_what_is_changed(world: World) -> None:
    before = world.workflows_client.get_workflow(name=FLOW)
    changed = update(world, ["description"], description="new", source_contents=SOURCE)
    assert (changed.description, changed.source_contents) == ("new", before.source_contents)
    with pytest.raises(exceptions.InvalidArgument, match="state"):
        update(world, ["state"])


def test_revisions_are_listed_newest_first_over_pages_and_can_be_fetched(world: World) -> None:
    for number in range(4):
        update(world, source_contents=SOURCE.replace("1", str(number)))
    request = workflows_v1.ListWorkflowRevisionsRequest(name=FLOW, page_size=2)
    listed = [one.revision_id for one in world.workflows_client.list_workflow_revisions(request=request)]
    assert [one[:6] for one in listed] == ["000005", "000004", "000003", "000002", "000001"]
    old = world.workflows_client.get_workflow(request={"name": FLOW, "revision_id": listed[3]})
    assert old.source_contents == SOURCE.replace("1", "0")
    with pytest.raises(exceptions.NotFound):
        world.workflows_client.get_workflow(request={"name": FLOW, "revision_id": "000009-abc"})


@pytest.mark.parametrize("source", ["main: [", "steps: []", "just text", "x" * (128 * 1024 + 1)])
def test_a_source_that_is_no_workflow_is_refused_and_changes_nothing(world: World, source: str) -> None:
    before = world.workflows_client.get_workflow(name=FLOW)
    with pytest.raises(exceptions.InvalidArgument, match=r"source|parse error"):
        update(world, source_contents=source)
    assert world.workflows_client.get_workflow(name=FLOW) == before


def test_a_workflow_is_created_only_when_there_is_none_and_the_catalogue_knows_it(world: World) -> None:
    def create(name: str) -> workflows_v1.Workflow:
        request = workflows_v1.CreateWorkflowRequest(
            parent=LOCATION, workflow_id=name, workflow=workflows_v1.Workflow(source_contents=SOURCE)
        )
        return world.workflows_client.create_workflow(request=request).result(timeout=60)

    with pytest.raises(exceptions.AlreadyExists):
        create("usd-assembly-pipeline")
    with pytest.raises(exceptions.InvalidArgument, match="workflows of the catalogue"):
        create("something-else")
    world.workflows.deployed.put("usd-assembly-pipeline", False)
    assert create("usd-assembly-pipeline").revision_id.startswith("000001-")
    assert world.workflows_client.get_workflow(name=FLOW).source_contents == SOURCE


def test_a_deployment_is_an_operation_that_is_not_done_at_once(world: World) -> None:
    request = workflows_v1.UpdateWorkflowRequest(
        workflow=workflows_v1.Workflow(name=FLOW, source_contents=SOURCE), update_mask={"paths": ["source_contents"]}
    )
    operation = world.workflows_client.update_workflow(request=request)
    assert not operation.operation.done
    assert operation.result(timeout=60).source_contents == SOURCE
    assert world.requests.count("operations", "GetOperation") >= 1


def test_updating_a_job_counts_generation_and_gives_another_etag(world: World) -> None:
    before = job(world)
    wanted = job(world)
    wanted.template.template.containers[0].image = "host/other:v2"
    after = world.jobs_client.update_job(job=wanted).result(timeout=60)
    assert (after.generation, after.template.template.containers[0].image) == (2, "host/other:v2")
    assert after.etag != before.etag
    assert after.update_time > before.update_time
    assert job(world) == after


def test_an_etag_of_before_the_last_change_is_refused_and_changes_nothing(world: World) -> None:
    old = job(world)
    world.jobs_client.update_job(job=run_v2.Job(old, labels={"a": "b"})).result(timeout=60)
    now = job(world)
    with pytest.raises(exceptions.Aborted, match="Conflict for resource 'simready-job'"):
        world.jobs_client.update_job(job=old)
    assert job(world) == now


def test_an_update_without_an_etag_is_not_checked(world: World) -> None:
    wanted = job(world)
    wanted.etag = ""
    assert world.jobs_client.update_job(job=wanted).result(timeout=60).generation == 2


def test_what_an_update_leaves_out_gets_googles_defaults(world: World) -> None:
    container = run_v2.Container(image="host/other:v2")
    template = run_v2.ExecutionTemplate(template=run_v2.TaskTemplate(containers=[container]))
    updated = world.jobs_client.update_job(job=run_v2.Job(name=JOB, template=template)).result(timeout=60)
    assert updated.template.task_count == 1
    assert updated.template.template.timeout.total_seconds() == 600


def test_a_job_without_an_image_is_refused(world: World) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="image"):
        world.jobs_client.update_job(job=run_v2.Job(name=JOB))


def test_an_execution_has_the_image_by_digest_and_the_jobs_own_environment(world: World) -> None:
    wanted = job(world)
    wanted.template.template.containers[0].env = [
        run_v2.EnvVar(name="A", value="job"),
        run_v2.EnvVar(name="B", value="job"),
    ]
    world.jobs_client.update_job(job=wanted).result(timeout=60)
    override = run_v2.RunJobRequest.Overrides.ContainerOverride(env=[run_v2.EnvVar(name="B", value="run")])
    request = run_v2.RunJobRequest(name=JOB, overrides=run_v2.RunJobRequest.Overrides(container_overrides=[override]))
    ran = world.jobs_client.run_job(request=request).metadata.template.containers[0]
    assert re.fullmatch(r".+/simready-job@sha256:[0-9a-f]{64}", ran.image)
    assert {one.name: one.value for one in ran.env} == {"A": "job", "B": "run"}
    assert job(world).template.template.containers[0].image.endswith(":latest"), "the job keeps its tag"


@pytest.mark.parametrize(("kind", "generation"), [("reset", 1), ("lost_answer", 2)])
def test_only_a_lost_answer_to_an_update_has_an_effect(world: World, kind: str, generation: int) -> None:
    world.faults.add(FaultRule(service="run", method="UpdateJob", kind=kind, times=1))
    with pytest.raises(exceptions.ServiceUnavailable):
        world.jobs_client.update_job(job=job(world))
    assert job(world).generation == generation


def test_a_page_token_of_another_kind_of_list_is_refused(world: World) -> None:
    token = base64.urlsafe_b64encode(b"[0, 7]").decode()
    with pytest.raises(exceptions.InvalidArgument, match="page_token"):
        world.workflows_client.list_workflows(request={"parent": LOCATION, "page_token": token})
