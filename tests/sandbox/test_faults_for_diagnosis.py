"""An image that makes every run fail, a line of a job's container, a pod that needed too much memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.blocks.test_gke import manifest
from tests.diagnosis.world import BAD_IMAGE, SIMREADY, USD, deploy_image, run_job, scene, start


def post(sandbox: Sandbox, path: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{sandbox.endpoints.control}/{path}", json=body)


def test_a_job_with_a_broken_image_fails_alone_and_in_a_workflow_and_logs_why(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d")
    deploy_image(environment, SIMREADY, BAD_IMAGE)
    assert post(sandbox, "images", {"image": BAD_IMAGE, "fails_with": "no pxr"}).status_code == 200
    alone = run_job(sandbox, environment, SIMREADY, "kitchen-1")
    assert (alone.state, alone.error.endswith("no pxr")) == ("FAILED", True)
    within = start(sandbox, environment, USD, "kitchen-1")
    assert (within.state, "no pxr" in within.error) == ("FAILED", True)
    lines = environment.logs.newest("severity>=ERROR", since=alone.created)
    assert any(line.labels.get("job_name") == SIMREADY and "no pxr" in line.text for line in lines)


def test_another_image_of_the_same_job_works_and_so_does_the_broken_one_once_it_is_mended(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    post(sandbox, "images", {"image": BAD_IMAGE, "fails_with": "no pxr"})
    assert run_job(sandbox, environment, SIMREADY, "kitchen-1").state == "SUCCEEDED"
    deploy_image(environment, SIMREADY, BAD_IMAGE)
    post(sandbox, "images", {"image": BAD_IMAGE})
    assert run_job(sandbox, environment, SIMREADY, "kitchen-1").state == "SUCCEEDED"


def test_an_image_can_be_broken_by_its_digest(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1")
    deploy_image(environment, SIMREADY, BAD_IMAGE)
    sandbox.run.images.broken[sandbox.run.images.resolve(BAD_IMAGE)] = "no pxr"
    assert run_job(sandbox, environment, SIMREADY, "kitchen-1").state == "FAILED"


def test_a_line_can_be_logged_as_a_jobs_container_would(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    assert post(sandbox, "log", {"job": SIMREADY, "execution": "x-1", "text": "exit code 137"}).status_code == 200
    (line,) = environment.logs.newest("severity>=ERROR", since=began)
    assert (line.text, line.labels["run.googleapis.com/execution_name"]) == ("exit code 137", "x-1")


@pytest.mark.parametrize(
    "body", [{}, {"job": "", "text": "x"}, {"job": "a", "text": 7}, {"job": "a", "text": "x", "more": 1}]
)
def test_a_line_that_is_none_is_refused(sandbox: Sandbox, body: dict[str, Any]) -> None:
    assert post(sandbox, "log", body).status_code == 400


def test_a_job_whose_pod_needed_too_much_memory_has_failed(sandbox: Sandbox) -> None:
    sandbox.cluster.create("blueprint", manifest("a-1"))
    assert post(sandbox, "kubernetes/jobs/a-1", {"state": "oom_killed"}).status_code == 200
    job = sandbox.cluster.get("blueprint", "a-1")
    assert (job["status"]["failed"], job["status"]["conditions"][0]["type"]) == (1, "Failed")
    (pod,) = sandbox.cluster.objects.all("pods", "blueprint")
    assert pod["status"]["phase"] == "Failed"
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
