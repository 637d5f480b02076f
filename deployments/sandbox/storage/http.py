"""A request to the storage server and its answer, in the shapes that Google's JSON API uses."""

import gzip
import re
import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from deployments.sandbox.storage.bodies import Body, check
from deployments.sandbox.storage.store import Preconditions, StoredVersion, StoreError
from deployments.sandbox.storage.store_errors import BadRequest, Required

BOUNDARY = re.compile(r"""boundary=["']?([^"';]+)""", re.IGNORECASE)
"""Of a multipart body, in its Content-Type. gcloud quotes it with apostrophes."""

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Request:
    """One request. `path` is still percent-encoded; header names are in lower case; `base` is http://host:port."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    base: str
    raw_query: str = ""

    def every(self, name: str) -> list[str]:
        """Every value of a query parameter that may be named several times."""
        return [value for key, value in urllib.parse.parse_qsl(self.raw_query) if key == name]

    def number(self, name: str) -> int | None:
        """A query parameter that is a whole number; None when absent. Raises BadRequest when it is none."""
        text = self.query.get(name)
        if text is None:
            return None
        try:
            return int(text)
        except ValueError:
            raise BadRequest(f"Invalid value for {name}: '{text}' is not an integer.") from None

    def flag(self, name: str) -> bool:
        """Whether a query parameter is set to true."""
        return self.query.get(name, "").lower() == "true"

    def need(self, name: str) -> str:
        """A query parameter that must be there. Raises Required."""
        value = self.query.get(name)
        if not value:
            raise Required(f"Required parameter: {name}")
        return value

    def conditions(self, prefix: str = "if") -> Preconditions:
        """The preconditions of the request; prefix "ifSource" reads those on the source of a copy."""
        return Preconditions(
            self.number(f"{prefix}GenerationMatch"),
            self.number(f"{prefix}GenerationNotMatch"),
            self.number(f"{prefix}MetagenerationMatch"),
            self.number(f"{prefix}MetagenerationNotMatch"),
        )

    def json(self, model: type[Body]) -> dict[str, Any]:
        """What the body names of `model`; an absent body names nothing. Raises BadRequest."""
        return check(model, parse_json(self.body))

    def page_limit(self, most: int) -> int:
        """How many items a page of a listing holds: `maxResults`, at most `most`. Raises BadRequest below 1."""
        limit = self.number("maxResults")
        if limit is not None and limit < 1:
            raise BadRequest(f"Invalid value for maxResults: {limit}")
        return min(limit or most, most)


@dataclass(slots=True)
class Response:
    """One answer: `body`, or a JSON `resource` of which the request's `fields` choose parts.

    `written` is the version that the request finalized, of which the listeners are to hear.
    """

    status: int = 200
    body: bytes | memoryview = b""
    resource: dict[str, Any] | None = None
    headers: Headers = field(default_factory=list)
    content_type: str = "application/json; charset=UTF-8"
    written: StoredVersion | None = None


Handler = Callable[..., Response]


def parse_json(body: bytes) -> dict[str, Any]:
    """A JSON object out of bytes; nothing is an empty object. Raises BadRequest."""
    if not body.strip():
        return {}
    try:
        value = from_json(body)
    except ValueError:
        raise BadRequest("Parse Error") from None
    if value is None:  # what Go's client sends for no resource
        return {}
    if not isinstance(value, dict):
        raise BadRequest("Parse Error")
    return value


def unpacked(body: bytes) -> bytes:
    """The body of a request that was compressed on its way only (Content-Encoding: gzip). Raises BadRequest."""
    try:
        return gzip.decompress(body) if body else body
    except (OSError, EOFError, zlib.error):
        raise BadRequest("The body is no gzip, which its Content-Encoding says it is.") from None


def parse_query(text: str) -> dict[str, str]:
    """The query parameters; of one that is named twice the last counts."""
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True)) if text else {}


def answer(resource: dict[str, Any], *, written: StoredVersion | None = None) -> Response:
    """A JSON answer with status 200."""
    return Response(200, resource=resource, written=written)


def refusal(error: StoreError) -> Response:
    """The answer to a request that the store refuses, as Google's "HTTP status and error codes for JSON" shows it."""
    if error.status == 304:
        return Response(304)
    detail = {"message": error.message, "domain": "global", "reason": error.reason}
    if error.location is not None:
        detail["locationType"], detail["location"] = error.location
    body = {"error": {"code": error.status, "message": error.message, "errors": [detail]}}
    return Response(error.status, to_json(body))


_REASONS = {400: "invalid", 401: "required", 403: "forbidden", 404: "notFound", 408: "requestTimeout"}
_WORDS = {
    403: "Forbidden",
    408: "Request Timeout",
    429: "The request rate is too high.",
    503: "We encountered an error.",
}


def fault_answer(status: int) -> Response:
    """The answer that a `status` fault gives."""
    error = StoreError(_WORDS.get(status, f"The sandbox answers {status} because a fault rule says so."))
    error.status = status
    error.reason = _REASONS.get(status, "rateLimitExceeded" if status == 429 else "backendError")
    return refusal(error)


def as_text(response: Response) -> Response:
    """The same refusal as plain text, which is how Google answers a request for the bytes of an object."""
    if response.status < 400 or not response.body:
        return response
    message = from_json(bytes(response.body))["error"]["message"]
    return Response(response.status, message.encode(), content_type="text/html; charset=UTF-8")
