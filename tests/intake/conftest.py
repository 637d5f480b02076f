"""A sandbox whose intake is paused and resumed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.intake.world import OVERLAY
from tests.restore.world import quick


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """The environment block for the sandbox of this test."""
    made = quick(sandbox, settle_seconds=0.3)  # longer than what was pulled stays out of sight
    made.catalogue_overlay = OVERLAY
    for trigger in sandbox.eventarc.deployed.all():
        trigger.backlog.ack_deadline = 0.2  # nothing waits for a second that nobody pulls meanwhile
    yield made
    made.close()
