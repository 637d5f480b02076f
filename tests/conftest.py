"""What many tests share: a private Prefect home, a sandbox with real clients, and quick limits."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deployments.authorities import one_authority

# Prefect reads its home when it is imported; results and profiles of the person who runs the tests stay out of it.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="remediation-tests-")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"  # nothing is told to anybody outside
os.environ["DO_NOT_TRACK"] = "1"
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # else gRPC's threads wake up in a child between fork and exec, and abort
os.environ["PREFECT_API_SSL_CERT_FILE"] = str(one_authority(Path(os.environ["PREFECT_HOME"])))
os.environ["PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"] = "false"  # no test's server wants a token
os.environ.pop("PREFECT_API_URL", None)

import hypothesis
import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from blocks import object_protection
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.remediation.context import Context
from tests.deployments.world import stack, stacks  # noqa: F401  fixtures for every folder of tests

BUCKET = "sandbox-scenes"

# How long one example takes says something of the machine and nothing of the code.
hypothesis.settings.register_profile(
    "remediation", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("remediation")


QUICK_RECORDER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
"""Task runs show in the API at once instead of seconds later."""


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A private Prefect server for every test of this process: a client's event thread never finds a second one."""
    before = {name: os.environ.get(name) for name in QUICK_RECORDER}
    os.environ.update(QUICK_RECORDER)
    try:
        with (
            prefect_test_harness(server_startup_timeout=180),
            temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        ):
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(autouse=True)
def nothing_known_of_buckets() -> None:
    """A sandbox may get the port of an earlier one, whose ops bucket this process has found in order."""
    object_protection._in_order.clear()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox of its own for each test: whatever a test breaks, no other sees."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """The environment block for the sandbox."""
    made = for_sandbox(sandbox.endpoints)
    yield made
    made.close()


@pytest.fixture
def context(environment: PipelineEnvironment) -> Context:
    """A context outside any flow."""
    return Context(environment, "a test")


@pytest.fixture
def kitchen(sandbox: Sandbox) -> str:
    """A healthy scene with everything up to the import."""
    make_scene(sandbox.store, BUCKET, "kitchen_001", "kitchen", objects=4)
    return "kitchen_001"


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["PREFECT_HOME"], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in a hook of its own, which would come first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """When tests run in several processes, those that share something slow to start stay in one."""
    for item in items:
        shared = set(getattr(item, "fixturenames", ())) & {"stacks", "prefect_server"}
        if shared:
            item.add_marker(pytest.mark.xdist_group(sorted(shared)[-1]))
