"""CloudEvents 1.0 over HTTP, in binary and structured mode (cloudevents.io, "HTTP Protocol Binding").

Written out here rather than taken from the SDK, because every value has to pass the same strict reading as all others.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from deployments.receiver.strict import Undecodable, parse, table, text

STORAGE = "google.cloud.storage.object.v1."
"""What the types of Cloud Storage's events begin with; then comes `finalized`, `deleted`, ..."""


@dataclass(frozen=True)
class CloudEvent:
    """One event; source and id together tell it from every other."""

    id: str
    source: str
    type: str
    subject: str
    data: Any


def read_cloudevent(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """The event of a request. Raises `Undecodable`."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "application/cloudevents-batch+json":
        raise Undecodable("Batches of CloudEvents are not taken: send them one by one.")
    if media == "application/cloudevents+json":
        return _structured(table(parse(body), "The event"))
    if "ce-specversion" not in headers:
        raise Undecodable("It is no CloudEvent: there is no header ce-specversion, and the body is none either.")
    if media not in ("application/json", "text/json"):
        raise Undecodable("The event's data is not JSON.")
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    return _event(attributes, parse(body) if body else {})


def _structured(envelope: dict[str, Any]) -> CloudEvent:
    if "data_base64" not in envelope:
        return _event(envelope, envelope.get("data", {}))
    try:
        data = base64.b64decode(text_of_base64(envelope["data_base64"]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Undecodable("The event's data_base64 is not base64.") from error
    return _event(envelope, parse(data))


def text_of_base64(value: Any) -> str:
    """A string of any length. Raises `Undecodable`."""
    if not isinstance(value, str):
        raise Undecodable("The event's data_base64 is not a string.")
    return value


def _event(attributes: Mapping[str, Any], data: Any) -> CloudEvent:
    if attributes.get("specversion") != "1.0":
        raise Undecodable("The event's specversion is not 1.0.")
    subject = attributes.get("subject")
    return CloudEvent(
        id=text(attributes.get("id"), "The event's id"),
        source=text(attributes.get("source"), "The event's source"),
        type=text(attributes.get("type"), "The event's type"),
        subject="" if subject is None else text(subject, "The event's subject"),
        data=data,
    )
