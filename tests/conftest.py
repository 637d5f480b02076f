"""What many tests share: a private Prefect home, a sandbox with real clients, and quick limits."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

# Prefect reads its home when it is imported; results and profiles of the person who runs the tests stay out of it.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="remediation-tests-")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"  # nothing is told to anybody outside
os.environ["DO_NOT_TRACK"] = "1"
os.environ.pop("PREFECT_API_URL", None)

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.remediation.context import Context
from tests.deployments.world import stack  # noqa: F401  a fixture for every folder of tests

BUCKET = "sandbox-scenes"


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
