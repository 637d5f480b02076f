"""Who pushed a message to us: checks the OIDC token that Pub/Sub puts on its requests."""

from __future__ import annotations

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from blocks.errors import PermanentError


def check_push_token(authorization: str, audience: str, account: str) -> None:
    """Refuse a request whose bearer token Google did not issue for us to the expected service account.

    Args:
        authorization: The request's `Authorization` header.
        audience: The audience set on the push subscription (the receiver's URL).
        account: E-mail of the service account set on the push subscription.

    Raises:
        PermanentError: there is no token, or it is not that one.

    Source: cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
    """
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token:
        raise PermanentError("The request carries no bearer token; set an OIDC token on the push subscription.")
    try:
        claims = id_token.verify_oauth2_token(token, Request(), audience)  # type: ignore[no-untyped-call]
    except (GoogleAuthError, ValueError) as error:
        raise PermanentError(f"The bearer token is not valid for {audience}: {error}") from error
    if claims.get("email") != account or not claims.get("email_verified"):
        raise PermanentError(f"The bearer token is {claims.get('email')}'s, not {account}'s.")
