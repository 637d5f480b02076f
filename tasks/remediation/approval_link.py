"""The link above an approval's form: a page of the receiver, behind Identity-Aware Proxy, where it is seen who decides.

    <link_url>/approve/<flow run>.<plan's digest>.<expiry>.<signature>

The link only says which plan of which run it is about; who may decide is said by the proxy, never by the link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.on_call import OnCall
from blocks.policy import RemediationPolicy
from blocks.signing import BadLink, fits, sign
from tasks.remediation.approval import Approval

PATH = "/approve/"
TOKEN = re.compile(r"([0-9a-f-]{36})\.([0-9a-f]{8,64})\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks about."""

    flow_run: str
    digest: str
    expires: datetime


def link_for(on_call: OnCall, policy: RemediationPolicy, flow_run: str, digest: str, now: datetime) -> str:
    """The whole link; empty unless the installation has one and the flow run can be suspended."""
    secret = on_call.link_secret.get_secret_value().encode()
    if not secret or not flow_run or not policy.verified_approvers:
        return ""
    said = f"{flow_run}.{digest}.{int((now + timedelta(minutes=policy.approval_minutes)).timestamp())}"
    return f"{on_call.link_url.rstrip('/')}{PATH}{said}.{sign(secret, 'approve by link', said)}"


def read_token(secret: bytes, token: str, now: datetime) -> Asked:
    """What a token asks about. Raises `BadLink` unless it was made with this secret and has not expired."""
    found = TOKEN.fullmatch(token)
    if found is None:
        raise BadLink("This link is cut off or was never one of ours. Copy the whole of it.")
    flow_run, digest, stamp, signature = found.groups()
    if not fits(secret, signature, "approve by link", f"{flow_run}.{digest}.{stamp}"):
        raise BadLink("This link was not made here, or the secret has changed since. Start the run again.")
    expires = datetime.fromtimestamp(int(stamp), UTC)
    if now >= expires:
        raise BadLink(f"The time to decide ended at {expires:%Y-%m-%d %H:%M} UTC, which means no. Start the run again.")
    return Asked(flow_run, digest, expires)


def decided(secret: bytes, asked: Asked, approve: bool, approver: str, comment: str) -> Approval:
    """What the receiver has seen a person decide, with its proof."""
    said = Approval(
        decision="approve" if approve else "reject", approver=approver, plan_digest=asked.digest, comment=comment
    )
    parts = (asked.flow_run, said.decision, approver, asked.digest, comment)
    return said.model_copy(update={"proof": sign(secret, "decided", *parts)})
