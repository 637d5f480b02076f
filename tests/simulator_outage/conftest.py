"""One sandbox for a file whose tests only look, and its environment, anew for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from blocks.http_health import HttpHealth
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.simulator_outage import look


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """A sandbox in which nothing is wrong, unless a test says so and takes it back."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        yield running


@pytest.fixture
def looked(shared: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipelineEnvironment]:
    """Its environment, which waits for nobody long."""
    monkeypatch.setattr(look, "WAIT_SECONDS", 0.01)
    made = quick(for_sandbox(shared.endpoints, quick_policy()))
    yield made
    made.close()


@pytest.fixture
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipelineEnvironment]:
    """That of a sandbox of this test's own."""
    monkeypatch.setattr(look, "WAIT_SECONDS", 0.01)
    made = quick(
        for_sandbox(
            sandbox.endpoints, quick_policy(poll_seconds=0.02, settle_seconds=0.3, lease_seconds=120, wait_seconds=10.0)
        )
    )
    yield made
    made.close()


def quick(environment: PipelineEnvironment) -> PipelineEnvironment:
    """Services that hang are left soon."""
    environment.http_health = HttpHealth(seconds=1.0)
    environment.genie_sim.check_seconds = 1.0
    return environment
