"""Pub/Sub as far as Eventarc's subscriptions go: one for each deployed trigger, held by an empty push configuration.

Those that push to a receiver (`pubsub_push`) can be looked at and listed; they are changed by the sandbox's own interface.

Left out: publishing, creating and deleting, streaming pull, snapshots. A pull answers at once. When a held subscription is
released, everything that was not acknowledged is delivered at once, oldest first, what is outstanding included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.pubsub_v1 import (
    AcknowledgeRequest,
    DetachSubscriptionRequest,
    DetachSubscriptionResponse,
    GetSubscriptionRequest,
    ListSubscriptionsRequest,
    ListSubscriptionsResponse,
    ModifyPushConfigRequest,
    PullRequest,
    PullResponse,
    PushConfig,
    SeekRequest,
    SeekResponse,
    Subscription,
)

from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.event_backlog import Backlog, StorageEvent
from deployments.sandbox.services.pubsub_push import PushSubscription
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, page, page_size, split_name
from deployments.sandbox.services.trigger_table import LiveTrigger, TriggerTable

SUBSCRIPTION = "projects/*/subscriptions/*"
Deliver = Callable[[LiveTrigger, StorageEvent], None]
"""Gives an event to a trigger."""


class PubsubService:
    """The subscriptions of the triggers in a table."""

    def __init__(self, triggers: TriggerTable, deliver: Deliver) -> None:
        """Each pushes to its trigger's workflow at first: what is pushed is given to `deliver`."""
        self._triggers = triggers
        self._deliver = deliver
        self.deleted: set[str] = set()
        """Full names of subscriptions that somebody has deleted while their triggers stayed."""
        self.pushing: Callable[[], list[PushSubscription]] = list
        """Those that push to a receiver."""

    def backlog(self, trigger: str) -> Backlog:
        """What waits for a trigger of the sandbox's own region. Raises KeyError when it is not deployed."""
        return self._triggers.named(trigger).backlog

    def has(self, subscription: str) -> bool:
        """Whether there is a subscription of that full name."""
        there = subscription in self._receivers() or self._triggers.of_subscription(subscription) is not None
        return there and subscription not in self.deleted

    def publish(self, trigger: LiveTrigger, event: StorageEvent) -> None:
        """An object was written that the trigger wants to know of: deliver it at once, or let it wait."""
        if not trigger.backlog.keep(event):
            self._deliver(trigger, event)

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC services: of the one for publishers only the detaching."""
        methods: Methods = {
            "GetSubscription": (GetSubscriptionRequest, lambda request: self._get(request.subscription)),
            "ListSubscriptions": (ListSubscriptionsRequest, self._list),
            "ModifyPushConfig": (ModifyPushConfigRequest, self._modify),
            "Pull": (PullRequest, self._pull),
            "Acknowledge": (AcknowledgeRequest, self._acknowledge),
            "Seek": (SeekRequest, self._seek),
        }
        publisher: Methods = {"DetachSubscription": (DetachSubscriptionRequest, self._detach)}
        return [
            wire.service("google.pubsub.v1.Subscriber", "pubsub", methods),
            wire.service("google.pubsub.v1.Publisher", "pubsub", publisher),
        ]

    def _receivers(self) -> dict[str, PushSubscription]:
        return {one.full_name: one for one in self.pushing()}

    def _get(self, subscription: str) -> Subscription:
        receiver = self._receivers().get(subscription)
        return receiver.message() if receiver is not None else _message(self._found(subscription))

    def _list(self, request: ListSubscriptionsRequest) -> ListSubscriptionsResponse:
        (project,) = split_name(request.project, "projects/*")
        every: list[Subscription] = []
        if project == PROJECT:
            every = [_message(one) for one in self._triggers.all()] + [one.message() for one in self.pushing()]
        size = page_size(request.page_size, default=100, most=1000)
        ordered = sorted(every, key=_name)
        chosen, token = page(ordered, _name, size=size, token=request.page_token, scope=project)
        return ListSubscriptionsResponse(subscriptions=chosen, next_page_token=token)

    def _modify(self, request: ModifyPushConfigRequest) -> Any:
        trigger = self._attached(request.subscription)
        for event in trigger.backlog.configure(PushConfig(request.push_config)):
            self._deliver(trigger, event)
        return empty_pb2.Empty()

    def _pull(self, request: PullRequest) -> PullResponse:
        if request.max_messages < 1:
            raise invalid("max_messages must be positive.")
        backlog = self._attached(request.subscription).backlog
        if backlog.push_config.push_endpoint:
            raise _impossible("This method is not supported for this subscription type.")
        return PullResponse(received_messages=backlog.pull(min(request.max_messages, 1000)))

    def _acknowledge(self, request: AcknowledgeRequest) -> Any:
        self._attached(request.subscription).backlog.acknowledge(request.ack_ids)
        return empty_pb2.Empty()

    def _seek(self, request: SeekRequest) -> SeekResponse:
        trigger = self._attached(request.subscription)
        if request.snapshot:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={request.snapshot}).")
        if "time" not in request:
            raise invalid("A seek needs a time or a snapshot.")
        trigger.backlog.seek(request.time)
        return SeekResponse()

    def _detach(self, request: DetachSubscriptionRequest) -> DetachSubscriptionResponse:
        self._found(request.subscription).backlog.detach()
        return DetachSubscriptionResponse()

    def _found(self, subscription: str) -> LiveTrigger:
        split_name(subscription, SUBSCRIPTION)
        if subscription in self._receivers():
            raise Refusal(
                grpc.StatusCode.UNIMPLEMENTED, "The sandbox changes no subscription of a receiver by this API."
            )
        trigger = self._triggers.of_subscription(subscription)
        if trigger is None or subscription in self.deleted:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={subscription}).")
        return trigger

    def _attached(self, subscription: str) -> LiveTrigger:
        trigger = self._found(subscription)
        if trigger.backlog.detached:
            raise _impossible(f"Subscription {subscription} is detached from its topic.")
        return trigger


def _name(subscription: Subscription) -> str:
    return str(subscription.name)


def _impossible(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)


def _message(trigger: LiveTrigger) -> Subscription:
    backlog = trigger.backlog
    return Subscription(
        name=trigger.subscription,
        topic=trigger.message.transport.pubsub.topic,
        push_config=backlog.push_config,
        ack_deadline_seconds=int(backlog.ack_deadline),
        message_retention_duration=backlog.retention,
        state=Subscription.State.ACTIVE,
        detached=backlog.detached,
    )
