"""A real Prefect server for the flows, and the environment block they load."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import UUID

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from blocks.environment import PipelineEnvironment
from tests.flows.world import Saved

QUICK_RECORDER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
"""Task runs show in the API at once instead of seconds later."""


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A private Prefect server for every flow that runs in this process."""
    before = {name: os.environ.get(name) for name in QUICK_RECORDER}
    os.environ.update(QUICK_RECORDER)
    try:
        with (
            prefect_test_harness(server_startup_timeout=180),
            temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        ):
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="session")
def default_block(prefect_server: None) -> UUID:
    """The block `default`, saved once: `save` costs seconds of schema making, `keep` does not."""
    return PipelineEnvironment(project="p", data_bucket="data", ops_bucket="ops").save("default", overwrite=True)


@pytest.fixture
def saved(default_block: UUID, environment: PipelineEnvironment) -> Saved:
    """The environment of this test's sandbox, ready for flows."""
    return Saved(default_block, environment)
