"""A sandbox in which things are rolled back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.restore.world import quick


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """The environment block for the sandbox of this test."""
    made = quick(sandbox)
    yield made
    made.close()
