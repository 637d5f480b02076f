"""Long-running operations of every service: one registry, because all of them answer at one address here."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import grpc
from google.longrunning import operations_pb2  # type: ignore[import-untyped]

from deployments.sandbox.names import LOCATION
from deployments.sandbox.services.rpc import Methods, Wire, not_found

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

    def deployed(self, message: Any) -> operations_pb2.Operation:
        """An operation that made or changed `message`: not done in the first answer, done when it is asked for."""
        look = _Deployed(type(message).pb(message))
        return self.begin(look)

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service, whose faults and counts go by `operations`."""
        methods: Methods = {"GetOperation": (operations_pb2.GetOperationRequest, self._get)}
        return [wire.service("google.longrunning.Operations", "operations", methods)]

    def _get(self, request: operations_pb2.GetOperationRequest) -> operations_pb2.Operation:
        with self._lock:
            look = self._known.get(request.name)
        if look is None:
            raise not_found(request.name)
        return look(request.name)


class _Deployed:
    """How a deployment stands: under way at the first look, over afterwards."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._begun = False

    def __call__(self, name: str) -> operations_pb2.Operation:
        operation = operations_pb2.Operation(name=name, done=self._begun)
        if self._begun:
            operation.response.Pack(self._response)
        self._begun = True
        return operation
