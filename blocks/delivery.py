"""The delivery of events: holding it while objects are written, looking at what waits, and letting it go on.

An Eventarc trigger cannot be paused, but the Pub/Sub subscription its events travel through can: an empty push
configuration stops the pushing and messages wait (Google: `ModifyPushConfig`). Two things follow from it:

* A message is lost when it has waited for `retention_seconds`, which Eventarc sets to 24 hours.
* The push configuration exists nowhere else while delivery is held: record it before `hold`.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read, write
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import NotFound, PreconditionFailed
from blocks.held_event import HeldEvent, held_event
from blocks.messages import as_dict, from_dict

if TYPE_CHECKING:
    from google.pubsub_v1 import SubscriberClient, Subscription

_MISSING = "its trigger may have been deleted: list the triggers."
_ACK_BATCH = 1000
"""How many messages one request acknowledges: Google takes 512 KiB of ack ids, which have about 200 bytes."""


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """What a subscription is set to."""

    topic: str
    """In full; `_deleted-topic_` after somebody has deleted it (Google: "Manage topics")."""
    detached: bool
    """Whether it gets nothing from its topic any more."""
    endpoint: str
    """Where it pushes; empty: nowhere."""
    account: str
    """Of whom the token is that each push carries; empty: it carries none."""
    backs_off: bool
    """Whether it waits longer and longer between two tries; without a retry policy it tries again at once."""
    dead_letter_topic: str
    """In full; empty: what cannot be delivered is lost when it has waited too long."""


class EventDelivery(RemediationBlock):
    """The Pub/Sub subscriptions of the triggers. They are named in full: `projects/<p>/subscriptions/<s>`."""

    _block_type_name = "Remediation Event Delivery"
    _block_type_slug = "remediation-event-delivery"
    _description = "Pub/Sub subscriptions of the triggers: holding the delivery of events and letting it go on."

    endpoint: str = Field(default="", description="host:port of the Pub/Sub API instead of Google's; unencrypted.")
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[SubscriberClient] = PrivateAttr(default_factory=Lazy)

    def push_config(self, subscription: str) -> dict[str, Any] | None:
        """Where a subscription pushes, as the JSON of Google's REST API: what `release` needs.

        `{}`: delivery is held. None: there is no such subscription.
        """
        try:
            return _push_config(self._get(subscription))
        except NotFound:
            return None

    def facts(self, subscription: str) -> SubscriptionFacts | None:
        """What a subscription is set to; None: there is no such subscription."""
        try:
            return _facts(self._get(subscription))
        except NotFound:
            return None

    def retention_seconds(self, subscription: str) -> int:
        """How long a message waits before it is lost. Raises `NotFound`."""
        return int(self._get(subscription).message_retention_duration.total_seconds())

    def ack_deadline_seconds(self, subscription: str) -> int:
        """How long a pulled message that nobody acknowledges stays out of sight. Raises `NotFound`."""
        return int(self._get(subscription).ack_deadline_seconds)

    def granted(self, subscription: str, permissions: Iterable[str]) -> set[str]:
        """Which of these permissions whoever asks has on a subscription. Raises `NotFound`."""
        call = Call(f"ask what may be done with {subscription}", "none, but it must be there", _MISSING)
        request = {"resource": subscription, "permissions": sorted(permissions)}

        def attempt() -> set[str]:
            client = self._open()
            answer = client.test_iam_permissions(request=request, retry=None, timeout=self.limits.call_seconds)
            return set(answer.permissions)

        return read(call, attempt, self.limits)

    def hold(self, subscription: str) -> None:
        """Stop pushing: messages wait from now on. Record `push_config` before. Holding twice is holding once.

        Raises `NotFound`, `PreconditionFailed` when somebody else set it back at the same time.
        """
        call = Call(f"hold the delivery of {subscription}", "pubsub.subscriptions.update", _MISSING)
        self._set(call, subscription, {})

    def release(self, subscription: str, push_config: dict[str, Any]) -> None:
        """Push again to where it was (`push_config` as recorded before `hold`): whatever waits is delivered.

        Releasing twice is releasing once. Raises ValueError for a `push_config` without an endpoint, `NotFound`,
        `PreconditionFailed` when somebody else set another one at the same time.
        """
        if not push_config.get("pushEndpoint"):
            raise ValueError(
                f"The delivery of {subscription} cannot be released: the push_config names no pushEndpoint; give the "
                "one that was recorded before it was held."
            )
        call = Call(f"release the delivery of {subscription}", "pubsub.subscriptions.update", _MISSING)
        self._set(call, subscription, push_config)

    def pull(
        self, subscription: str, max_messages: int = 100, *, wait_seconds: float = 5.0
    ) -> builtins.list[HeldEvent]:
        """Some of the messages that wait, at most `max_messages` (1 to 1000); none when none came in `wait_seconds`.

        Only while delivery is held. A message that is not acknowledged within the ack deadline comes again, so pulling
        changes nothing for good. Raises `NotFound`, `PermanentError` when the subscription pushes.
        """
        call = Call(f"look at what waits in {subscription}", "pubsub.subscriptions.consume", _MISSING)
        request = {"subscription": subscription, "max_messages": max_messages}

        def attempt() -> builtins.list[HeldEvent]:
            from google.api_core.exceptions import DeadlineExceeded

            try:
                answer = self._open().pull(request=request, retry=None, timeout=wait_seconds)
            except DeadlineExceeded:  # the service waits for a first message for as long as we do
                return []
            return [held_event(message) for message in answer.received_messages]

        return read(call, attempt, self.limits)

    def acknowledge(self, subscription: str, ack_ids: Sequence[str]) -> None:
        """Take messages out of the subscription: they are never delivered. Doing so twice is harmless.

        An id whose ack deadline has passed is ignored, and that message comes again. Raises `NotFound`.
        """
        call = Call(f"acknowledge messages of {subscription}", "pubsub.subscriptions.consume", _MISSING)
        for first in range(0, len(ack_ids), _ACK_BATCH):
            request = {"subscription": subscription, "ack_ids": list(ack_ids[first : first + _ACK_BATCH])}
            write(call, lambda request=request: self._acknowledge(request), self.limits)  # type: ignore[misc]

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _acknowledge(self, request: dict[str, Any]) -> None:
        self._open().acknowledge(request=request, retry=None, timeout=self.limits.call_seconds)

    def _get(self, subscription: str) -> Subscription:
        call = Call(f"look at subscription {subscription}", "pubsub.subscriptions.get", _MISSING)

        def attempt() -> Subscription:
            client = self._open()
            return client.get_subscription(subscription=subscription, retry=None, timeout=self.limits.call_seconds)

        return read(call, attempt, self.limits)

    def _set(self, call: Call, subscription: str, push_config: dict[str, Any]) -> None:
        """Setting a value twice is setting it once, so a lost answer is made again; then it is read back."""
        from google.pubsub_v1 import PushConfig

        wanted = from_dict(PushConfig, push_config)

        def attempt() -> None:
            self._open().modify_push_config(
                subscription=subscription, push_config=wanted, retry=None, timeout=self.limits.call_seconds
            )

        write(call, attempt, self.limits)
        found = _push_config(self._get(subscription))
        if found.get("pushEndpoint") != push_config.get("pushEndpoint"):
            raise PreconditionFailed(
                f"Could not {call.what}: it now pushes to {found.get('pushEndpoint') or 'nobody'}; somebody else "
                "changed it, look at it again."
            )

    def _open(self) -> SubscriberClient:
        def make() -> SubscriberClient:
            from google.pubsub_v1 import SubscriberClient
            from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

            if self.endpoint:
                transport = SubscriberGrpcTransport(channel=plain_channel(self.endpoint))
                return SubscriberClient(transport=transport)
            return SubscriberClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def _push_config(subscription: Subscription) -> dict[str, Any]:
    """Google leaves attributes in a configuration that pushes nowhere: without an endpoint there is none."""
    found = as_dict(subscription.push_config)
    return found if found.get("pushEndpoint") else {}


def _facts(subscription: Subscription) -> SubscriptionFacts:
    config = subscription.push_config
    return SubscriptionFacts(
        topic=subscription.topic,
        detached=subscription.detached,
        endpoint=config.push_endpoint,
        account=config.oidc_token.service_account_email,
        backs_off="retry_policy" in subscription,
        dead_letter_topic=subscription.dead_letter_policy.dead_letter_topic,
    )
