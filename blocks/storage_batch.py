"""The body of a batch request and of its answer: many HTTP calls in one multipart/mixed (Google: "Sending batch requests")."""

from __future__ import annotations

import re
from typing import NamedTuple

_FENCE = b"blueprint-remediation-batch"
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_NUMBER = re.compile(rb"content-id:\s*<?response-[^\r\n]*?(\d+)>?\s*\r?\n", re.IGNORECASE)


class Part(NamedTuple):
    """One call without a body."""

    method: str
    path: str
    """From `/storage/v1` on, with its query."""


def batch_body(parts: list[Part]) -> tuple[bytes, str]:
    """The body that makes these calls, and its content type."""
    lines = bytearray()
    for number, part in enumerate(parts):
        lines += b"--%b\r\nContent-Type: application/http\r\nContent-ID: <call-%d>\r\n\r\n" % (_FENCE, number)
        lines += b"%b %b HTTP/1.1\r\nContent-Length: 0\r\n\r\n\r\n" % (part.method.encode(), part.path.encode())
    lines += b"--%b--\r\n" % _FENCE
    return bytes(lines), f"multipart/mixed; boundary={_FENCE.decode()}"


def batch_parts(body: bytes, count: int) -> list[tuple[int, bytes]]:
    """Status and body of each call's answer, in the order of the calls.

    Raises ConnectionError when the answer is cut short or tells of other calls: nothing is known then.
    """
    fence = body.lstrip().split(b"\r\n", 1)[0].rstrip()
    found: dict[int, tuple[int, bytes]] = {}
    for position, part in enumerate(body.split(fence)[1:-1] if fence.startswith(b"--") else ()):
        number = _NUMBER.search(part)
        status = _STATUS.search(part)
        if status is None:
            continue
        _, _, rest = part[status.end() :].partition(b"\r\n\r\n")
        found[int(number[1]) if number else position] = (int(status[1]), rest.strip(b"\r\n"))
    if sorted(found) != list(range(count)):
        raise ConnectionError(f"the answer to a batch of {count} calls held {len(found)} answers")
    return [found[number] for number in range(count)]
