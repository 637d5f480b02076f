"""The storage server that the tests of the sandbox's storage share."""

from collections.abc import Iterator

import pytest

from tests.sandbox.storage_world import StorageServer, serve_storage


@pytest.fixture(scope="session")
def shared_storage_server() -> Iterator[StorageServer]:
    """One storage server for all tests of a run; use `storage_server`, which cleans up."""
    with serve_storage() as server:
        yield server


@pytest.fixture
def storage_server(shared_storage_server: StorageServer) -> Iterator[StorageServer]:
    """The storage server with an empty bucket `data`, and without a fault or a count from the test before."""
    shared_storage_server.store.create_bucket("data")
    yield shared_storage_server
    shared_storage_server.faults.clear()
    shared_storage_server.store.clear()
    shared_storage_server.requests.reset()
