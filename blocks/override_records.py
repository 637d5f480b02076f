"""Firestore: the records of approvals and overrides that the pipeline keeps there. They are only read.

By the generated client of google-cloud-firestore: it lists whole documents page by page, with the times that Firestore itself
keeps of each, which no writer of a document can set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import NotFound

if TYPE_CHECKING:
    from google.cloud.firestore_v1.services.firestore import FirestoreClient
    from google.cloud.firestore_v1.types import Document, ListDocumentsResponse

_PAGE = 300
"""Documents of one page: those of the pipeline have about 1 kB."""


@dataclass(frozen=True)
class StoredDocument:
    """One document."""

    id: str
    collection: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Times as aware datetimes, references as their full names, everything else as JSON has it."""
    created: datetime | None = None
    """When Firestore made it."""
    updated: datetime | None = None
    """When it was last changed, whoever did; the same as `created` when it never was."""


class OverrideRecords(RemediationBlock):
    """The pipeline's approval records in Firestore."""

    _block_type_name = "Remediation Override Records"
    _block_type_slug = "remediation-override-records"
    _description = "Firestore of the pipeline: the records of approvals and overrides of quality gates. Only read."

    project: str = Field(default="", description="Google Cloud project of the database.")
    database: str = Field(default="(default)", description="Name of the Firestore database.")
    endpoint: str = Field(default="", description="host:port of the Firestore API instead of Google's; unencrypted.")
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[FirestoreClient] = PrivateAttr(default_factory=Lazy)

    def documents(self, collection: str) -> Iterator[StoredDocument]:
        """Every document of a collection at the root of the database, by name, page by page.

        None when nobody has ever written to it, or the project has no such database. Raises `PermanentError` when it may not
        be read, `TemporaryError`: then nothing is known.
        """
        request: dict[str, Any] = {
            "parent": f"projects/{self.project}/databases/{self.database}/documents",
            "collection_id": collection,
            "page_size": _PAGE,
        }
        call = Call(f"list the documents of {collection}", "datastore.entities.list", "check project and database.")
        while True:
            try:
                page = read(call, partial(self._page, request), self.limits)
            except NotFound:
                return
            for document in page.documents:
                yield document_from(document)
            if not page.next_page_token:
                return
            request["page_token"] = page.next_page_token

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _page(self, request: dict[str, Any]) -> ListDocumentsResponse:
        pager = self._open().list_documents(request=request, retry=None, timeout=self.limits.call_seconds)
        return next(pager.pages)

    def _open(self) -> FirestoreClient:
        def make() -> FirestoreClient:
            from google.cloud.firestore_v1.services.firestore import FirestoreClient
            from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

            if self.endpoint:
                return FirestoreClient(transport=FirestoreGrpcTransport(channel=plain_channel(self.endpoint)))
            return FirestoreClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def document_from(message: Document) -> StoredDocument:
    """What the service's message says."""
    *_, collection, name = message.name.split("/")
    return StoredDocument(
        id=name,
        collection=collection,
        fields=_fields(type(message).pb(message).fields),
        created=message.create_time if "create_time" in message else None,
        updated=message.update_time if "update_time" in message else None,
    )


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """A Firestore value (Google: `google.firestore.v1.Value`) as plain data."""
    kind = value.WhichOneof("value_type")
    if kind == "map_value":
        return _fields(value.map_value.fields)
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime(tzinfo=UTC)
    if kind == "geo_point_value":
        return [value.geo_point_value.latitude, value.geo_point_value.longitude]
    if kind in ("null_value", None):
        return None
    return getattr(value, kind)
