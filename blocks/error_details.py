"""What a failed answer says for machines: Google's reason words and details, wherever a client has put them.

The REST APIs answer `{"error": {"message", "errors": [{"reason", "domain"}], "details": [...]}}` (Google: "Error model",
and "HTTP status and error codes for JSON" of Cloud Storage), a download of an object plain text, gRPC services a
`google.rpc.Status` with the same details, Kubernetes a `Status`. The request's address, which clients put before
Google's words, is left out: a long object name would leave no room for the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError
    from kubernetes.client.exceptions import ApiException

LONGEST = 400
"""Characters of the service's own words in a message."""
_TAG = re.compile(r"<(?:style|script).*?</(?:style|script)>|<[^>]+>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """The service's answer."""

    status: int
    """HTTP status; 0 when there is none."""
    words: str
    """Its own sentence, on one line."""
    reasons: tuple[str, ...] = ()
    """Its reason words, the most specific first."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What an `ErrorInfo` adds: `service`, `consumer`, `permission`, `uid`, ..."""

    def text(self) -> str:
        """As in `403 retentionPolicyNotMet: Object 'b/o' is subject to ...`."""
        reason = next(iter(self.reasons), "")
        new = reason and reason.lower() not in self.words.lower()
        return (
            f"{self.status} {reason}: {self.words}" if new and self.words else f"{self.status} {self.words or reason}"
        )


def http_error(status: int, body: bytes) -> GoogleAPICallError:
    """The exception for a failed REST answer, with all that its body says. Clients do the same with their answers."""
    from google.api_core.exceptions import from_http_status  # loaded already by whoever got such an answer

    error = _error_of(body)
    message = str(error.get("message", "")) or _plain(body)
    return from_http_status(  # type: ignore[no-untyped-call, no-any-return]
        status, message, errors=_list(error.get("errors")), details=_list(error.get("details"))
    )


def said_by(error: GoogleAPICallError) -> Said:
    """What a Google service answered."""
    body = getattr(error.response, "content", None)
    found = _error_of(body) if isinstance(body, bytes) else {}
    words = str(found.get("message", "")) or (_plain(body) if isinstance(body, bytes) else "") or error.message
    details = [*_list(found.get("details")), *error.details]
    reasons, facts = _from_details(details)
    listed = [*_list(found.get("errors")), *error.errors]
    reasons += [str(one["reason"]) for one in listed if isinstance(one, Mapping) and one.get("reason")]
    return Said(int(error.code or 0), one_line(words), tuple(dict.fromkeys(reasons)), facts)


def one_line(text: object) -> str:
    """The text without line breaks, cut where it is too long, without a full stop at its end."""
    line = " ".join(str(text).split()).rstrip(". ")
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def said_by_kubernetes(error: ApiException) -> Said:
    """What a Kubernetes API server answered."""
    found = _json(error.body.encode() if isinstance(error.body, str) else error.body)
    reason = str(found.get("reason") or error.reason or "")
    return Said(int(error.status or 0), one_line(found.get("message") or reason), (reason,) if reason else ())


def _from_details(details: list[Any]) -> tuple[list[str], dict[str, str]]:
    reasons: list[str] = []
    facts: dict[str, str] = {}
    for detail in details:
        reasons += _reasons_in(detail)
        metadata = _get(detail, "metadata")
        facts |= {str(key): str(value) for key, value in dict(metadata or {}).items()}
        for violation in _get(detail, "violations") or ():
            if _get(violation, "type") == "VPC_SERVICE_CONTROLS":
                reasons.append("vpcServiceControls")
                facts.setdefault("uid", str(_get(violation, "description") or ""))
    return reasons, facts


def _reasons_in(detail: Any) -> Iterator[str]:
    reason = _get(detail, "reason")
    if isinstance(reason, str) and reason:
        yield reason


def _get(detail: Any, name: str) -> Any:
    return detail.get(name) if isinstance(detail, Mapping) else getattr(detail, name, None)


def _error_of(body: bytes) -> Mapping[str, Any]:
    found = _json(body).get("error")
    return found if isinstance(found, Mapping) else {}


def _json(body: bytes | None) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return {}
    first = found[0] if isinstance(found, list) and found else found  # some services answer a list of one
    return first if isinstance(first, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _plain(body: bytes) -> str:
    """A body that is not JSON, for a person: a download's refusal is plain text, a proxy's page is HTML."""
    return unescape(_TAG.sub(" ", body[:4000].decode("utf-8", "replace")))
