"""A sandbox whose GPUs run short, with quick limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """The environment block for the sandbox of this test."""
    made = for_sandbox(sandbox.endpoints, quick_policy(poll_seconds=0.02, lease_seconds=120))
    yield made
    made.close()
