"""What an exception of a client library means for the state of the world."""

from __future__ import annotations

import http.client
from enum import Enum
from typing import NamedTuple

import grpc
import requests
import urllib3
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption
from kubernetes.client.exceptions import ApiException

from blocks.error_details import Said, one_line, said_by
from blocks.errors import Cause
from blocks.refusals import cause_of

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
    if isinstance(error, GoogleAPICallError):
        return _google(error)
    if isinstance(error, ApiException):
        return _answered(said_by(error))
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return Failure(Kind.NO_CREDENTIALS, one_line(error))
    if _never_sent(error):
        return Failure(Kind.NOT_NOW, f"no connection: {one_line(error)}")
    return Failure(Kind.LOST, one_line(error))


def _google(error: GoogleAPICallError) -> Failure:
    said = said_by(error)
    over_grpc = isinstance(error.response, grpc.RpcError)
    if over_grpc and error.grpc_status_code is grpc.StatusCode.UNAVAILABLE and "failed to connect" not in said.words:
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
        if isinstance(seen, requests.ConnectTimeout | urllib3.exceptions.NewConnectionError | ConnectionRefusedError):
            return True
        if not isinstance(seen, BaseException):
            return False
        seen = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
    return False
