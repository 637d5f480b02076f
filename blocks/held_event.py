"""An event that waits in a Pub/Sub subscription, and what it says of the object it is about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.pubsub_v1 import ReceivedMessage


@dataclass(frozen=True)
class HeldEvent:
    """One waiting event. Delivery is at least once: the same `message_id` may be pulled again."""

    ack_id: str
    """What acknowledges this delivery of it; of no use once the ack deadline has passed."""
    message_id: str
    publish_time: datetime
    """Pub/Sub forgets it `retention_seconds` after this."""
    attributes: dict[str, str]
    data: bytes
    event_type: str = ""
    """As in `OBJECT_FINALIZE` or `google.cloud.storage.object.v1.finalized`; empty when the event names none."""
    bucket: str = ""
    """Empty when the event is not about an object."""
    name: str = ""
    """The object's name."""
    generation: int = 0
    """Which version of the object was written; 0 when the event does not say."""


def held_event(message: ReceivedMessage) -> HeldEvent:
    """What a pulled message says.

    Cloud Storage's own notifications carry bucket, name and generation as attributes (Google: "Pub/Sub notifications
    for Cloud Storage"); a CloudEvent names its type as `ce-type`. In both the data is the object's JSON.
    """
    attributes = dict(message.message.attributes)
    stored = _object(message.message.data)
    generation = attributes.get("objectGeneration") or str(stored.get("generation", ""))
    return HeldEvent(
        ack_id=message.ack_id,
        message_id=message.message.message_id,
        publish_time=message.message.publish_time,
        attributes=attributes,
        data=message.message.data,
        event_type=attributes.get("eventType") or attributes.get("ce-type", ""),
        bucket=attributes.get("bucketId") or str(stored.get("bucket", "")),
        name=attributes.get("objectId") or str(stored.get("name", "")),
        generation=int(generation) if generation.isdecimal() else 0,
    )


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
