"""How many events wait in a held subscription.

Pub/Sub tells the number only through Cloud Monitoring, so they are looked at: pulled and not acknowledged. Each comes
again when its ack deadline is over, so nothing is lost by it; a release waits at least that long for the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from blocks.environment import PipelineEnvironment

COUNTED = 1000
"""How far a subscription is counted."""
NONE_SEEN = "none seen"
WAIT_SECONDS = 1.0
"""How long the service may look for a first one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in one subscription."""

    count: int
    oldest: datetime | None
    """When the oldest of those that were seen was published."""

    @property
    def words(self) -> str:
        """`12`, `1,000 or more`, or `none seen`: what somebody looked at a moment ago is out of sight."""
        if not self.count:
            return NONE_SEEN
        return f"{self.count:,} or more" if self.count >= COUNTED else f"{self.count:,}"


def waiting(environment: PipelineEnvironment, subscription: str) -> Waiting:
    """Count what waits. Raises `NotFound`, `PermanentError` when the subscription pushes."""
    seen: dict[str, datetime] = {}
    while len(seen) < COUNTED:
        events = environment.delivery.pull(subscription, COUNTED, wait_seconds=WAIT_SECONDS)
        new = {event.message_id: event.publish_time for event in events if event.message_id not in seen}
        if not new:
            break
        seen |= new
    return Waiting(len(seen), min(seen.values(), default=None))
