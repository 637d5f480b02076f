"""A sandbox whose scenes are restored, and processes that may be killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.recovery.killer import Victims
from tests.restore.world import quick


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """The environment block for the sandbox of this test."""
    made = quick(sandbox)
    yield made
    made.close()


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    """Processes of their own that restore."""
    made = Victims("tests.restore.victim")
    yield made
    made.close()
