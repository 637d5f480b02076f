"""A sandbox for every block, a Prefect server for saved blocks, and call limits short enough for tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from blocks.calls import CallLimits
from blocks.delivery import EventDelivery
from blocks.genie_sim import GenieSimEndpoint
from blocks.gke import GkeCluster
from blocks.project_access import ProjectAccess
from blocks.run_jobs import CloudRunJobs
from blocks.schedulers import PipelineSchedulers
from blocks.storage import PipelineStorage
from blocks.transfers import StorageTransfers
from blocks.triggers import PipelineTriggers
from blocks.workflows import PipelineWorkflows
from deployments.sandbox.server import Sandbox

PROJECT = "sandbox-project"
QUICK = CallLimits(attempts=4, total_seconds=20.0, call_seconds=5.0, first_wait_seconds=0.01)
IMPATIENT = CallLimits(attempts=4, total_seconds=20.0, call_seconds=0.4, first_wait_seconds=0.01)
"""For faults that hang: an answer that takes longer than 0.4 s is given up."""

_numbers = count(1)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, job_seconds=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    running_sandbox.faults.clear()
    running_sandbox.requests.reset()
    yield running_sandbox
    running_sandbox.faults.clear()
    running_sandbox.denied.clear()
    running_sandbox.simulator.forgive()


@pytest.fixture
def storage(sandbox: Sandbox) -> Iterator[PipelineStorage]:
    block = PipelineStorage(project=PROJECT, endpoint=sandbox.endpoints.storage, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def bucket(sandbox: Sandbox) -> str:
    """A bucket of this test's own that keeps every version, so that each effect can be counted."""
    name = f"blocks-test-{next(_numbers)}"
    sandbox.store.create_bucket(name, versioning=True)
    return name


@pytest.fixture
def workflows(sandbox: Sandbox) -> Iterator[PipelineWorkflows]:
    ends = sandbox.endpoints
    block = PipelineWorkflows(
        project=PROJECT, endpoint=ends.workflows, executions_endpoint=ends.executions, limits=QUICK
    )
    yield block
    block.close()


@pytest.fixture
def jobs(sandbox: Sandbox) -> Iterator[CloudRunJobs]:
    block = CloudRunJobs(project=PROJECT, endpoint=sandbox.endpoints.run, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def triggers(sandbox: Sandbox) -> Iterator[PipelineTriggers]:
    block = PipelineTriggers(project=PROJECT, endpoint=sandbox.endpoints.eventarc, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def schedulers(sandbox: Sandbox) -> Iterator[PipelineSchedulers]:
    block = PipelineSchedulers(project=PROJECT, endpoint=sandbox.endpoints.scheduler, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def access(sandbox: Sandbox) -> Iterator[ProjectAccess]:
    block = ProjectAccess(project=PROJECT, endpoint=sandbox.endpoints.projects, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def delivery(sandbox: Sandbox) -> Iterator[EventDelivery]:
    block = EventDelivery(endpoint=sandbox.endpoints.pubsub, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def transfers(sandbox: Sandbox) -> Iterator[StorageTransfers]:
    block = StorageTransfers(project=PROJECT, endpoint=sandbox.endpoints.transfer, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[GkeCluster]:
    block = GkeCluster(endpoint=sandbox.endpoints.kubernetes, limits=QUICK)
    yield block
    block.close()


@pytest.fixture
def genie_sim(sandbox: Sandbox) -> GenieSimEndpoint:
    return GenieSimEndpoint(address=sandbox.endpoints.genie_sim, connect_seconds=1.0, check_seconds=1.0)


@pytest.fixture
def service_account(tmp_path: Path) -> dict[str, str]:
    """A service account key of the right form, made for this test."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "project_id": "some-project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "flows@some-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
