"""How every call to the outside is made: repeated here and nowhere else, and its exceptions turned into ours.

The clients' own retries are switched off, so one policy (`CallLimits`) governs all. There are three kinds of call:

* `read` has no effect. It is repeated on 408, 429, every 5xx, lost connections and timeouts.
* `write` carries a precondition, so it can take effect only once. It is repeated like a read; when an earlier try may
  have taken effect and a later one finds the precondition broken, the caller's `recognise` looks whether it was ours.
* `start` makes something run and carries no precondition. It is repeated only when the answer proves that nothing was
  started; a lost answer is an `UnknownOutcome` at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import stamina
from pydantic import BaseModel, ConfigDict, Field
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from blocks.client_errors import Kind, classify, client_errors
from blocks.errors import (
    Cause,
    NotFound,
    OutsideError,
    PermanentError,
    PreconditionFailed,
    TemporaryError,
    UnknownOutcome,
)
from blocks.refusals import cause_of, refusal_of

T = TypeVar("T")
_log = logging.getLogger(__name__)


class CallLimits(BaseModel):
    """How long a call is waited for and how often it is made."""

    model_config = ConfigDict(frozen=True)

    attempts: int = Field(default=6, ge=1, le=20, description="How often a call is made at most, the first included.")
    total_seconds: float = Field(
        default=90.0, gt=0, description="No further attempt is begun when this many seconds have passed."
    )
    call_seconds: float = Field(default=30.0, gt=0, description="How many seconds one attempt waits for an answer.")
    first_wait_seconds: float = Field(
        default=0.2, ge=0, description="Seconds before the second attempt; doubled each time up to 8, plus jitter."
    )


@dataclass(frozen=True)
class Call:
    """What a call is for, in the words its error sentence needs."""

    what: str
    """A verb and its object: `delete gs://bucket/name`."""
    permission: str
    """The permission a refusal (403) is about: `storage.objects.delete`."""
    missing: str = "check its name."
    """What to do when the thing is not there (404)."""


def read(call: Call, attempt: Callable[[], T], limits: CallLimits) -> T:
    """The answer of `attempt`, a call without effect.

    Raises `TemporaryError` when every try failed, `NotFound`, `PermanentError`.
    """
    return _repeat(lambda: _translated(call, attempt, has_effect=False), limits, (TemporaryError,))


def write(
    call: Call,
    attempt: Callable[[], T],
    limits: CallLimits,
    recognise: Callable[[OutsideError], T | None] | None = None,
) -> T:
    """The answer of `attempt`, a call that carries a precondition.

    `recognise` is asked when a try finds the precondition broken (or nothing there) after an earlier try failed: it
    returns the answer when the state of the world is our own doing, else None.

    Raises `UnknownOutcome` when the tries ran out and one of them may have taken effect, `TemporaryError` when they
    ran out and none can have, `PreconditionFailed`, `NotFound`, `PermanentError`.
    """
    failures: list[OutsideError] = []

    def once() -> T:
        try:
            return _translated(call, attempt, has_effect=True)
        except (NotFound, PreconditionFailed) as refusal:
            ours = recognise(refusal) if failures and recognise else None
            if ours is None:
                raise
            return ours
        except OutsideError as failure:
            failures.append(failure)
            raise

    try:
        return _repeat(once, limits, (TemporaryError, UnknownOutcome))
    except (NotFound, PreconditionFailed):
        raise
    except OutsideError as last:
        lost = next((failure for failure in failures if isinstance(failure, UnknownOutcome)), None)
        if lost is None or last is lost:
            raise
        raise UnknownOutcome(str(lost)) from last


def start(call: Call, attempt: Callable[[], T], limits: CallLimits) -> T:
    """The answer of `attempt`, a call that makes something run and must not be made twice.

    Raises `UnknownOutcome` as soon as one answer is lost, `TemporaryError` when the service refused to begin every
    time, `NotFound`, `PermanentError`.
    """
    return _repeat(lambda: _translated(call, attempt, has_effect=True), limits, (TemporaryError,))


def _tell(details: RetryDetails) -> None:
    _log.info("%s Trying again in %.1f s.", details.caused_by, details.wait_for)


set_on_retry_hooks([_tell])  # instead of stamina's own line, which says neither what failed nor why


def _repeat(once: Callable[[], T], limits: CallLimits, again_on: tuple[type[OutsideError], ...]) -> T:
    tries = stamina.retry_context(
        on=again_on,
        attempts=limits.attempts,
        timeout=limits.total_seconds,
        wait_initial=limits.first_wait_seconds,
        wait_max=8.0,
        wait_jitter=limits.first_wait_seconds,
    )
    for one_try in tries:
        with one_try:
            return once()
    raise AssertionError("unreachable: the last try returns or raises")


def _translated(call: Call, attempt: Callable[[], T], *, has_effect: bool) -> T:
    try:
        return attempt()
    except client_errors() as error:
        raise translate(error, call, has_effect=has_effect) from error


def translate(error: Exception, call: Call, *, has_effect: bool) -> OutsideError:
    """Our error for a client's exception: one sentence that says what failed, why, and what to do next."""
    kind, reason, said = classify(error)
    failed = f"Could not {call.what}"
    if kind == Kind.LOST and has_effect:
        return UnknownOutcome(
            f"The answer was lost when trying to {call.what} ({reason}); it may have taken effect: look before doing "
            "anything else."
        )
    if kind == Kind.FORBIDDEN and said is not None:
        refusal = refusal_of(said, call.permission)
        return PermanentError(f"{failed}: {refusal.why} ({reason}); {refusal.advice}", refusal.cause)
    sentences: dict[Kind, tuple[type[OutsideError], str]] = {
        Kind.LOST: (TemporaryError, f"{failed}: {reason}; try again later."),
        Kind.NOT_NOW: (TemporaryError, f"{failed}: {reason}; nothing was changed, try again later."),
        Kind.MISSING: (NotFound, f"{failed}: it is not there ({reason}); {call.missing}"),
        Kind.CHANGED: (PreconditionFailed, f"{failed}: it was changed by somebody else ({reason}); observe it again."),
        Kind.NO_CREDENTIALS: (
            PermanentError,
            f"{failed}: the credentials were not accepted ({reason}); check the block's credentials, or run "
            "`gcloud auth application-default login`.",
        ),
        Kind.REFUSED: (PermanentError, f"{failed}: it was refused ({reason}); correct the request or the settings."),
    }
    error_type, sentence = sentences[kind]
    return error_type(sentence, cause_of(said) if said is not None else Cause.UNSAID)
