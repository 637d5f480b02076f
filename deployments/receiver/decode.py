"""From an HTTP request to a message: Pub/Sub push (wrapped and unwrapped) and the webhook of Cloud Monitoring."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from deployments.receiver.cloudevents import STORAGE, read_cloudevent
from deployments.receiver.message import Message, of_content, of_incident, of_log, of_object
from deployments.receiver.strict import Undecodable, optional_table, parse, table, text

Headers = Mapping[str, str]
OBJECT_EVENTS = {
    "OBJECT_FINALIZE": "finalized",
    "OBJECT_DELETE": "deleted",
    "OBJECT_ARCHIVE": "archived",
    "OBJECT_METADATA_UPDATE": "metadataUpdated",
}
"""Event types of Cloud Storage's notifications, by the words that Eventarc uses."""
UNWRAPPED = "x-goog-pubsub-message-id"
"""The header that only an unwrapped push carries (with the subscription's "write metadata")."""


def pubsub(headers: Headers, body: bytes) -> Message:
    """A Pub/Sub push request. Raises `Undecodable`."""
    if UNWRAPPED in headers:
        return _unwrapped(headers, body)
    return _wrapped(table(parse(body), "The request"))


def cloudevent(headers: Headers, body: bytes) -> Message:
    """A CloudEvent over HTTP, as Eventarc sends it. Raises `Undecodable`."""
    event = read_cloudevent(headers, body)
    if event.type.startswith(STORAGE):
        data = table(event.data, "The event's data")
        return of_object(event.type[len(STORAGE) :], data.get("bucket"), data.get("name"), data.get("generation"))
    if event.type == "google.cloud.audit.log.v1.written":
        return of_log(table(event.data, "The event's data"))
    if event.type == "google.cloud.pubsub.topic.v1.messagePublished":
        return _wrapped(table(event.data, "The event's data"))
    about = {"type": event.type, "source": event.source, "id": event.id, "subject": event.subject}
    return Message("other", {"attributes": about, "data": event.data})


def alert(_headers: Headers, body: bytes) -> Message:
    """A webhook of Cloud Monitoring. Raises `Undecodable`."""
    data = table(parse(body), "The request")
    if "incident" not in data:
        raise Undecodable("The request has no incident.")
    return of_incident(data)


DECODERS: dict[str, Callable[[Headers, bytes], Message]] = {
    "/pubsub": pubsub,
    "/cloudevents": cloudevent,
    "/alerts": alert,
}
"""How the requests to each path are read."""


def _wrapped(request: dict[str, Any]) -> Message:
    message = table(request.get("message"), "The request's message")
    text(message.get("messageId") or message.get("message_id"), "The message's id")
    attributes = optional_table(message.get("attributes"), "The message's attributes")
    if "eventType" in attributes and "bucketId" in attributes:
        return _notification(attributes)
    return of_content(table(parse(_bytes(message.get("data"))), "The message's data"), attributes)


def _notification(attributes: dict[str, Any]) -> Message:
    """What Cloud Storage tells; its attributes say everything, whatever the payload format."""
    kind = attributes["eventType"]
    if not isinstance(kind, str) or kind not in OBJECT_EVENTS:
        raise Undecodable("The notification's eventType is none of Cloud Storage's.")
    return of_object(
        OBJECT_EVENTS[kind],
        attributes["bucketId"],
        attributes.get("objectId"),
        attributes.get("objectGeneration"),
    )


def _unwrapped(headers: Headers, body: bytes) -> Message:
    """The body is the message's data; attributes are headers, of which only what kind of change it was is needed."""
    data = table(parse(body), "The message's data")
    if data.get("kind") == "storage#object":
        event = OBJECT_EVENTS.get(headers.get("eventtype", ""))
        if event is None:
            raise Undecodable("The header eventType is none of Cloud Storage's.")
        return of_object(event, data.get("bucket"), data.get("name"), data.get("generation"))
    return of_content(data, {})


def _bytes(data: Any) -> bytes:
    if data is None or data == "":
        return b"{}"
    if not isinstance(data, str):
        raise Undecodable("The message's data is not a string.")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Undecodable("The message's data is not base64.") from error
