"""Eventarc: triggers made and deleted, and the delivery of storage events to the workflows they name.

A trigger may filter on `type`, `bucket` and, as the pipeline's own scripts have it, on the object's `name` (a regular
expression; Google takes `type` and `bucket` only). Left out: updating, channels and the other things of Eventarc, and
that a trigger must be where its bucket is. An event for something else than a workflow is lost.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import grpc
from google.cloud import eventarc_v1
from google.longrunning import operations_pb2

from blocks.catalogue import Catalogue
from deployments.sandbox.names import GOOGLEAPIS, LOCATION, LOCATIONS, PROJECT
from deployments.sandbox.services.event_backlog import StorageEvent
from deployments.sandbox.services.operations import Operations
from deployments.sandbox.services.pubsub_service import PubsubService
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found, page, page_size, split_name
from deployments.sandbox.services.trigger_table import FINALIZED, LiveTrigger, TriggerTable
from deployments.sandbox.services.workflows_service import WorkflowsService
from deployments.sandbox.storage.resource import object_resource, stamp
from deployments.sandbox.storage.store import StoredVersion

TRIGGER = "projects/*/locations/*/triggers/*"
WORKFLOW = "projects/*/locations/*/workflows/*"
_FILTERS = ("type", "bucket", "name")
_log = logging.getLogger(__name__)


class EventarcService:
    """The triggers; those of the catalogue at first. `copies` above 1 shows what at-least-once delivery means."""

    def __init__(self, catalogue: Catalogue, workflows: WorkflowsService, operations: Operations) -> None:
        """Events start executions of `workflows`."""
        self.deployed = TriggerTable(catalogue)
        self.copies = 1
        self.silent: set[str] = set()
        """Locations that do not answer when those of everywhere are asked (Google: `unreachable`)."""
        self.subscriptions = PubsubService(self.deployed, self._deliver)
        self.audited: list[Callable[[str, str, datetime], None]] = []
        """Told of every deletion: its method, the trigger's full name, and when."""
        self._catalogue = catalogue
        self._workflows = workflows
        self._operations = operations

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC services of Eventarc and of the subscriptions its events travel through."""
        methods: Methods = {
            "GetTrigger": (eventarc_v1.GetTriggerRequest, self._get),
            "ListTriggers": (eventarc_v1.ListTriggersRequest, self._list),
            "CreateTrigger": (eventarc_v1.CreateTriggerRequest, self._create),
            "DeleteTrigger": (eventarc_v1.DeleteTriggerRequest, self._delete),
        }
        eventarc = wire.service("google.cloud.eventarc.v1.Eventarc", "eventarc", methods)
        return [eventarc, *self.subscriptions.handlers(wire)]

    def finalized(self, bucket: str, version: StoredVersion) -> None:
        """Tell every trigger that wants to know of a new object: for `ObjectStore.on_finalize`."""
        hit = [trigger for trigger in self.deployed.all() if trigger.wants(bucket, version.name)]
        if not hit:
            return
        event = StorageEvent(version, json.dumps(finalized_event(version)))
        for trigger in hit * self.copies:
            self.subscriptions.publish(trigger, event)

    def _deliver(self, trigger: LiveTrigger, event: StorageEvent) -> None:
        """Start the workflow of a trigger."""
        workflow, name = trigger.workflow.rpartition("/")[2], event.version.name
        known = self._catalogue.workflows.get(workflow)
        try:
            if trigger.workflow != f"{LOCATION}/workflows/{workflow}":
                raise not_found(trigger.workflow)
            if known and known.event_regex is not None and not re.search(known.event_regex, name):
                self._workflows.skip(workflow, event.argument)
            else:
                self._workflows.start(workflow, event.argument)
        except Refusal:
            _log.info("%s starts nothing that is deployed: the event of %s is lost", trigger.message.name, name)

    def _get(self, request: eventarc_v1.GetTriggerRequest) -> eventarc_v1.Trigger:
        split_name(request.name, TRIGGER)
        found = self.deployed.get(request.name)
        if found is None:
            raise not_found(request.name)
        return found.message

    def _list(self, request: eventarc_v1.ListTriggersRequest) -> eventarc_v1.ListTriggersResponse:
        split_name(request.parent, "projects/*/locations/*")
        if request.filter or request.order_by:
            raise invalid("The sandbox lists triggers by name only: leave out filter and order_by.")
        silent = sorted(self.silent) if request.parent.endswith("/-") else []
        names = {
            name: one for name, one in self.deployed.within(request.parent).items() if name.split("/")[3] not in silent
        }
        size = page_size(request.page_size, default=100, most=1000)
        chosen, token = page(names, str, size=size, token=request.page_token, scope=request.parent)
        found = [names[name].message for name in chosen]
        return eventarc_v1.ListTriggersResponse(triggers=found, next_page_token=token, unreachable=silent)

    def _create(self, request: eventarc_v1.CreateTriggerRequest) -> operations_pb2.Operation:
        project, location = split_name(request.parent, "projects/*/locations/*")
        if project != PROJECT or location not in LOCATIONS:
            raise not_found(request.parent)
        name = f"{request.parent}/triggers/{request.trigger_id}"
        _check(name, request.trigger_id, request.trigger)
        if self.deployed.get(name) is not None:
            raise _exists(name)
        if request.validate_only:
            wanted = eventarc_v1.Trigger(request.trigger)
            wanted.name = name
            return self._operations.deployed(wanted)
        made = self.deployed.add(name, request.trigger)
        if made is None:  # somebody was quicker
            raise _exists(name)
        return self._operations.deployed(made.message)

    def delete(self, name: str) -> datetime:
        """Take a trigger away as the service does, which its audit log tells; when that was. `name` is its full name."""
        at = datetime.now(UTC)
        self.deployed.remove(name)
        for tell in self.audited:
            tell("google.cloud.eventarc.v1.Eventarc.DeleteTrigger", name, at)
        return at

    def _delete(self, request: eventarc_v1.DeleteTriggerRequest) -> operations_pb2.Operation:
        split_name(request.name, TRIGGER)
        found = self.deployed.get(request.name)
        if found is None:
            if request.allow_missing:
                return self._operations.deployed(eventarc_v1.Trigger(name=request.name))
            raise not_found(request.name)
        if request.etag not in ("", found.message.etag):
            raise Refusal(grpc.StatusCode.ABORTED, f"The etag of '{request.name}' is another one: it was changed.")
        if not request.validate_only:
            self.delete(request.name)
        return self._operations.deployed(found.message)


def _exists(name: str) -> Refusal:
    return Refusal(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{name}' already exists.")


def _check(name: str, short: str, wanted: eventarc_v1.Trigger) -> None:
    """Google ("Create a trigger"): the form of the id, one event type, one destination."""
    if not re.fullmatch("[a-z]([a-z0-9-]{0,61}[a-z0-9])?", short):
        raise invalid(f"trigger_id: '{short}' must be 1 to 63 of a-z, 0-9 and '-', beginning with a letter.")
    if wanted.name not in ("", name):
        raise invalid(f"trigger.name: must be '{name}', or left out.")
    filters = {one.attribute: one.value for one in wanted.event_filters}
    if filters.get("type") != FINALIZED or not filters.get("bucket"):
        raise invalid(f"trigger.event_filters: the sandbox takes type={FINALIZED} with a bucket.")
    if len(filters) != len(wanted.event_filters) or any(one.operator for one in wanted.event_filters):
        raise invalid("trigger.event_filters: each attribute once, and without an operator.")
    if unknown := sorted(set(filters) - set(_FILTERS)):
        raise invalid(f"trigger.event_filters: '{unknown[0]}' is not supported for {FINALIZED}.")
    _check_pattern(filters.get("name", ""))
    destination = wanted.destination
    kinds = (destination.workflow, destination.cloud_function, destination.cloud_run, destination.gke)
    if not any(kinds) and not destination.http_endpoint:
        raise invalid("trigger.destination: must name one.")
    if destination.workflow:
        split_name(destination.workflow, WORKFLOW)


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise invalid(f"trigger.event_filters: name is not a regular expression: {error}.") from error


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
