"""The three ways a call to the outside world can fail, and why it was refused.

Every block translates its client's exceptions into these, so that tasks decide by kind and cause and never by HTTP
status or by the words of a message:

* `TemporaryError`: nothing happened and asking again is safe; retries were made and ran out.
* `PermanentError`: nothing happened and asking again will not help.
* `UnknownOutcome`: the call may have taken effect. Look at the world before doing anything else; never just repeat it.
"""

from __future__ import annotations

from enum import Enum


class Cause(Enum):
    """Why a call was refused, as far as the service says so (see `blocks.refusals`)."""

    UNSAID = "unsaid"
    """The service gave no reason that is known here; its own words are in the message."""
    PERMISSION = "permission"
    HOLD = "hold"
    """The object is under a temporary or event-based hold."""
    RETENTION = "retention"
    """The bucket's retention policy, or the object's own, keeps it."""
    BILLING = "billing"
    API_DISABLED = "api_disabled"
    SUSPENDED = "suspended"
    """The project or account itself is disabled."""
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    KMS_KEY = "kms_key"
    PERIMETER = "perimeter"
    """VPC Service Controls."""
    ORG_POLICY = "org_policy"
    UNIFORM_ACCESS = "uniform_access"
    REQUESTER_PAYS = "requester_pays"
    SCOPE = "scope"
    """The access token was made for less than the call needs."""
    SOFT_DELETE_OFF = "soft_delete_off"
    NO_BUCKET = "no_bucket"
    """Not the object is missing but its whole bucket."""


class OutsideError(Exception):
    """Any failed call to an outside system. The message is one sentence for the person on call."""

    def __init__(self, message: str = "", cause: Cause = Cause.UNSAID) -> None:
        """`cause`: why the service refused, if it did and said so."""
        super().__init__(message)
        self.cause = cause


class TemporaryError(OutsideError):
    """The system answered 'not now' (429, 5xx, reset before the request was sent) more often than the retries allow."""


class PermanentError(OutsideError):
    """The system said no for good: wrong permissions, malformed request, a thing that is not deployed."""


class NotFound(PermanentError):
    """The named thing does not exist. A normal answer for much of this pipeline ('not deployed')."""


class PreconditionFailed(PermanentError):
    """The object or resource is not in the state that was observed: somebody else changed it."""


class UnknownOutcome(OutsideError):
    """A write or a start whose answer was lost. It may have taken effect."""
