"""What every gRPC service of the sandbox shares: faults, counting, refusals, resource names and paging."""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn, TypeVar

import grpc
import proto  # type: ignore[import-untyped]

from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog

T = TypeVar("T")
Answer = Callable[[Any], Any]
Methods = Mapping[str, tuple[Any, Answer]]
"""For each rpc the type of its request and the function that answers it."""

STATUS_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    412: grpc.StatusCode.FAILED_PRECONDITION,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""HTTP statuses as the codes a gRPC service answers with instead (Google: `google/rpc/code.proto`)."""


READS = ("Get", "List", "Check", "Watch", "Test")
"""What the names of methods begin with that change nothing. A pull leases messages, so it is none of them."""


class Refusal(Exception):
    """A request that a service refuses: `code` and a sentence for the caller."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        """`message` is what the caller reads."""
        super().__init__(message)
        self.code = code
        self.message = message


def not_found(what: str) -> Refusal:
    """The refusal for a resource that is not there."""
    return Refusal(grpc.StatusCode.NOT_FOUND, f"Resource '{what}' was not found.")


def invalid(message: str) -> Refusal:
    """The refusal for a request that makes no sense."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


@dataclass(frozen=True)
class Wire:
    """What stands between a caller and a service: the faults in force, the request counter and the end of the run."""

    faults: Faults
    requests: RequestLog
    stopping: threading.Event = field(default_factory=threading.Event)

    def service(self, rpc_service: str, called: str, methods: Methods) -> grpc.GenericRpcHandler:
        """A handler for gRPC service `rpc_service`, whose faults and counts go by the short name `called`."""
        handlers = {name: self._handler(called, name, *method) for name, method in methods.items()}
        return grpc.method_handlers_generic_handler(rpc_service, handlers)

    def _handler(self, called: str, name: str, request_type: Any, answer: Answer) -> grpc.RpcMethodHandler:
        def behaviour(request: Any, context: grpc.ServicerContext) -> Any:
            self.requests.record(called, name, mutates=not name.startswith(READS))
            fault = self.faults.draw(called, name)
            if fault is not None:
                self.before(fault, context)
            try:
                reply = answer(request)
            except Refusal as refusal:
                context.abort(refusal.code, refusal.message)
            if fault is not None and fault.kind == "lost_answer":
                _cut(context)
            return reply

        return grpc.unary_unary_rpc_method_handler(
            behaviour, request_deserializer=_reader(request_type), response_serializer=_write
        )

    def before(self, fault: FaultRule, context: grpc.ServicerContext) -> None:
        """Let `fault` act before the request takes effect; a `lost_answer` acts afterwards."""
        if fault.kind == "status":
            code = STATUS_CODES.get(fault.status, grpc.StatusCode.UNKNOWN)
            context.abort(code, f"The sandbox was told to answer {fault.status} ({code.name}).")
        if fault.kind in ("latency", "hang"):
            self._wait(fault.seconds, context)
        if fault.kind in ("reset", "hang"):
            _cut(context)

    def _wait(self, seconds: float, context: grpc.ServicerContext) -> None:
        """Wait, but no longer than the caller or the sandbox does."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and context.is_active():
            if self.stopping.wait(min(left, 0.1)):
                return


def _cut(context: grpc.ServicerContext) -> NoReturn:
    """End the call the way a gRPC client sees a connection that breaks: UNAVAILABLE, nothing said about the effect."""
    context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
    raise AssertionError("abort always raises")


def _reader(message_type: Any) -> Callable[[bytes], Any]:
    reader: Callable[[bytes], Any] = (
        message_type.deserialize if issubclass(message_type, proto.Message) else message_type.FromString
    )
    return reader


def _write(message: Any) -> bytes:
    is_proto_plus = isinstance(message, proto.Message)
    data: bytes = type(message).serialize(message) if is_proto_plus else message.SerializeToString()
    return data


def split_name(name: str, pattern: str) -> tuple[str, ...]:
    """The variable parts of a resource name such as `projects/*/locations/*/workflows/*`.

    Raises:
        Refusal: INVALID_ARGUMENT when `name` does not have the form of `pattern`.
    """
    match = re.fullmatch(re.escape(pattern).replace(r"\*", "([^/]+)"), name)
    if match is None:
        raise invalid(f"'{name}' is not a resource name of the form {pattern}.")
    return match.groups()


def page(
    items: Iterable[T], key: Callable[[T], int | str], *, size: int, token: str, scope: str = ""
) -> tuple[list[T], str]:
    """One page of `items`, which come sorted by ascending `key`, and the token of the next page ('' = the last one).

    A token names the last item seen, so items that appear between two calls neither repeat nor hide others. `scope` is
    every other parameter of the list request: Google refuses a token that is used with different ones.
    """
    check = zlib.crc32(scope.encode())
    after = _read_token(token, check) if token else None
    try:
        chosen = list(islice((item for item in items if after is None or key(item) > after), size + 1))  # type: ignore[operator]
    except TypeError:  # a number where this list has names
        raise invalid("page_token is not one that this service gave out.") from None
    if len(chosen) <= size:
        return chosen, ""
    last = json.dumps([check, key(chosen[size - 1])])
    return chosen[:size], base64.urlsafe_b64encode(last.encode()).decode()


def _read_token(token: str, check: int) -> int | str:
    try:
        found, after = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error, TypeError) as error:
        raise invalid("page_token is not one that this service gave out.") from error
    if found != check:
        raise invalid("page_token belongs to a list request with other parameters.")
    return after  # type: ignore[no-any-return]


def page_size(asked: int, *, default: int, most: int) -> int:
    """How many items a page holds: `asked`, at most `most`; 0 means `default`."""
    if asked < 0:
        raise invalid("page_size must not be negative.")
    return min(asked or default, most)
