"""A sandbox with one scene and no Job."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tests.gpu_job.world import fresh, with_scene


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One for all tests of a file."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        with_scene(running)
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """The cluster as it was deployed, and nothing else that another test has left."""
    fresh(shared)
    return shared


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """Its environment; nobody is waited for long."""
    policy = quick_policy(poll_seconds=0.01, lease_seconds=120, wait_seconds=0.05)
    made = for_sandbox(sandbox.endpoints, policy)
    yield made
    made.close()
