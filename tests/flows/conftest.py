"""The environment block that the flows load."""

from __future__ import annotations

from uuid import UUID

import pytest

from blocks.environment import PipelineEnvironment
from tests.flows.world import Saved


@pytest.fixture(scope="session")
def default_block(prefect_server: None) -> UUID:
    """The block `default`, saved once: `save` costs seconds of schema making, `keep` does not."""
    return PipelineEnvironment(project="p", data_bucket="data", ops_bucket="ops").save("default", overwrite=True)


@pytest.fixture
def saved(default_block: UUID, environment: PipelineEnvironment) -> Saved:
    """The environment of this test's sandbox, ready for flows."""
    return Saved(default_block, environment)
