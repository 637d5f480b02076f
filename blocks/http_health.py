"""What a service says of its health over HTTP. It is only asked: GET, bounded in time and size."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from prefect.types import SecretDict
from pydantic import Field

from blocks.base import RemediationBlock

FAR = "It redirects to {where}; that is not followed, for who answers there is nobody that was asked."


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer, or why there is none."""

    state: Literal["answered", "down", "hung", "unknown"]
    """answered: `status` and what follows are the service's. down: no connection. hung: no whole answer in time.
    unknown: an answer of which nothing can be concluded."""
    detail: str = ""
    """A sentence, unless it answered."""
    status: int = 0
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    """The answer's JSON, if it is an object."""


class HttpHealth(RemediationBlock):
    """How services of the pipeline that speak HTTP are asked how they are. Where they are is in the catalogue."""

    _block_type_name = "Remediation HTTP Health"
    _block_type_slug = "remediation-http-health"
    _description = (
        "Health of the pipeline's HTTP services: how long they are waited for, and tokens for those that want one."
    )

    seconds: float = Field(default=5.0, gt=0, description="Seconds to wait for one whole answer.")
    most_bytes: int = Field(default=65_536, gt=0, description="The longest answer that is read, in bytes.")
    tokens: SecretDict = Field(
        default_factory=lambda: SecretDict({}),
        description="Bearer token of each service that wants one, by the service's name in the catalogue; secret.",
    )

    def get(self, url: str, service: str = "") -> HttpAnswer:
        """Ask once, with the token of that service if it has one.

        Nothing is raised: a service that does not answer is a finding. Redirects are not followed.
        """
        import httpx

        token = str(self.tokens.get_secret_value().get(service, ""))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options: Any = {"timeout": self.seconds, "follow_redirects": False, "trust_env": False}
        until = time.monotonic() + self.seconds
        try:
            with httpx.stream("GET", url, headers=headers, **options) as answer:
                if answer.is_redirect:
                    where = answer.headers.get("location", "?")[:200]
                    return HttpAnswer("unknown", FAR.format(where=where), answer.status_code)
                body = bytearray()
                for part in answer.iter_bytes(4096):
                    body += part
                    if len(body) > self.most_bytes:
                        said = f"Its answer is longer than {self.most_bytes} bytes: that is no health check."
                        return HttpAnswer("unknown", said, answer.status_code)
                    if time.monotonic() > until:
                        return self._late()
                return _read(answer.status_code, body.decode("utf-8", "replace"))
        except httpx.ConnectTimeout:
            return HttpAnswer("down", f"No connection within {self.seconds:g} s.")
        except httpx.TimeoutException:
            return self._late()
        except (httpx.ConnectError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return _not_reached(str(error))
        except httpx.HTTPError as error:
            return HttpAnswer("down", f"It dropped the connection ({type(error).__name__}).")

    def _late(self) -> HttpAnswer:
        return HttpAnswer("hung", f"It took the connection and did not answer within {self.seconds:g} s.")


def _not_reached(said: str) -> HttpAnswer:
    if "CERTIFICATE_VERIFY_FAILED" in said or "SSL" in said:
        return HttpAnswer("unknown", f"Its TLS is not trusted here ({said}).")
    return HttpAnswer("down", f"No connection ({said}).")


def _read(status: int, text: str) -> HttpAnswer:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    return HttpAnswer("answered", "", status, text, data if isinstance(data, dict) else {})
