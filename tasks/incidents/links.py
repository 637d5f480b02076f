"""The link in a page by which a person acknowledges an incident: who has it may do that, and nothing else, for a while.

    <link_url>/ack/<incident>.<tier>.<expiry>.<signature>

The signature is an HMAC-SHA256 over the rest. A link can be forwarded, so whoever uses it is only claimed to be the name
they give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.on_call import OnCall
from blocks.signing import BadLink, fits, sign
from tasks.incidents.incident import ID

PATH = "/ack/"
TOKEN = re.compile(r"([a-z0-9-]{1,60})\.([a-z0-9-]{1,32})\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says."""

    incident: str
    tier: str
    expires: datetime
    signature: str


def make_token(secret: bytes, incident: str, tier: str, expires: datetime) -> str:
    """The token of a link. `expires` counts to the second."""
    said = f"{incident}.{tier}.{int(expires.timestamp())}"
    return f"{said}.{sign(secret, 'acknowledge by link', said)}"


def read_token(secret: bytes, token: str, now: datetime) -> Link:
    """What a token says. Raises `BadLink` unless it was made with this secret and has not expired."""
    found = TOKEN.fullmatch(token)
    if found is None or not ID.fullmatch(found.group(1)):
        raise BadLink("This link is cut off or was never one of ours. Copy the whole line of the page.")
    incident, tier, stamp, signature = found.groups()
    if not fits(secret, signature, "acknowledge by link", f"{incident}.{tier}.{stamp}"):
        raise BadLink("This link was not made here, or the secret has changed since. Use the command instead.")
    expires = datetime.fromtimestamp(int(stamp), UTC)
    if now >= expires:
        raise BadLink(f"This link has expired at {expires:%Y-%m-%d %H:%M} UTC. Use the command instead.")
    return Link(incident, tier, expires, signature)


def link_for(policy: OnCall, incident: str, tier: str, now: datetime) -> str:
    """The whole link for a page; empty when the installation has none."""
    secret = policy.link_secret.get_secret_value().encode()
    if not secret:
        return ""
    token = make_token(secret, incident, tier, now + timedelta(hours=policy.link_hours))
    return f"{policy.link_url.rstrip('/')}{PATH}{token}"
