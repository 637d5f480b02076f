"""An endpoint override is asked directly and without credentials."""

from __future__ import annotations

import pytest

from blocks.genie_sim import GenieSimEndpoint
from blocks.gke import GkeCluster
from blocks.run_jobs import CloudRunJobs
from blocks.storage import PipelineStorage
from blocks.triggers import PipelineTriggers
from blocks.workflows import PipelineWorkflows


@pytest.fixture(autouse=True)
def a_proxy_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_no_block_asks_an_override_through_the_proxy_of_the_internet(
    storage: PipelineStorage,
    workflows: PipelineWorkflows,
    jobs: CloudRunJobs,
    triggers: PipelineTriggers,
    cluster: GkeCluster,
    genie_sim: GenieSimEndpoint,
) -> None:
    assert storage.protection("sandbox-scenes").exists
    assert workflows.get("objects-pipeline") is not None
    assert list(workflows.executions("no-such-pipeline")) == []
    assert jobs.get("objects-job") is not None
    assert list(jobs.executions("no-such-job")) == []
    assert triggers.list()
    assert cluster.jobs("no-such-job") == []
    assert genie_sim.check().state == "serving"
