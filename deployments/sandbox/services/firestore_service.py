"""Firestore in native mode: documents of collections at the root, read one by one and listed by pages.

Left out: writes, queries, transactions, listening, collections below a document, and databases other than `(default)`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import grpc
from google.cloud.firestore_v1 import types

from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.rpc import Methods, Wire, invalid, not_found, page, page_size, split_name

DATABASE = f"projects/{PROJECT}/databases/(default)"
DOCUMENTS = "projects/*/databases/*/documents"
MOST = 300
"""Documents of a page; the service may give fewer than are asked for."""


class FirestoreService:
    """The gRPC service of Firestore, and the means to put documents there."""

    def __init__(self) -> None:
        """A database without a document."""
        self._lock = threading.Lock()
        self._documents: dict[str, dict[str, types.Document]] = {}

    def put(self, collection: str, name: str, fields: Mapping[str, Any], at: datetime | None = None) -> None:
        """Write a document as a client's `set` does: one that is there keeps when it was created."""
        now = at or datetime.now(UTC)
        with self._lock:
            documents = self._documents.setdefault(collection, {})
            created = documents[name].create_time if name in documents else now
            documents[name] = types.Document(
                name=f"{DATABASE}/documents/{collection}/{name}",
                fields={key: value_of(value) for key, value in fields.items()},
                create_time=created,
                update_time=now,
            )

    def remove(self, collection: str, name: str) -> None:
        """Delete a document, if it is there."""
        with self._lock:
            self._documents.get(collection, {}).pop(name, None)

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service, whose faults and counts go by `firestore`."""
        methods: Methods = {
            "GetDocument": (types.GetDocumentRequest, self._get),
            "ListDocuments": (types.ListDocumentsRequest, self._list),
        }
        return [wire.service("google.firestore.v1.Firestore", "firestore", methods)]

    def _get(self, request: types.GetDocumentRequest) -> types.Document:
        _, _, collection, name = split_name(request.name, f"{DOCUMENTS}/*/*")
        _ours(request.name)
        with self._lock:
            found = self._documents.get(collection, {}).get(name)
        if found is None:
            raise not_found(request.name)
        return found

    def _list(self, request: types.ListDocumentsRequest) -> types.ListDocumentsResponse:
        split_name(request.parent, DOCUMENTS)
        _ours(request.parent)
        for given, name in (
            (request.order_by, "order_by"),
            (request.mask.field_paths, "mask"),
            (request.show_missing, "show_missing"),
        ):
            if given:
                raise invalid(f"{name}: the sandbox lists whole documents by their names only.")
        if "/" in request.collection_id:
            raise invalid(f"collection_id: '{request.collection_id}' must not contain a slash.")
        with self._lock:
            documents = sorted(self._documents.get(request.collection_id, {}).items())
        size = page_size(request.page_size, default=MOST, most=MOST)
        scope = f"{request.parent}/{request.collection_id}"
        chosen, token = page(documents, lambda one: one[0], size=size, token=request.page_token, scope=scope)
        return types.ListDocumentsResponse(documents=[one for _, one in chosen], next_page_token=token)


def value_of(value: Any) -> types.Value:
    """A Python value as the client library sends it."""
    make = types.Value
    match value:
        case None:
            return make(null_value=0)
        case bool():
            return make(boolean_value=value)
        case int():
            return make(integer_value=value)
        case float():
            return make(double_value=value)
        case datetime():
            return make(timestamp_value=value)
        case bytes():
            return make(bytes_value=value)
        case Mapping():
            fields = {str(key): value_of(one) for key, one in value.items()}
            return make(map_value=types.MapValue(fields=fields))
        case list() | tuple():
            return make(array_value=types.ArrayValue(values=[value_of(one) for one in value]))
    return make(string_value=str(value))


def _ours(name: str) -> None:
    if not name.startswith(f"{DATABASE}/"):
        raise not_found(name)
