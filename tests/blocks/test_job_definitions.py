"""Recording what a job is made of and putting it back by digest, with a real client against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import pytest

from blocks.errors import PermanentError, PreconditionFailed
from blocks.job_definitions import ImageRef, JobDefinition
from blocks.run_jobs import CloudRunJobs
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

JOB = "isaac-lab-job"


@pytest.fixture(autouse=True)
def deployed_anew(sandbox: Sandbox) -> Iterator[None]:
    """Each test begins with the job as the pipeline deploys it."""
    sandbox.run.deployed.put(JOB, False)
    sandbox.run.deployed.put(JOB, True)
    yield
    sandbox.run.deployed.put(JOB, False)
    sandbox.run.deployed.put(JOB, True)


def definition(jobs: CloudRunJobs) -> JobDefinition:
    found = jobs.definition(JOB)
    assert found is not None
    return found


def with_image(recorded: JobDefinition, image: str) -> JobDefinition:
    job = deepcopy(recorded.job)
    container(job)["image"] = image
    return replace(recorded, job=job, images=(ImageRef(image, image.partition("@")[2] or None),))


def container(job: dict[str, Any]) -> dict[str, Any]:
    return job["template"]["template"]["containers"][0]


def test_a_definition_has_the_whole_template(jobs: CloudRunJobs) -> None:
    recorded = definition(jobs)
    assert (recorded.name, recorded.generation) == (JOB, 1)
    assert recorded.etag
    assert container(recorded.job)["image"] == recorded.images[0].image
    assert recorded.images[0].image.endswith(f"/{JOB}:latest")
    info = jobs.get(JOB)
    assert info is not None
    assert recorded.job["template"]["template"]["timeout"] == f"{info.timeout_seconds}s"


def test_a_definition_survives_being_recorded_as_json(jobs: CloudRunJobs) -> None:
    jobs.start(JOB, {})
    recorded = definition(jobs)
    assert JobDefinition.from_dict(json.loads(json.dumps(asdict(recorded)))) == recorded


def test_what_is_not_deployed_has_no_definition(jobs: CloudRunJobs) -> None:
    assert jobs.definition("no-such-job") is None


def test_the_digest_behind_a_tag_is_known_from_the_latest_execution_only(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    assert definition(jobs).images[0].digest is None
    jobs.start(JOB, {})
    first = definition(jobs).images[0]
    assert first.digest is not None
    assert first.digest.startswith("sha256:")
    sandbox.run.images.push(first.image)
    assert definition(jobs).images[0] == first, "nothing ran with the new image yet"
    jobs.start(JOB, {})
    assert definition(jobs).images[0].digest not in (None, first.digest)


def test_a_digest_from_before_the_last_change_is_not_taken_for_the_present_one(jobs: CloudRunJobs) -> None:
    jobs.start(JOB, {})
    recorded = definition(jobs)
    changed = with_image(recorded, recorded.images[0].image.replace(":latest", ":v2"))
    live = jobs.deploy(changed, etag=recorded.etag)
    assert live.images == (ImageRef(changed.images[0].image, None),)


def test_an_image_deployed_by_digest_needs_no_execution(jobs: CloudRunJobs) -> None:
    recorded = definition(jobs)
    image = f"host:5000/path/job@sha256:{'a' * 64}"
    live = jobs.deploy(with_image(recorded, image), etag=recorded.etag)
    assert live.images == (ImageRef(image, f"sha256:{'a' * 64}"),)
    assert live.images[0].pinned == image


def test_a_recorded_job_comes_back_with_the_image_it_ran_and_not_what_the_tag_is_now(
    jobs: CloudRunJobs, sandbox: Sandbox
) -> None:
    jobs.start(JOB, {})
    recorded = definition(jobs)
    sandbox.run.images.push(recorded.images[0].image)
    live = jobs.deploy(recorded, etag=recorded.etag)
    repository = recorded.images[0].image.removesuffix(":latest")
    assert container(live.job)["image"] == f"{repository}@{recorded.images[0].digest}"
    execution = jobs.start(JOB, {})
    ran = sandbox.run.executions.get(execution.name)
    assert ran is not None
    assert ran.template.containers[0].image == container(live.job)["image"]


def test_everything_recorded_is_deployed_and_not_only_the_image(jobs: CloudRunJobs) -> None:
    recorded = definition(jobs)
    job = deepcopy(recorded.job) | {"labels": {"restored": "yes"}}
    container(job)["env"] = [{"name": "MODE", "value": "full"}]
    job["template"]["template"]["timeout"] = "77s"
    live = jobs.deploy(replace(recorded, job=job), etag=recorded.etag)
    info = jobs.get(JOB)
    assert info is not None
    assert (info.env, info.timeout_seconds, live.job["labels"]) == ({"MODE": "full"}, 77, {"restored": "yes"})
    assert live.generation == recorded.generation + 1


def test_a_job_that_changed_since_it_was_observed_is_left_alone(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    recorded = definition(jobs)
    live = jobs.deploy(with_image(recorded, "host/other:v2"), etag=recorded.etag)
    with pytest.raises(PreconditionFailed, match=f"deploy job {JOB}.*observe it again"):
        jobs.deploy(recorded, etag=recorded.etag)
    assert definition(jobs) == live


def test_a_job_that_is_gone_is_created_and_only_when_that_is_expected(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    recorded = definition(jobs)
    with pytest.raises(PreconditionFailed, match="not none as observed"):
        jobs.deploy(recorded, etag="")
    sandbox.run.deployed.put(JOB, False)
    with pytest.raises(PreconditionFailed, match="its etag is none"):
        jobs.deploy(recorded, etag=recorded.etag)
    live = jobs.deploy(with_image(recorded, "host/other:v2"), etag="")
    assert (live.generation, live.images[0].image) == (1, "host/other:v2")


@pytest.mark.parametrize(("method", "gone"), [("UpdateJob", False), ("CreateJob", True)])
def test_a_lost_answer_is_looked_up_and_not_deployed_twice(
    jobs: CloudRunJobs, sandbox: Sandbox, method: str, gone: bool
) -> None:
    recorded = definition(jobs)
    sandbox.run.deployed.put(JOB, not gone)
    sandbox.faults.add(FaultRule(service="run", method=method, kind="lost_answer", times=1))
    live = jobs.deploy(with_image(recorded, "host/other:v2"), etag="" if gone else recorded.etag)
    assert (live.images[0].image, live.generation) == ("host/other:v2", 1 if gone else 2)
    assert sandbox.requests.count("run", method) == 1


def test_another_change_is_not_taken_for_ours_after_a_failed_try(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    recorded = definition(jobs)
    other = jobs.deploy(with_image(recorded, "host/theirs:v9"), etag=recorded.etag)
    sandbox.faults.add(FaultRule(service="run", method="GetJob", kind="reset", times=1))
    with pytest.raises(PreconditionFailed):
        jobs.deploy(with_image(recorded, "host/ours:v2"), etag=recorded.etag)
    assert definition(jobs) == other


def test_a_refusal_names_the_permissions_to_grant(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    recorded = definition(jobs)
    sandbox.faults.add(FaultRule(service="run", method="UpdateJob", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"grant run\.jobs\.update and iam\.serviceAccounts\.actAs"):
        jobs.deploy(recorded, etag=recorded.etag)
