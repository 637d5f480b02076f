"""What the installation signs for itself: that a link was made here, or that the receiver has seen who says something.

The secret is that of the on-call block. Each kind of statement has a purpose of its own, so that a signature made for one
thing fits no other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Literal

Purpose = Literal["acknowledge by link", "acknowledged", "approve by link", "decided"]


class BadLink(ValueError):
    """A link that is forged, cut off, or has expired. The message says what to do."""


def sign(secret: bytes, purpose: Purpose, *said: str) -> str:
    """The HMAC-SHA256 over a statement, hexadecimal. Raises ValueError without a secret: nothing would be proved."""
    if not secret:
        raise ValueError("Nothing can be signed without a secret: set link_secret of the on-call block.")
    return hmac.new(secret, json.dumps([purpose, *said]).encode(), hashlib.sha256).hexdigest()


def fits(secret: bytes, signature: str, purpose: Purpose, *said: str) -> bool:
    """Whether a signature was made with this secret for this very statement. Without a secret none fits."""
    if not secret or not signature.isascii():
        return False
    return hmac.compare_digest(sign(secret, purpose, *said), signature)
