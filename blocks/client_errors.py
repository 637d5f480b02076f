"""What an exception of a client library means for the state of the world."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING

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
    FORBIDDEN = "the account may not do this"
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


def classify(error: Exception) -> tuple[Kind, str]:
    """What `error` means, and its reason in a few words."""
    if _is(error, "google.api_core.exceptions:GoogleAPICallError"):
        return _google(error)  # type: ignore[arg-type]
    if _is(error, "kubernetes.client.exceptions:ApiException"):
        return _http(int(error.status or 0), str(error.reason))  # type: ignore[attr-defined]
    if _is(error, "google.auth.exceptions:GoogleAuthError") and not _is(error, "google.auth.exceptions:TransportError"):
        return Kind.NO_CREDENTIALS, _short(error)
    if _never_sent(error):
        return Kind.NOT_NOW, f"no connection: {_short(error)}"
    return Kind.LOST, _short(error)


def _google(error: GoogleAPICallError) -> tuple[Kind, str]:
    message = _short(error.message or error)
    over_grpc = _is(error.response, "grpc:RpcError")
    if over_grpc and error.code == 503 and "failed to connect" not in message:
        # Over gRPC the same code stands for 'the service said no' and for 'the connection broke after the request was
        # sent'. Only gRPC's own 'failed to connect to all addresses' proves that nothing was sent.
        return Kind.LOST, f"503 {message}"
    return _http(int(error.code or 0), message)


def _http(status: int, message: str) -> tuple[Kind, str]:
    kind = _BY_STATUS.get(status, Kind.REFUSED if 400 <= status < 499 else Kind.LOST)
    return kind, f"{status} {_short(message)}"


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


def _short(error: object) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
