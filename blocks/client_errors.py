"""What an exception of a client library means for the state of the world."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from blocks.error_details import Said, one_line, said_by, said_by_kubernetes
from blocks.errors import Cause
from blocks.refusals import cause_of

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

_RAISED = (
    "google.api_core.exceptions:GoogleAPICallError",
    "google.auth.exceptions:GoogleAuthError",
    "google.cloud.storage.exceptions:DataCorruption",
    "kubernetes.client.exceptions:ApiException",
    "grpc:RpcError",
    "requests:RequestException",
    "urllib3.exceptions:HTTPError",
    "http.client:HTTPException",
)


def client_errors() -> tuple[type[Exception], ...]:
    """Everything the clients raise when a call fails. Anything else is a mistake in our own code and passes through.

    For an `except` clause, which asks only when something was raised. A library that nobody has imported cannot have
    raised it, so none is imported to find out.
    """
    return (*filter(None, map(_loaded, _RAISED)), ConnectionError, TimeoutError)


def _loaded(place: str) -> type[Exception] | None:
    """The exception `module:name`, None while its module is not loaded."""
    module, _, name = place.partition(":")
    found: type[Exception] | None = getattr(sys.modules.get(module), name, None)
    return found


def _is(error: object, *places: str) -> bool:
    return isinstance(error, tuple(filter(None, map(_loaded, places))))


class Kind(Enum):
    """What is known after a failed call."""

    NOT_NOW = "it did not take effect and may be made again"
    LOST = "no proof that it did not take effect"
    MISSING = "the thing is not there"
    CHANGED = "the precondition does not hold"
    FORBIDDEN = "the service does not allow it, for the reason it gives"
    NO_CREDENTIALS = "there are no valid credentials"
    REFUSED = "it will never be accepted as it is"


_BY_STATUS = {
    401: Kind.NO_CREDENTIALS,
    403: Kind.FORBIDDEN,
    404: Kind.MISSING,
    408: Kind.LOST,
    409: Kind.CHANGED,
    410: Kind.MISSING,
    412: Kind.CHANGED,
    429: Kind.NOT_NOW,
    501: Kind.REFUSED,
    503: Kind.NOT_NOW,
}


class Failure(NamedTuple):
    """What a failed call means."""

    kind: Kind
    reason: str
    """The service's or the client's own words, on one line."""
    said: Said | None = None
    """The service's answer; None when it gave none."""


def classify(error: Exception) -> Failure:
    """What `error` means, and its reason in a few words."""
    if _is(error, "google.api_core.exceptions:GoogleAPICallError"):
        return _google(error)  # type: ignore[arg-type]
    if _is(error, "kubernetes.client.exceptions:ApiException"):
        return _answered(said_by_kubernetes(error))  # type: ignore[arg-type]
    if _is(error, "google.auth.exceptions:GoogleAuthError") and not _is(error, "google.auth.exceptions:TransportError"):
        return Failure(Kind.NO_CREDENTIALS, one_line(error))
    if _never_sent(error):
        return Failure(Kind.NOT_NOW, f"no connection: {one_line(error)}")
    return Failure(Kind.LOST, one_line(error))


def _google(error: GoogleAPICallError) -> Failure:
    said = said_by(error)
    over_grpc = _is(error.response, "grpc:RpcError")
    if over_grpc and error.code == 503 and "failed to connect" not in said.words:
        # Over gRPC the same code stands for 'the service said no' and for 'the connection broke after the request was
        # sent'. Only gRPC's own 'failed to connect to all addresses' proves that nothing was sent.
        return Failure(Kind.LOST, f"503 {said.words}")
    return _answered(said)


def _answered(said: Said) -> Failure:
    """By the status, but a 4xx that has a reason of its own by that: a rate limit is no 'no', an organization's policy
    no change by somebody else."""
    kind = _BY_STATUS.get(said.status, Kind.REFUSED if 400 <= said.status < 499 else Kind.LOST)
    if kind in (Kind.FORBIDDEN, Kind.REFUSED, Kind.CHANGED):
        cause = cause_of(said)
        if cause is Cause.RATE_LIMIT:
            kind = Kind.NOT_NOW
        elif cause is not Cause.UNSAID:
            kind = Kind.FORBIDDEN
    return Failure(kind, said.text(), said)


def _never_sent(error: BaseException) -> bool:
    """Whether the connection itself could not be made: the reason is wrapped a few exceptions deep."""
    seen: BaseException | object | None = error
    for _ in range(4):
        if isinstance(seen, ConnectionRefusedError) or _is(
            seen, "requests:ConnectTimeout", "urllib3.exceptions:NewConnectionError"
        ):
            return True
        if not isinstance(seen, BaseException):
            return False
        seen = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
    return False
