"""The Pub/Sub subscription of one Eventarc trigger: where it pushes, and what waits while it pushes nowhere."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from google.pubsub_v1 import PubsubMessage, PushConfig, ReceivedMessage

from deployments.sandbox.services.push_messages import finalize_message
from deployments.sandbox.storage.store import StoredVersion

ACK_DEADLINE = 10
"""Seconds. Google: the default of `ack_deadline_seconds`."""
RETENTION = timedelta(hours=24)
"""How long a message waits. Google: what Eventarc sets for its subscriptions ("Retry events")."""
_numbers = itertools.count(1)


class StorageEvent(NamedTuple):
    """An object was written."""

    version: StoredVersion
    argument: str
    """What a workflow is started with: the CloudEvent as JSON text."""


@dataclass(slots=True)
class _Waiting:
    """A message nobody has acknowledged."""

    event: StorageEvent
    message: PubsubMessage
    leased_until: float = 0.0
    """Monotonic seconds until which it is outstanding: whoever pulled it may still acknowledge it."""
    ack_id: str = ""


@dataclass(eq=False)
class Backlog:
    """One subscription. While `push_config` names an endpoint, nothing waits in it."""

    push_config: PushConfig
    retention: timedelta = RETENTION
    ack_deadline: float = ACK_DEADLINE
    detached: bool = False
    """Cut from its topic for good: nothing comes any more."""
    _waiting: list[_Waiting] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, event: StorageEvent) -> bool:
        """Let an event wait, or lose it when detached; False when it is to be pushed at once."""
        if self.detached:
            return True
        if self.push_config.push_endpoint:
            return False
        attributes, data = finalize_message(event.version)
        message = PubsubMessage(
            data=json.dumps(data).encode(),
            attributes=attributes,
            message_id=str(next(_numbers)),
            publish_time=datetime.now(UTC),
        )
        with self._lock:
            if self.push_config.push_endpoint:  # released meanwhile
                return False
            self._waiting.append(_Waiting(event, message))
        return True

    def configure(self, wanted: PushConfig) -> list[StorageEvent]:
        """Push there from now on. Returns what waited and is now to be pushed, oldest first."""
        with self._lock:
            self._forget()
            self.push_config = wanted
            if not wanted.push_endpoint:
                return []
            due, self._waiting = [one.event for one in self._waiting], []
            return due

    def seek(self, since: datetime) -> None:
        """Forget what was published before `since`; the rest, outstanding or not, waits (Google: `Seek` to a time)."""
        with self._lock:
            self._waiting = [one for one in self._waiting if one.message.publish_time >= since]
            for one in self._waiting:
                one.leased_until, one.ack_id = 0.0, ""

    def detach(self) -> None:
        """Cut it from its topic: what waits is lost and nothing is pushed (Google: `DetachSubscription`)."""
        with self._lock:
            self.detached, self._waiting = True, []

    def pull(self, most: int) -> list[ReceivedMessage]:
        """What waits and nobody has pulled within the ack deadline, at most so many, oldest first."""
        now = time.monotonic()
        with self._lock:
            self._forget()
            chosen = [one for one in self._waiting if one.leased_until <= now][:most]
            for one in chosen:
                one.leased_until = now + self.ack_deadline
                one.ack_id = f"ack-{one.message.message_id}-{next(_numbers)}"
            return [ReceivedMessage(ack_id=one.ack_id, message=one.message) for one in chosen]

    def acknowledge(self, ack_ids: Iterable[str]) -> None:
        """Forget those messages. Google: an id whose deadline has passed is ignored, and the message comes again."""
        gone, now = set(ack_ids), time.monotonic()
        with self._lock:
            self._waiting = [one for one in self._waiting if one.ack_id not in gone or one.leased_until <= now]

    def _forget(self) -> None:
        oldest = datetime.now(UTC) - self.retention
        self._waiting = [one for one in self._waiting if one.message.publish_time >= oldest]
