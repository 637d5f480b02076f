"""Firestore answers the stock client: documents one by one and by pages; what it does not do it refuses, never with a 500."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import InvalidArgument, NotFound
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from blocks.clients import plain_channel
from deployments.sandbox.server import Sandbox

PARENT = "projects/sandbox-project/databases/(default)/documents"


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[FirestoreClient]:
    made = FirestoreClient(transport=FirestoreGrpcTransport(channel=plain_channel(sandbox.endpoints.firestore)))
    yield made
    made.transport.close()


def test_a_document_is_read_by_its_name(sandbox: Sandbox, client: FirestoreClient) -> None:
    sandbox.firestore.put("c", "d", {"a": 1})
    found = client.get_document(request={"name": f"{PARENT}/c/d"})
    assert (found.name, found.fields["a"].integer_value) == (f"{PARENT}/c/d", 1)
    assert found.create_time == found.update_time
    sandbox.firestore.remove("c", "d")
    sandbox.firestore.remove("c", "d")
    with pytest.raises(NotFound):
        client.get_document(request={"name": f"{PARENT}/c/d"})


def test_pages_neither_repeat_nor_leave_out(sandbox: Sandbox, client: FirestoreClient) -> None:
    for number in range(7):
        sandbox.firestore.put("c", f"d{number}", {})
    pages = list(client.list_documents(request={"parent": PARENT, "collection_id": "c", "page_size": 3}).pages)
    names = [one.name.rpartition("/")[2] for page in pages for one in page.documents]
    assert names == [f"d{number}" for number in range(7)]
    assert [len(page.documents) for page in pages] == [3, 3, 1]


@pytest.mark.parametrize(
    "request_",
    [
        {"parent": "x", "collection_id": "c"},
        {"parent": PARENT, "collection_id": "c/d"},
        {"parent": PARENT, "collection_id": "c", "page_size": -1},
        {"parent": PARENT, "collection_id": "c", "page_token": "nonsense"},
        {"parent": PARENT, "collection_id": "c", "order_by": "a"},
        {"parent": PARENT, "collection_id": "c", "mask": {"field_paths": ["a"]}},
        {"parent": PARENT, "collection_id": "c", "show_missing": True},
    ],
)
def test_what_makes_no_sense_or_is_left_out_is_refused(client: FirestoreClient, request_: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        client.list_documents(request=request_)


@pytest.mark.parametrize(
    "name", [PARENT.replace("(default)", "other") + "/c/d", PARENT.replace("sandbox-project", "p") + "/c/d"]
)
def test_another_database_is_not_found(client: FirestoreClient, name: str) -> None:
    with pytest.raises(NotFound):
        client.get_document(request={"name": name})


def test_a_name_that_is_none_is_refused(client: FirestoreClient) -> None:
    with pytest.raises(InvalidArgument):
        client.get_document(request={"name": "c/d"})
