"""The installation that an audit and those after it look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from blocks.on_call import OnCall
from deployments.sandbox.server import Sandbox
from tests.override_audit.world import environment_of


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """It keeps approvals in Firestore and tells the sink `platform`."""
    made = environment_of(sandbox)
    made.on_call = OnCall(overrides_to=("platform",))
    yield made
    made.close()
