"""What an exception of a client library means for the state of the world."""

from __future__ import annotations

import http.client
from enum import Enum

import grpc
import requests
import urllib3
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption
from kubernetes.client.exceptions import ApiException

CLIENT_ERRORS = (
    GoogleAPICallError,
    GoogleAuthError,
    DataCorruption,
    ApiException,
    grpc.RpcError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
)
"""Everything the clients raise when a call fails. Anything else is a mistake in our own code and passes through."""


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
    if isinstance(error, GoogleAPICallError):
        return _google(error)
    if isinstance(error, ApiException):
        return _http(int(error.status or 0), str(error.reason))
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return Kind.NO_CREDENTIALS, _short(error)
    if _never_sent(error):
        return Kind.NOT_NOW, f"no connection: {_short(error)}"
    return Kind.LOST, _short(error)


def _google(error: GoogleAPICallError) -> tuple[Kind, str]:
    message = _short(error.message or error)
    over_grpc = isinstance(error.response, grpc.RpcError)
    if over_grpc and error.grpc_status_code is grpc.StatusCode.UNAVAILABLE and "failed to connect" not in message:
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
        if isinstance(seen, requests.ConnectTimeout | urllib3.exceptions.NewConnectionError | ConnectionRefusedError):
            return True
        if not isinstance(seen, BaseException):
            return False
        seen = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
    return False


def _short(error: object) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
