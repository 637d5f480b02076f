"""kubectl as it is: the API server takes the Jobs that are rendered here for every scene id, and shows what they become."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from blocks.catalogue import SCENE_ID
from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import ClusterJob, as_new
from deployments.sandbox.server import Sandbox
from tasks.actions.new_gke_job import next_name
from tasks.gpu_job.manifest import named, rendered
from tasks.gpu_job.procedure import LABEL
from tasks.pipeline.gpu_jobs import plain, scene_of
from tests.gpu_job.test_manifest import VALUES
from tests.gpu_job.world import FIRST, deploy, manifest, remove
from tests.sandbox.test_services_kubectl import Kubectl
from tests.simulator_outage.world import deploy_server

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

IDS = st.lists(st.from_regex(SCENE_ID, fullmatch=True), min_size=40, max_size=40, unique=True)
ODD = [
    "kitchen_001",
    "Kitchen-001",
    "A",
    "0",
    "a__b",
    "a-_-b",
    "X" * 63,
    "a" * 62 + "9",
    "_",
    "-a",
    "a_",
    "b" * 64,
    "q" * 128,
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all: kubectl keeps what it has discovered there."""
    return tmp_path_factory.mktemp("kubectl")


@pytest.fixture
def kubectl(sandbox: Sandbox, home: Path) -> Kubectl:
    return Kubectl(sandbox.cluster, sandbox.requests, sandbox.endpoints.kubernetes, home)


def of_a_person(scene: str) -> dict[str, Any]:
    """The Job that `job deploy` creates."""
    job = rendered(manifest(), VALUES | {"SCENE_ID": scene}, scene)
    return named(job, next_name(f"genie-sim-gpu-{plain(scene)}-0", set()))


def of_a_restart(scene: str) -> dict[str, Any]:
    """The Job that the end of an outage creates, of one that a workflow has named after the bare id."""
    job = as_new(of_a_person(scene))
    return job | {"metadata": job["metadata"] | {"name": next_name(f"geniesim-gpu-{scene}-1700000000", set())}}


@settings(max_examples=2, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
@example(ODD)
@given(IDS)
def test_the_api_server_takes_the_job_of_every_scene_id_that_a_label_can_name(kubectl: Kubectl, ids: list[str]) -> None:
    fit = [one for one in ids if LABEL.fullmatch(one)]
    jobs = [make(one) for one in fit for make in (of_a_person, of_a_restart)]
    if not jobs:
        return
    said = kubectl("apply", "--dry-run=server", "-f", "-", stdin=jobs)
    assert said.count("created (server dry run)") == len(jobs)
    assert kubectl.requests.mutating() == {"total": 0}
    assert kubectl.cluster.objects.all("jobs") == []


def test_an_id_that_no_label_can_name_is_refused_by_the_api_server_as_it_is_here(kubectl: Kubectl) -> None:
    unfit = [one for one in ODD if not LABEL.fullmatch(one) and plain(one)]
    assert len(unfit) == 4
    complaints = kubectl.refused("apply", "--dry-run=server", "-f", "-", stdin=[of_a_person(one) for one in unfit])
    assert complaints.count("metadata.labels") == len(unfit)


@given(st.from_regex(SCENE_ID, fullmatch=True))
def test_a_job_is_known_again_as_its_scenes_and_no_others(scene: str) -> None:
    if not LABEL.fullmatch(scene):
        return
    job = ClusterJob(of_a_person(scene))
    assert scene_of(job, ("genie-sim-gpu-",), [f"{scene}x", scene]) == scene


def test_kubectl_lists_what_the_sandbox_has_and_what_a_deployed_job_becomes(
    sandbox: Sandbox, environment: PipelineEnvironment, kubectl: Kubectl
) -> None:
    one = deploy(environment)
    assert one.outcome == "done", one.sentence()
    sandbox.cluster.change_pool("gpu-pool", maximum=1)
    sandbox.cluster.create("blueprint", manifest(metadata={"name": "geniesim-gpu-other-1"}))
    deploy_server(sandbox)
    try:
        found = json.loads(kubectl("get", "nodes,pods,events,jobs,deployments", "-o", "json"))["items"]
        names = {
            kind: [o["metadata"]["name"] for o in found if o["kind"] == kind] for kind in {o["kind"] for o in found}
        }
    finally:
        remove(sandbox, "deployments", "geniesim-server")
        sandbox.cluster.change_pool("gpu-pool", maximum=4)
    assert set(names) == {"Node", "Pod", "Event", "Job", "Deployment"}
    assert sorted(names["Job"]) == [FIRST, "geniesim-gpu-other-1"]
    assert names["Deployment"] == ["geniesim-server"]
    assert any(name.startswith(FIRST) for name in names["Pod"])
    assert any("failedscheduling" in name for name in names["Event"])
    described = kubectl("describe", "job", FIRST)
    assert "scene-id=kitchen_001" in described
    assert "nvidia.com/gpu:  1" in described
