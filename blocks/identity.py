"""Who talks to us: checks the tokens that Google puts on requests, those of its services and those of people.

Pub/Sub and Eventarc send an OIDC token of a service account; Identity-Aware Proxy adds an assertion of the person who has
signed in.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport import Request
from google.auth.transport.requests import Request as RequestsRequest
from google.oauth2 import id_token

from blocks.errors import PermanentError, TemporaryError

GOOGLE_CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
IAP_KEYS = "https://www.gstatic.com/iap/verify/public_key"
IAP_ISSUER = "https://cloud.google.com/iap"
EMAIL = re.compile(r"[\x21-\x7e]{1,64}@[a-z0-9.-]{1,190}")
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
CLOCK_SKEW = 10
"""Seconds that two clocks may differ."""
AGAIN_SECONDS = 5.0
"""How long certificates that could not be had are not asked for again: forged requests must not hold up good ones."""
REMEMBERED = 1_000
"""Tokens known to be good. Google signs one an hour for a subscription and uses it for every push."""


class PushTokens:
    """Accepts the tokens that Google issued for us to the expected service accounts, and no other.

    Source: cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
    """

    def __init__(self, audience: str, accounts: tuple[str, ...], certificates: str = GOOGLE_CERTIFICATES) -> None:
        """
        Args:
            audience: The audience set on the push subscription or trigger (the receiver's URL).
            accounts: E-mails of the service accounts set there.
            certificates: Where the public keys of the issuer are, as a JSON object of X.509 certificates.
        """
        self.audience, self.accounts, self._where = audience, accounts, certificates
        self._keys = _Certificates()
        self._good: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def known(self, authorization: str) -> bool:
        """Whether this very header was found good before and its token is still valid. Needs no network."""
        return self._good.get(_digest(authorization), 0.0) > time.time()

    def check(self, authorization: str) -> None:
        """Refuse a request by its `Authorization` header.

        Raises:
            PermanentError: there is no token, or it is not a good one.
            TemporaryError: Google's certificates cannot be had, so nobody can tell.
        """
        if self.known(authorization):
            return
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise PermanentError("The request carries no bearer token; set an OIDC token on the push subscription.")
        claims = _claims(token, self._keys, self.audience, self._where)
        if claims.get("iss") not in ISSUERS:
            raise PermanentError("The bearer token was not issued by Google.")
        if claims.get("email") not in self.accounts or claims.get("email_verified") is not True:
            raise PermanentError(f"The bearer token is not that of {' or '.join(self.accounts)}.")
        with self._lock:
            if len(self._good) >= REMEMBERED:
                self._good.clear()
            self._good[_digest(authorization)] = float(claims["exp"])


class PersonTokens:
    """Who a person is, as Identity-Aware Proxy has seen them sign in.

    Source: cloud.google.com/iap/docs/signed-headers-howto.
    """

    def __init__(self, audience: str, keys: str = IAP_KEYS) -> None:
        """
        Args:
            audience: The proxy's own, as in /projects/1234/global/backendServices/5678.
            keys: Where the public keys of the proxy are, as a JSON object of PEM texts.
        """
        self.audience, self._where = audience, keys
        self._keys = _Certificates()

    def who(self, assertion: str) -> str:
        """The e-mail address of the person whom an assertion is about.

        Raises:
            PermanentError: it is not one that the proxy made for us.
            TemporaryError: the proxy's keys cannot be had, so nobody can tell.
        """
        claims = _claims(assertion, self._keys, self.audience, self._where)
        if claims.get("iss") != IAP_ISSUER:
            raise PermanentError("The assertion was not made by Identity-Aware Proxy.")
        email = claims.get("email")
        if not isinstance(email, str) or not EMAIL.fullmatch(email):
            raise PermanentError("The assertion names no e-mail address; sign in with an account that has one.")
        return email


def _claims(token: str, keys: _Certificates, audience: str, where: str) -> Mapping[str, Any]:
    try:
        claims: Mapping[str, Any] = id_token.verify_token(
            token, keys, audience, certs_url=where, clock_skew_in_seconds=CLOCK_SKEW
        )
    except TransportError as error:
        raise TemporaryError(f"The keys at {where} cannot be had: {error}") from error
    except (GoogleAuthError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PermanentError(f"The token is not valid for {audience}.") from error
    return claims


class _Certificates(Request):
    """google-auth's request, whose answers are kept as long as Google allows; every check would fetch them again."""

    def __init__(self) -> None:
        self._request = RequestsRequest()
        self._until = 0.0
        self._answer: Any = None
        self._lock = threading.Lock()

    def __call__(self, url: str, method: str = "GET", *_: Any, **options: Any) -> Any:
        with self._lock:
            if time.monotonic() >= self._until:
                self._answer, seconds = self._fetched(url, method, options)
                self._until = time.monotonic() + seconds
        if isinstance(self._answer, TransportError):
            raise self._answer
        return self._answer

    def _fetched(self, url: str, method: str, options: dict[str, Any]) -> tuple[Any, float]:
        """The answer (or the failure), and for how many seconds it holds."""
        try:
            answer = self._request(url, method=method, timeout=5, **options)
        except TransportError as error:
            return error, AGAIN_SECONDS
        found = re.search(r"max-age=(\d+)", answer.headers.get("cache-control", ""))
        if answer.status != 200 or found is None:
            return answer, AGAIN_SECONDS
        return answer, float(found.group(1))


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode(errors="surrogatepass")).digest()
