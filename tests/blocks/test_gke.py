"""What the cluster block says of the GPU Jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.calls import CallLimits
from blocks.errors import PermanentError, TemporaryError
from blocks.gke import GkeCluster
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox


def manifest(name: str, *, suspend: bool = False) -> dict[str, Any]:
    container = {"name": "main", "image": "gcr.io/p/blueprint-genie-sim:isaacsim"}
    template = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    labels = {"scene-id": "kitchen_1"}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"template": template, "suspend": suspend}}


@pytest.fixture
def gpu_jobs(sandbox: Sandbox) -> Iterator[list[str]]:
    names = ["episode-gen-kitchen-1-1", "geniesim-gpu-kitchen-1-1", "geniesim-gpu-kitchen-1-2", "geniesim-gpu-office-1"]
    for name in names:
        sandbox.cluster.create("blueprint", manifest(name, suspend=name.endswith("-2")))
    sandbox.cluster.set_state("blueprint", names[0], "succeeded")
    sandbox.cluster.set_state("blueprint", names[3], "failed")
    yield names
    for name in names:
        sandbox.cluster.delete("blueprint", name, {})


def test_the_jobs_are_listed_with_how_they_stand(cluster: GkeCluster, gpu_jobs: list[str]) -> None:
    done, running, suspended, failed = cluster.jobs()
    assert [done.name, running.name, suspended.name, failed.name] == gpu_jobs
    assert (done.succeeded, done.finished) == (1, True)
    assert (running.active, running.finished) == (1, False)
    assert (suspended.suspended, suspended.active, suspended.finished) == (True, 0, False)
    assert failed.failed >= 1
    assert failed.finished
    assert running.labels["scene-id"] == "kitchen_1"
    assert timedelta(0) <= datetime.now(UTC) - running.created < timedelta(minutes=1)


def test_a_prefix_chooses_the_jobs_of_one_scene(cluster: GkeCluster, gpu_jobs: list[str]) -> None:
    assert [job.name for job in cluster.jobs("geniesim-gpu-kitchen-1-")] == gpu_jobs[1:3]
    assert cluster.jobs("nothing-") == []


def test_a_pipeline_without_a_cluster_has_no_jobs(sandbox: Sandbox) -> None:
    assert GkeCluster(enabled=False).jobs() == []
    assert sandbox.requests.snapshot() == {}


def test_a_cluster_that_is_not_configured_is_an_error_and_not_an_empty_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    cluster = GkeCluster(kubeconfig=str(tmp_path / "none"))
    with pytest.raises(PermanentError, match="set kubeconfig of the cluster block, or turn it off"):
        cluster.jobs()


def test_a_kubeconfig_file_is_used(sandbox: Sandbox, tmp_path: Path, gpu_jobs: list[str]) -> None:
    file = tmp_path / "config"
    file.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: wrong
clusters: [{{name: here, cluster: {{server: "{sandbox.endpoints.kubernetes}"}}}}]
users: [{{name: me, user: {{}}}}]
contexts:
- {{name: wrong, context: {{cluster: none, user: me}}}}
- {{name: right, context: {{cluster: here, user: me}}}}
"""
    )
    cluster = GkeCluster(kubeconfig=str(file), context="right")
    assert [job.name for job in cluster.jobs()] == gpu_jobs
    cluster.close()


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
@pytest.mark.usefixtures("gpu_jobs")
def test_one_fault_is_not_noticed(cluster: GkeCluster, sandbox: Sandbox, kind: str) -> None:
    cluster.limits = CallLimits(attempts=3, total_seconds=10.0, call_seconds=0.4, first_wait_seconds=0.01)
    sandbox.faults.add(FaultRule.model_validate({"service": "kubernetes", "kind": kind, "seconds": 1.0, "times": 1}))
    assert len(cluster.jobs()) == 4


def test_the_client_itself_repeats_nothing(cluster: GkeCluster, sandbox: Sandbox) -> None:
    cluster.limits = CallLimits(attempts=2, total_seconds=10.0, call_seconds=5.0, first_wait_seconds=0.01)
    sandbox.faults.add(FaultRule(service="kubernetes", kind="reset"))
    with pytest.raises(TemporaryError, match="list the Jobs in namespace blueprint"):
        cluster.jobs()
    assert sum(sandbox.requests.snapshot().values()) == 2


def test_a_refusal_names_the_permission_to_grant(cluster: GkeCluster, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="kubernetes", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"grant list on jobs\.batch to the account"):
        cluster.jobs()
