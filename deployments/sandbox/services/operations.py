"""Long-running operations of every service, and the list of locations: all services answer at one address here."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from typing import Any

import grpc
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2

from deployments.sandbox.names import LOCATION, LOCATIONS, PROJECT
from deployments.sandbox.services.rpc import Methods, Wire, not_found, page, page_size, split_name

Look = Callable[[str], operations_pb2.Operation]
"""What tells how the operation of that name stands."""


class Operations:
    """The operations that were begun. Google deletes an operation some time after its end; here it stays."""

    def __init__(self) -> None:
        """Start without operations."""
        self._lock = threading.Lock()
        self._known: dict[str, Look] = {}

    def begin(self, look: Look, name: str = "") -> operations_pb2.Operation:
        """Register an operation and return it as it stands now. `name`: its full name, if it is not to be made up."""
        name = name or f"{LOCATION}/operations/{uuid.uuid4()}"
        with self._lock:
            self._known[name] = look
        return look(name)

    def deployed(self, message: Any, error: str = "") -> operations_pb2.Operation:
        """An operation that made or changed `message`: not done in the first answer, done when it is asked for.

        With `error` it ends with that sentence instead.
        """
        place = re.match("projects/[^/]+/locations/[^/]+", message.name)
        look = _Deployed(type(message).pb(message), error)
        return self.begin(look, f"{place[0] if place else LOCATION}/operations/{uuid.uuid4()}")

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC services, whose faults and counts go by `operations` and `locations`."""
        methods: Methods = {"GetOperation": (operations_pb2.GetOperationRequest, self._get)}
        locations: Methods = {
            "ListLocations": (locations_pb2.ListLocationsRequest, _list_locations),
            "GetLocation": (locations_pb2.GetLocationRequest, _get_location),
        }
        return [
            wire.service("google.longrunning.Operations", "operations", methods),
            wire.service("google.cloud.location.Locations", "locations", locations),
        ]

    def _get(self, request: operations_pb2.GetOperationRequest) -> operations_pb2.Operation:
        with self._lock:
            look = self._known.get(request.name)
        if look is None:
            raise not_found(request.name)
        return look(request.name)


class _Deployed:
    """How a deployment stands: under way at the first look, over afterwards."""

    def __init__(self, response: Any, error: str) -> None:
        self._response = response
        self._error = error
        self._begun = False

    def __call__(self, name: str) -> operations_pb2.Operation:
        operation = operations_pb2.Operation(name=name, done=self._begun)
        if self._begun and self._error:
            operation.error.code = grpc.StatusCode.FAILED_PRECONDITION.value[0]
            operation.error.message = self._error
        elif self._begun:
            operation.response.Pack(self._response)
        self._begun = True
        return operation


def _list_locations(request: locations_pb2.ListLocationsRequest) -> locations_pb2.ListLocationsResponse:
    (project,) = split_name(request.name, "projects/*")
    names = sorted(LOCATIONS) if project == PROJECT else []
    size = page_size(request.page_size, default=100, most=1000)
    chosen, token = page(names, str, size=size, token=request.page_token)
    return locations_pb2.ListLocationsResponse(locations=[_location(one) for one in chosen], next_page_token=token)


def _get_location(request: locations_pb2.GetLocationRequest) -> locations_pb2.Location:
    project, location = split_name(request.name, "projects/*/locations/*")
    if project != PROJECT or location not in LOCATIONS:
        raise not_found(request.name)
    return _location(location)


def _location(name: str) -> locations_pb2.Location:
    return locations_pb2.Location(name=f"projects/{PROJECT}/locations/{name}", location_id=name)
