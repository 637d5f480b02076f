"""Pub/Sub push subscriptions: what Google Cloud would POST to a receiver when an object is written or a workflow fails.

Two kinds of message are pushed:

* `object_finalize`: the notification OBJECT_FINALIZE of Cloud Storage.
* `execution_failed`: the entry that Workflows logs when an execution fails, through a log sink to a topic.

What can be filtered at Google: a notification configuration by the prefix of the object's name (`object_name_prefix`),
a subscription by attributes (equal, or `hasPrefix`). There is no filter by suffix, so `name_suffix` below has no
counterpart there: a receiver on Google Cloud gets every object below the prefix and has to look at the name itself.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Literal, NamedTuple

from google.pubsub_v1 import DeadLetterPolicy, PushConfig, RetryPolicy, Subscription
from pydantic import BaseModel, ConfigDict, Field

from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.executions import Execution
from deployments.sandbox.services.push_messages import Message, failure_message, finalize_message, push_body
from deployments.sandbox.storage.store import StoredVersion

PushKind = Literal["object_finalize", "execution_failed"]

ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})
"""Google ("Push subscriptions"): these statuses acknowledge a message; after any other it is pushed again."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0
"""Seconds between two attempts, doubling. Google's default is 10 to 600 s; nobody wants to wait for that here."""
BACKLOG = 10_000
"""How many messages wait at most; then the oldest is lost (Google keeps them for 7 days)."""

_log = logging.getLogger(__name__)


class PushSubscription(BaseModel):
    """Where to push what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("sandbox-push", description="The subscription's short name; a second of that name replaces it.")
    url: str = Field(pattern="^https?://", description="Where the messages are POSTed to.")
    kinds: tuple[PushKind, ...] = Field(("object_finalize", "execution_failed"), min_length=1)
    bucket: str | None = Field(None, description="Only objects of this bucket; None = of any.")
    name_prefix: str = Field("", description="Only objects whose name begins so.")
    name_suffix: str = Field("", description="Only objects whose name ends so. Google has no such filter.")

    topic: str = Field("sandbox-events", description="Short name of its topic. A bucket's notifications are set apart.")
    backs_off: bool = Field(True, description="Whether it waits longer and longer between two tries.")
    account: str = Field("", description="Whose token Google would send. Only told: nobody but Google could sign it.")
    dead_letter_topic: str = Field(
        "", description="Short name of its second topic. Only told: nothing is given up here."
    )

    @property
    def full_name(self) -> str:
        """As the API has it."""
        return f"projects/{PROJECT}/subscriptions/{self.name}"

    def message(self) -> Subscription:
        """What the API says of it."""
        token = PushConfig.OidcToken(service_account_email=self.account) if self.account else None
        retry = RetryPolicy(
            minimum_backoff=timedelta(seconds=FIRST_WAIT), maximum_backoff=timedelta(seconds=LONGEST_WAIT)
        )
        second = f"projects/{PROJECT}/topics/{self.dead_letter_topic}"
        return Subscription(
            name=self.full_name,
            topic=f"projects/{PROJECT}/topics/{self.topic}",
            push_config=PushConfig(push_endpoint=self.url, oidc_token=token),
            retry_policy=retry if self.backs_off else None,
            dead_letter_policy=DeadLetterPolicy(dead_letter_topic=second) if self.dead_letter_topic else None,
            state=Subscription.State.ACTIVE,
        )

    def wants(self, version: StoredVersion) -> bool:
        """Whether this subscription hears of the object."""
        named = version.name.startswith(self.name_prefix) and version.name.endswith(self.name_suffix)
        return "object_finalize" in self.kinds and self.bucket in (None, version.bucket) and named


class _Due(NamedTuple):
    """A message that is to be pushed at `when` (monotonic seconds)."""

    when: float
    number: int
    wait: float
    subscription: PushSubscription
    body: bytes


class PushDelivery:
    """Pushes messages to the subscriptions from a thread of its own, each until it is acknowledged."""

    def __init__(self) -> None:
        """Start without subscriptions, and without a thread until there is something to push."""
        self._subscriptions: dict[str, PushSubscription] = {}
        self._due: list[_Due] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._stopped = False

    def subscribe(self, subscription: PushSubscription) -> None:
        """Push to this subscription from now on."""
        with self._changed:
            self._subscriptions[subscription.name] = subscription

    def unsubscribe_all(self) -> None:
        """Drop every subscription and every message that waits."""
        with self._changed:
            self._subscriptions.clear()
            self._due.clear()

    @property
    def subscriptions(self) -> list[PushSubscription]:
        """Every subscription, by name."""
        with self._changed:
            return [self._subscriptions[name] for name in sorted(self._subscriptions)]

    def finalized(self, _bucket: str, version: StoredVersion) -> None:
        """Tell of a new object: for `ObjectStore.on_finalize`."""
        self._publish(lambda subscription: subscription.wants(version), lambda: finalize_message(version))

    def failed(self, execution: Execution) -> None:
        """Tell of an execution that failed: for `WorkflowsService.failed`."""
        self._publish(
            lambda subscription: "execution_failed" in subscription.kinds,
            lambda: failure_message(execution, execution.revision),
        )

    def stop(self) -> None:
        """Push nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _publish(self, wanted: Callable[[PushSubscription], bool], message: Callable[[], Message]) -> None:
        with self._changed:
            receivers = [subscription for subscription in self._subscriptions.values() if wanted(subscription)]
            if not receivers or self._stopped:
                return
            content = message()
            for receiver in receivers:
                number = next(self._numbers)
                body = push_body(receiver.name, number, content)
                heapq.heappush(self._due, _Due(time.monotonic(), number, FIRST_WAIT, receiver, body))
            self._forget_oldest()
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver, name="sandbox-push", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _forget_oldest(self) -> None:
        if len(self._due) > BACKLOG:
            self._due.remove(min(self._due, key=lambda due: due.number))
            heapq.heapify(self._due)

    def _deliver(self) -> None:
        while (due := self._next()) is not None:
            if _acknowledged(due.subscription.url, due.body):
                continue
            with self._changed:
                if self._subscriptions.get(due.subscription.name) == due.subscription:
                    longer = min(2 * due.wait, LONGEST_WAIT) if due.subscription.backs_off else due.wait
                    heapq.heappush(self._due, due._replace(when=time.monotonic() + due.wait, wait=longer))

    def _next(self) -> _Due | None:
        with self._changed:
            while not self._stopped:
                if self._due and self._due[0].when <= time.monotonic():
                    return heapq.heappop(self._due)
                self._changed.wait(max(0.0, self._due[0].when - time.monotonic()) if self._due else None)
        return None


def _acknowledged(url: str, body: bytes) -> bool:
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status in ACKNOWLEDGED
    except (OSError, ValueError) as error:  # a refusal (HTTPError) is an OSError; ValueError: the URL is none
        _log.debug("push to %s: %s", url, error)
        return False
