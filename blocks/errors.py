"""The three ways a call to the outside world can fail.

Every block translates its client's exceptions into these, so that tasks decide by kind and never by HTTP status:

* `TemporaryError`: nothing happened and asking again is safe; retries were made and ran out.
* `PermanentError`: nothing happened and asking again will not help.
* `UnknownOutcome`: the call may have taken effect. Look at the world before doing anything else; never just repeat it.
"""


class OutsideError(Exception):
    """Any failed call to an outside system. The message is one sentence for the person on call."""


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
