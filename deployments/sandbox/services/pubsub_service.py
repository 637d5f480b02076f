"""Pub/Sub as far as Eventarc's subscriptions go: one for each deployed trigger, held by an empty push configuration.

Left out: publishing, creating and deleting, streaming pull, seek. A pull answers at once. When a held subscription is
released, everything that was not acknowledged is delivered at once, oldest first, what is outstanding included.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.pubsub_v1 import (
    AcknowledgeRequest,
    GetSubscriptionRequest,
    ListSubscriptionsRequest,
    ListSubscriptionsResponse,
    ModifyPushConfigRequest,
    PullRequest,
    PullResponse,
    PushConfig,
    Subscription,
)

from blocks.catalogue import Catalogue
from deployments.sandbox.names import LOCATION, PROJECT, REGION
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.event_backlog import Backlog, StorageEvent
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, page, page_size, split_name

_PREFIX = f"projects/{PROJECT}/subscriptions/eventarc-{REGION}-"
_SUFFIX = "-sub-000"

Deliver = Callable[[str, StorageEvent], None]
"""Gives an event to the trigger of that name."""


class PubsubService:
    """The subscriptions of the triggers in `deployed`. One that is taken away takes its subscription and backlog."""

    def __init__(self, catalogue: Catalogue, deployed: Deployed) -> None:
        """Each pushes to its trigger's workflow at first. Nothing is delivered before `deliver` is set."""
        self.deliver: Deliver = lambda trigger, event: None
        self._catalogue = catalogue
        self._deployed = deployed
        self._lock = threading.Lock()
        self._backlogs: dict[str, Backlog] = {}

    def backlog(self, trigger: str) -> Backlog:
        """What waits for a trigger. Raises KeyError when it is not deployed."""
        since = self._deployed.since(trigger)
        if since is None:
            raise KeyError(trigger)
        with self._lock:
            found = self._backlogs.get(trigger)
            if found is None or found.since != since:
                found = Backlog(_push_config(self._catalogue.triggers[trigger].workflow), since)
                self._backlogs[trigger] = found
            return found

    def publish(self, trigger: str, event: StorageEvent) -> None:
        """An object was written that the trigger wants to know of: deliver it at once, or let it wait."""
        try:
            backlog = self.backlog(trigger)
        except KeyError:  # taken away at this moment
            return
        if not backlog.keep(event):
            self.deliver(trigger, event)

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service."""
        methods: Methods = {
            "GetSubscription": (GetSubscriptionRequest, self._get),
            "ListSubscriptions": (ListSubscriptionsRequest, self._list),
            "ModifyPushConfig": (ModifyPushConfigRequest, self._modify),
            "Pull": (PullRequest, self._pull),
            "Acknowledge": (AcknowledgeRequest, self._acknowledge),
        }
        return [wire.service("google.pubsub.v1.Subscriber", "pubsub", methods)]

    def _get(self, request: GetSubscriptionRequest) -> Subscription:
        return self._message(self._trigger(request.subscription))

    def _list(self, request: ListSubscriptionsRequest) -> ListSubscriptionsResponse:
        (project,) = split_name(request.project, "projects/*")
        names = self._deployed.names() if project == PROJECT else []
        size = page_size(request.page_size, default=100, most=1000)
        chosen, token = page(names, str, size=size, token=request.page_token)
        found = [self._message(name) for name in chosen]
        return ListSubscriptionsResponse(subscriptions=found, next_page_token=token)

    def _modify(self, request: ModifyPushConfigRequest) -> Any:
        trigger = self._trigger(request.subscription)
        for event in self.backlog(trigger).configure(PushConfig(request.push_config)):
            self.deliver(trigger, event)
        return empty_pb2.Empty()

    def _pull(self, request: PullRequest) -> PullResponse:
        if request.max_messages < 1:
            raise invalid("max_messages must be positive.")
        backlog = self.backlog(self._trigger(request.subscription))
        if backlog.push_config.push_endpoint:
            code = grpc.StatusCode.FAILED_PRECONDITION
            raise Refusal(code, "This method is not supported for this subscription type.")
        return PullResponse(received_messages=backlog.pull(min(request.max_messages, 1000)))

    def _acknowledge(self, request: AcknowledgeRequest) -> Any:
        self.backlog(self._trigger(request.subscription)).acknowledge(request.ack_ids)
        return empty_pb2.Empty()

    def _trigger(self, subscription: str) -> str:
        split_name(subscription, "projects/*/subscriptions/*")
        trigger = subscription.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        if trigger not in self._deployed or subscription_of(trigger) != subscription:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={subscription}).")
        return trigger

    def _message(self, trigger: str) -> Subscription:
        backlog = self.backlog(trigger)
        return Subscription(
            name=subscription_of(trigger),
            topic=topic_of(trigger),
            push_config=backlog.push_config,
            ack_deadline_seconds=int(backlog.ack_deadline),
            message_retention_duration=backlog.retention,
            state=Subscription.State.ACTIVE,
        )


def subscription_of(trigger: str) -> str:
    """The full name of the subscription that Eventarc makes for a trigger."""
    return f"{_PREFIX}{trigger}{_SUFFIX}"


def topic_of(trigger: str) -> str:
    """The full name of the topic that Eventarc makes for a trigger."""
    return f"projects/{PROJECT}/topics/eventarc-{REGION}-{trigger}-000"


def _push_config(workflow: str) -> PushConfig:
    """Where Eventarc pushes the events of Cloud Storage for a workflow (Google: `triggerPubsubExecution`)."""
    endpoint = f"https://workflowexecutions.googleapis.com/v1/{LOCATION}/workflows/{workflow}:triggerPubsubExecution"
    token = PushConfig.OidcToken(service_account_email=f"blueprint-workflow-sa@{PROJECT}.iam.gserviceaccount.com")
    return PushConfig(
        push_endpoint=f"{endpoint}?__GCP_CloudEventsMode=GCS_NOTIFICATION",
        attributes={"x-goog-version": "v1"},
        oidc_token=token,
    )
