"""What the object store refuses, with the status and the reason Google's JSON API gives for it."""

from dataclasses import dataclass
from typing import Protocol


class StoreError(Exception):
    """A refusal. `status` is the HTTP status, `reason` Google's word for it, the message is for a person."""

    status = 400
    reason = "invalid"

    location: tuple[str, str] | None = None
    """What is at fault, as (kind, name): ("header", "If-Match")."""

    def __init__(self, message: str) -> None:
        """`message` is what the answer says."""
        super().__init__(message)
        self.message = message


class BadRequest(StoreError):
    """400: the request makes no sense."""


class Required(StoreError):
    """400: a parameter that the method needs is missing."""

    reason = "required"


class Forbidden(StoreError):
    """403: not allowed."""

    status = 403
    reason = "forbidden"


class RetentionNotMet(Forbidden):
    """403: a retention policy protects the object (Google: Bucket Lock)."""

    reason = "retentionPolicyNotMet"


class UnderHold(Forbidden):
    """403: a hold protects the object (Google: Object holds). The service says `forbidden`, not what it documents."""


class NoSuchThing(StoreError):
    """404: no such bucket, object or generation."""

    status = 404
    reason = "notFound"


class Conflict(StoreError):
    """409: the bucket exists already, or is not empty."""

    status = 409
    reason = "conflict"


class UploadCancelled(StoreError):
    """499: the resumable upload was cancelled."""

    status = 499
    reason = "clientClosedRequest"


class Unavailable(StoreError):
    """503: try again, here because a chunk came before the ones in front of it."""

    status = 503
    reason = "backendError"


class NotImplementedHere(StoreError):
    """501: a part of Google's API that the sandbox does not have."""

    status = 501
    reason = "notImplemented"


class ConditionNotMet(StoreError):
    """412: an ifGenerationMatch or ifMetagenerationMatch does not hold."""

    status = 412
    reason = "conditionNotMet"
    location = ("header", "If-Match")


class NotModified(StoreError):
    """304: an ifGenerationNotMatch or ifMetagenerationNotMatch does not hold."""

    status = 304


class RangeNotSatisfiable(StoreError):
    """416: the range begins after the end of the object."""

    status = 416


class Numbered(Protocol):
    """A thing with the two numbers that preconditions look at."""

    generation: int
    metageneration: int


def object_not_found(bucket: str, name: str) -> NoSuchThing:
    """The refusal Google answers when an object is not there."""
    return NoSuchThing(f"No such object: {bucket}/{name}")


def bucket_not_found() -> NoSuchThing:
    """The refusal Google answers when a bucket is not there."""
    return NoSuchThing("The specified bucket does not exist.")


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The four conditions of Google's "Request preconditions" page; None = not asked for.

    A match that fails answers 412, a not-match that fails answers 304. A missing thing counts as generation 0 and
    metageneration 0, so `generation_match=0` means 'only if nothing is there' and `generation_not_match=0` 'only if
    something is there'; any other not-match fails when nothing is there.
    """

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    def check(self, thing: Numbered | None) -> None:
        """Raise ConditionNotMet or NotModified when a condition does not hold for `thing` (None = nothing there)."""
        for actual, match, not_match in (
            (thing.generation if thing else 0, self.generation_match, self.generation_not_match),
            (thing.metageneration if thing else 0, self.metageneration_match, self.metageneration_not_match),
        ):
            if match is not None and match != actual:
                raise ConditionNotMet("At least one of the pre-conditions you specified did not hold.")
            if not_match is not None and (not_match == actual or actual == 0):
                raise NotModified("Not Modified")


NO_CONDITIONS = Preconditions()
