"""Batch requests: many JSON API calls in one multipart/mixed body (Google: "Sending batch requests")."""

import re
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlsplit

from deployments.sandbox.storage.http import BOUNDARY, Request, Response, parse_query
from deployments.sandbox.storage.store_errors import BadRequest

MAX_CALLS = 1000
"""Google documents 100 and its Python client sends up to 1,000."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FENCE = b"batch_of_the_sandbox"


def batch(request: Request, call: Callable[[Request], Response]) -> Response:
    """Make every call of a batch in turn with `call` and put the answers together. Raises BadRequest."""
    found = BOUNDARY.search(request.headers.get("content-type", ""))
    if found is None:
        raise BadRequest("The batch request names no boundary in its Content-Type.")
    parts = request.body.split(b"--" + found[1].encode())[1:-1]
    if not 1 <= len(parts) <= MAX_CALLS:
        raise BadRequest(f"A batch holds 1 to {MAX_CALLS} calls; this one holds {len(parts)}.")
    out = bytearray()
    for number, part in enumerate(parts):
        outer, inner, body = _split(part)
        response = call(_request(request, inner, body))
        content_id = outer.get("content-id", f"<{number}>").strip("<>")
        out += b"--%b\r\nContent-Type: application/http\r\n" % _FENCE
        out += f"Content-ID: <response-{content_id}>\r\n\r\n".encode() + _as_http(response) + b"\r\n"
    out += b"--%b--\r\n" % _FENCE
    return Response(200, bytes(out), content_type=f"multipart/mixed; boundary={_FENCE.decode()}")


def _split(part: bytes) -> tuple[dict[str, str], bytes, bytes]:
    """The headers of a part, the head of the request in it, and that request's body."""
    pieces = _BLANK_LINE.split(part.lstrip(b"\r\n"), maxsplit=2)
    if len(pieces) < 2:
        raise BadRequest("Failed to parse batch request, error: a part holds no request.")
    return _headers(pieces[0]), pieces[1], pieces[2] if len(pieces) == 3 else b""


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.split(":", 1) for line in head.decode("latin-1").splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in lines}


def _request(outer: Request, head: bytes, body: bytes) -> Request:
    line, _, rest = head.partition(b"\n")
    try:
        method, target, _ = line.decode("latin-1").split()
        url = urlsplit(target)
    except ValueError:
        raise BadRequest("Failed to parse batch request, error: a part has no request line.") from None
    query = parse_query(url.query)
    return replace(outer, method=method, path=url.path, query=query, headers=_headers(rest), body=body.strip(b"\r\n"))


def _as_http(response: Response) -> bytes:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}", f"Content-Length: {len(response.body)}"]
    if len(response.body):
        lines.append(f"Content-Type: {response.content_type}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + bytes(response.body)
