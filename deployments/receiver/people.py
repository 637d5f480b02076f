"""Which person sends a form: seen by Identity-Aware Proxy before the receiver, or nobody knows."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from blocks.errors import PermanentError
from blocks.identity import PersonTokens
from deployments.receiver.auth import Forged

ASSERTION = "x-goog-iap-jwt-assertion"
"""The header that the proxy adds. Source: cloud.google.com/iap/docs/signed-headers-howto."""


class People:
    """Says who sends a request."""

    def __init__(self, tokens: PersonTokens | None, origin: str) -> None:
        """
        Args:
            tokens: What reads the proxy's assertions; None: there is no such proxy, and nobody is known.
            origin: The receiver's public address. A form counts as a person's own only when it was sent from a page of
                it: else any page that a signed-in person opens could speak in their name.
        """
        self.known = tokens is not None
        self._tokens, self._origin = tokens, origin.rstrip("/")

    async def who(self, request: Request) -> str:
        """The person's e-mail address; empty when nobody vouches for one.

        Raises:
            Forged: the assertion is not the proxy's, or another site's page sent the form.
            TemporaryError: the proxy's keys cannot be had.
        """
        assertion = request.headers.get(ASSERTION, "")
        if self._tokens is None or not assertion:
            return ""
        if request.method == "POST" and request.headers.get("origin", "").rstrip("/") != self._origin:
            raise Forged(f"The form was not sent from a page of {self._origin}.", 403)
        try:
            return await run_in_threadpool(self._tokens.who, assertion)
        except PermanentError as error:
            raise Forged(str(error), 403) from error
