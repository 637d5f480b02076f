"""Eventarc: the deployed triggers, and the delivery of storage events to the workflows they name."""

from __future__ import annotations

import json
import logging
import re
import uuid

import grpc
from google.cloud import eventarc_v1

from blocks.catalogue import Catalogue, Trigger
from deployments.sandbox.names import DATA_BUCKET, GOOGLEAPIS, LOCATION
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.event_backlog import StorageEvent
from deployments.sandbox.services.pubsub_service import PubsubService, subscription_of, topic_of
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found, page, page_size, split_name
from deployments.sandbox.services.workflows_service import WorkflowsService
from deployments.sandbox.storage.resource import object_resource, stamp
from deployments.sandbox.storage.store import StoredVersion

TRIGGER = "projects/*/locations/*/triggers/*"
FINALIZED = "google.cloud.storage.object.v1.finalized"
_log = logging.getLogger(__name__)


class EventarcService:
    """The triggers the catalogue says are deployed. `copies` above 1 shows what at-least-once delivery means."""

    def __init__(self, catalogue: Catalogue, workflows: WorkflowsService) -> None:
        """Events start executions of `workflows`."""
        deployed = [name for name, trigger in catalogue.triggers.items() if trigger.deployed]
        self.deployed = Deployed(catalogue.triggers, deployed)
        self.copies = 1
        self.subscriptions = PubsubService(catalogue, self.deployed)
        self.subscriptions.deliver = self._deliver
        self._catalogue = catalogue
        self._workflows = workflows

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC services of Eventarc and of the subscriptions its events travel through."""
        methods: Methods = {
            "GetTrigger": (eventarc_v1.GetTriggerRequest, self._get),
            "ListTriggers": (eventarc_v1.ListTriggersRequest, self._list),
        }
        eventarc = wire.service("google.cloud.eventarc.v1.Eventarc", "eventarc", methods)
        return [eventarc, *self.subscriptions.handlers(wire)]

    def finalized(self, bucket: str, version: StoredVersion) -> None:
        """Tell every trigger that wants to know of a new object: for `ObjectStore.on_finalize`."""
        if bucket != DATA_BUCKET:
            return
        hit = [name for name in self.deployed.names() if _wants(self._trigger(name), version.name)]
        if not hit:
            return
        event = StorageEvent(version, json.dumps(finalized_event(version)))
        for name in hit * self.copies:
            self.subscriptions.publish(name, event)

    def _deliver(self, trigger: str, event: StorageEvent) -> None:
        """Start the workflow of a trigger."""
        workflow, name = self._trigger(trigger).workflow, event.version.name
        pattern = self._catalogue.workflows[workflow].event_regex
        try:
            if pattern is not None and not re.search(pattern, name):
                self._workflows.skip(workflow, event.argument)
            else:
                self._workflows.start(workflow, event.argument)
        except Refusal:
            _log.info("the workflow %s is not deployed: the event of %s is lost", workflow, name)

    def _trigger(self, name: str) -> Trigger:
        return self._catalogue.triggers[name]

    def _get(self, request: eventarc_v1.GetTriggerRequest) -> eventarc_v1.Trigger:
        name = split_name(request.name, TRIGGER)[2]
        if request.name != f"{LOCATION}/triggers/{name}" or name not in self.deployed:
            raise not_found(request.name)
        return self._message(name)

    def _list(self, request: eventarc_v1.ListTriggersRequest) -> eventarc_v1.ListTriggersResponse:
        split_name(request.parent, "projects/*/locations/*")
        if request.filter or request.order_by:
            raise invalid("The sandbox lists triggers by name only: leave out filter and order_by.")
        names = self.deployed.names() if request.parent == LOCATION else []
        size = page_size(request.page_size, default=100, most=1000)
        chosen, token = page(names, str, size=size, token=request.page_token)
        return eventarc_v1.ListTriggersResponse(triggers=list(map(self._message, chosen)), next_page_token=token)

    def _message(self, name: str) -> eventarc_v1.Trigger:
        trigger = self._trigger(name)
        filters = {"type": FINALIZED, "bucket": DATA_BUCKET}
        if trigger.name_regex is not None:
            filters["name"] = trigger.name_regex
        since = self.deployed.since(name)
        return eventarc_v1.Trigger(
            name=f"{LOCATION}/triggers/{name}",
            uid=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            create_time=since,
            update_time=since,
            event_filters=[eventarc_v1.EventFilter(attribute=key, value=value) for key, value in filters.items()],
            transport=eventarc_v1.Transport(
                pubsub=eventarc_v1.Pubsub(topic=topic_of(name), subscription=subscription_of(name))
            ),
            destination=eventarc_v1.Destination(workflow=f"{LOCATION}/workflows/{trigger.workflow}"),
        )


def _wants(trigger: Trigger, name: str) -> bool:
    return trigger.name_regex is None or re.search(trigger.name_regex, name) is not None


def finalized_event(version: StoredVersion) -> dict[str, object]:
    """The argument a workflow gets from a storage trigger: the CloudEvent as one JSON object (Google: Eventarc,
    "Route Cloud Storage events to Workflows")."""
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"//storage.googleapis.com/projects/_/buckets/{version.bucket}",
        "subject": f"objects/{version.name}",
        "type": FINALIZED,
        "time": stamp(version.updated),
        "datacontenttype": "application/json",
        "bucket": version.bucket,
        "data": object_resource(version, GOOGLEAPIS),
    }
