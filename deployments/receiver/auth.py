"""Who may come in by which path: Google with its token, whoever knows the secret of the webhook, or nobody."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from blocks.errors import PermanentError
from blocks.identity import PushTokens

TIMESTAMP, SIGNATURE = "x-remediation-timestamp", "x-remediation-signature"
"""Headers of a signed webhook: seconds since 1970, and `v1=` with the hexadecimal HMAC-SHA256 of `<timestamp>.<body>`."""
WINDOW_SECONDS = 300
"""How old or early a signature may be. Within it the same request sent again is a duplicate and has no effect."""
SHORTEST_SECRET = 16
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Forged(Exception):
    """The request has no right to come in. The message is for our own log, and holds no secret."""

    def __init__(self, message: str, status: int = 401) -> None:
        """`status` of the answer: 401 asks for other credentials, 403 says that none would do."""
        super().__init__(message)
        self.status = status


class Door(Protocol):
    """What guards a path. Both raise `Forged`; `knock` may raise `TemporaryError`."""

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether `knock` need not be called: it would wait for nothing and refuse nothing."""

    def knock(self, headers: Mapping[str, str]) -> None:
        """Look at the headers before the body is read. May take a while: called in a thread."""

    def enter(self, headers: Mapping[str, str], body: bytes) -> None:
        """Look at the whole request."""


class OpenDoor:
    """Whoever can connect: only for loopback."""

    def knows(self, headers: Mapping[str, str]) -> bool:
        return True

    def knock(self, headers: Mapping[str, str]) -> None:
        return

    def enter(self, headers: Mapping[str, str], body: bytes) -> None:
        return


class ClosedDoor(OpenDoor):
    """A path nobody has been given a key to."""

    def knows(self, headers: Mapping[str, str]) -> bool:
        return False

    def knock(self, headers: Mapping[str, str]) -> None:
        raise Forged("This path is closed: the receiver was not told who may use it.", 403)


class GoogleDoor(OpenDoor):
    """Google's OIDC token, of the right accounts, made for us."""

    def __init__(self, tokens: PushTokens) -> None:
        self._tokens = tokens

    def knows(self, headers: Mapping[str, str]) -> bool:
        return self._tokens.known(headers.get("authorization", ""))

    def knock(self, headers: Mapping[str, str]) -> None:
        try:
            self._tokens.check(headers.get("authorization", ""))
        except PermanentError as error:
            raise Forged(str(error)) from error


class SignedDoor(OpenDoor):
    """An HMAC over time and body, with one of the secrets (two while one is replaced by the next)."""

    def __init__(self, secrets: tuple[bytes, ...]) -> None:
        self._secrets = secrets

    def enter(self, headers: Mapping[str, str], body: bytes) -> None:
        stamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12 and given.isascii()):
            raise Forged(f"A signed webhook carries {TIMESTAMP} and {SIGNATURE}.")
        if abs(time.time() - int(stamp)) > WINDOW_SECONDS:
            raise Forged(f"The signature is more than {WINDOW_SECONDS} seconds old, or from the future.")
        good = [hmac.compare_digest(sign(secret, stamp, body), given) for secret in self._secrets]
        if not any(good):
            raise Forged("The signature does not fit.")


def sign(secret: bytes, stamp: str, body: bytes) -> str:
    """The signature of a webhook made at `stamp` (seconds since 1970, as text)."""
    return "v1=" + hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def doors(
    host: str, audience: str = "", accounts: tuple[str, ...] = (), secrets: tuple[bytes, ...] = ()
) -> dict[str, Door]:
    """The door of each path.

    Args:
        host: The address that is listened on.
        audience: Audience of Google's tokens; empty: Google is not told apart from others (loopback only).
        accounts: The service accounts they must be of.
        secrets: Secrets of the webhook.

    Raises PermanentError when a path would stand open to anybody.
    """
    if bool(audience) != bool(accounts):
        raise PermanentError("--audience and --account belong together: give both, or neither on loopback.")
    if not audience and not secrets:
        if host not in LOOPBACK:
            raise PermanentError(
                "Without --audience and --account anybody could start recoveries: listen on 127.0.0.1 only."
            )
        return dict.fromkeys(("/pubsub", "/cloudevents", "/alerts"), OpenDoor())
    google: Door = GoogleDoor(PushTokens(audience, accounts)) if audience else ClosedDoor()
    signed: Door = SignedDoor(secrets) if secrets else ClosedDoor()
    return {"/pubsub": google, "/cloudevents": google, "/alerts": signed}


def read_secrets(path: Path | None, variable: str) -> tuple[bytes, ...]:
    """The secrets of a file (one a line) and of an environment variable's text. Raises PermanentError, naming no secret."""
    try:
        lines = path.read_text().splitlines() if path else []
    except OSError as error:
        raise PermanentError(f"The file with the webhook's secret cannot be read: {error.strerror}.") from error
    found = tuple(line.strip().encode() for line in [*lines, variable] if line.strip())
    if path and not found:
        raise PermanentError(f"The file {path} holds no secret.")
    if any(len(secret) < SHORTEST_SECRET for secret in found):
        raise PermanentError(f"A secret of the webhook is shorter than {SHORTEST_SECRET} characters.")
    return found
