"""The sandbox's environment with waits that suit jobs of a fiftieth of a second, and processes that may be killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.recovery.killer import Victims
from tests.recovery.world import quick_environment


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """The environment block for the sandbox of this test."""
    made = quick_environment(sandbox)
    yield made
    made.close()


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    """Processes of their own that recover scenes."""
    made = Victims()
    yield made
    made.close()
