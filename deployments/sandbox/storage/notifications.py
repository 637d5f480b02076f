"""Notification configurations of a bucket: list, insert, delete (Google: "Notifications"). Nothing is told by them here."""

import itertools
from typing import Any

from pydantic import Field

from deployments.sandbox.storage.bodies import Body, Metadata, Text
from deployments.sandbox.storage.http import Request, Response, answer
from deployments.sandbox.storage.store import ObjectStore
from deployments.sandbox.storage.store_errors import BadRequest, NoSuchThing, Required

_TOPIC = "//pubsub.googleapis.com/projects/"
_EVENTS = frozenset({"OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE"})


class NotificationBody(Body):
    """What is said of a new one; Google has these names with underscores."""

    topic: Text | None = None
    payload_format: Text | None = Field(None, alias="payload_format")
    event_types: list[Text] | None = Field(None, alias="event_types")
    object_name_prefix: Text | None = Field(None, alias="object_name_prefix")
    custom_attributes: Metadata | None = Field(None, alias="custom_attributes")


class NotificationMethods:
    """Handlers of the notification methods on one store."""

    def __init__(self, store: ObjectStore) -> None:
        """No bucket has one at first."""
        self._store = store
        self._of: dict[str, dict[str, dict[str, Any]]] = {}
        self._ids = itertools.count(1)

    def list(self, request: Request, bucket: str) -> Response:
        """notifications.list: all of them at once, as Google does."""
        self._store.bucket(bucket)
        found = [*self._of.get(bucket, {}).values()]
        return answer({"kind": "storage#notifications"} | ({"items": found} if found else {}))

    def insert(self, request: Request, bucket: str) -> Response:
        """notifications.insert."""
        body = request.json(NotificationBody)
        self._store.bucket(bucket)
        for name in ("topic", "payload_format"):
            if not body.get(name):
                raise Required(f"Required: {name}")
        if not body["topic"].startswith(_TOPIC):
            raise BadRequest(f"Invalid Google Cloud Pub/Sub topic: '{body['topic']}'.")
        if unknown := set(body.get("event_types") or ()) - _EVENTS:
            raise BadRequest(f"Invalid value for event_types: '{min(unknown)}'.")
        number = str(next(self._ids))
        link = f"{request.base}/storage/v1/b/{bucket}/notificationConfigs/{number}"
        made = {"kind": "storage#notification", "id": number, "selfLink": link, "etag": number} | body
        self._of.setdefault(bucket, {})[number] = made
        return answer(made)

    def delete(self, request: Request, bucket: str, number: str) -> Response:
        """notifications.delete."""
        self._store.bucket(bucket)
        if self._of.get(bucket, {}).pop(number, None) is None:
            raise NoSuchThing(f"Notification {number} not found.")
        return Response(204)
