"""Two buckets of a running sandbox, and the bulk access to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.calls import CallLimits
from blocks.storage import PipelineStorage
from blocks.storage_bulk import BulkStorage
from deployments.sandbox.names import PROJECT
from deployments.sandbox.server import Sandbox

LIMITS = CallLimits(attempts=8, total_seconds=30.0, call_seconds=5.0, first_wait_seconds=0.01)


@pytest.fixture
def bulk(sandbox: Sandbox) -> Iterator[BulkStorage]:
    """Bulk access to a sandbox with the empty buckets `source` and `target`."""
    sandbox.store.create_bucket("source")
    sandbox.store.create_bucket("target", soft_delete_seconds=0)
    storage = PipelineStorage(project=PROJECT, endpoint=sandbox.endpoints.storage, limits=LIMITS)
    yield BulkStorage(storage)
    storage.close()
