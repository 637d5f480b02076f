"""One run at a time for one subject: a lease in the ops bucket that has an owner and ends by itself.

    remediation/leases/<subject>.json

Taken with `ifGenerationMatch=0`, renewed by generation in the background, given back by generation. After a crash it
stays until its time is over, or until its holder's process is proved gone; the journal then says what was under way. A
process that was paused for longer than the lease finds out at its next `check()` and stops; before what cannot be taken
back it asks the bucket itself (`confirm()`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import NotFound, OutsideError, PreconditionFailed
from blocks.storage import PipelineStorage
from blocks.stored_object import StoredObject
from tasks.remediation import process

ROOT = "remediation/leases/"
CLOCK_SKEW = timedelta(seconds=5)
"""How far two hosts' clocks may differ; NTP on Google Cloud keeps them far closer."""
LONGEST = timedelta(hours=1)
"""A lease that nobody has renewed for so long has ended, whatever it says: its holder's clock was wrong."""


class Holder(BaseModel):
    """Who holds a lease, since when, until when, for which run, and in which process."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    owner: str
    flow_run_id: str = ""
    run: str
    taken_at: AwareDatetime
    expires_at: AwareDatetime
    machine: str = Field(default_factory=process.machine)
    pid: int = Field(default_factory=os.getpid)
    started: str = Field(default_factory=lambda: process.started(os.getpid()))

    def describe(self) -> str:
        """One phrase for an error message."""
        return (
            f"{self.owner} (run {self.run}, since {self.taken_at:%H:%M:%S} UTC, until {self.expires_at:%H:%M:%S} UTC)"
        )


def process_is_gone(holder: Holder) -> bool:
    """Whether the holder's process has certainly ended. What an orchestrator says of a run proves nothing of its process."""
    return process.is_gone(holder.machine, holder.pid, holder.started)


class LeaseBusy(Exception):
    """Somebody else is at work on the subject."""

    def __init__(self, message: str, holder: Holder | None = None) -> None:
        """`holder`: who, where that is known."""
        super().__init__(message)
        self.holder = holder


class LeaseLost(Exception):
    """The lease ran out or was taken over: stop at once, touch nothing more."""


class LeaseDamaged(ValueError):
    """The object in a lease's place is none. The message names it and says what to do."""


@dataclass(slots=True)
class Lease:
    """A lease that is held. Use as a context manager: leaving it normally gives it back, a crash leaves it."""

    storage: PipelineStorage
    bucket: str
    subject: str
    holder: Holder
    generation: int
    seconds: float
    renewed: float = field(default_factory=process.seconds)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Lease:
        threading.Thread(target=self._keep, name=f"lease-{self.subject}", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        if kind is None or issubclass(kind, Exception):
            self.release()

    def check(self) -> None:
        """Raise `LeaseLost` unless the lease is still ours by this machine's clocks; asks nobody."""
        elapsed = process.seconds() - self.renewed
        if elapsed > self.seconds or datetime.now(UTC) > self.holder.expires_at:
            raise LeaseLost(
                f"The lease on {self.subject} ran out; another run may have taken over. Nothing more is done."
            )

    def confirm(self) -> None:
        """Ask the bucket whether it is still ours, and renew it when half its time is over.

        Asked before what cannot be taken back. Usually one read: an object may be written about once a second
        (https://cloud.google.com/storage/quotas#objects), and steps are quicker than that.

        Raises `LeaseLost`, `TemporaryError`, `UnknownOutcome`.
        """
        self.check()
        with self._lock:
            try:
                if process.seconds() - self.renewed > self.seconds / 2:
                    self._renew()
                elif not self._is_there():
                    self.renewed = float("-inf")
            except (PreconditionFailed, NotFound):
                self.renewed = float("-inf")
        self.check()

    def _is_there(self) -> bool:
        stored = self.storage.stat(self.bucket, lease_name(self.subject))
        return stored is not None and stored.generation == self.generation

    def release(self) -> None:
        """Give the lease back. Failing to is harmless: it ends by itself."""
        with self._lock:
            try:
                self.storage.delete(self.bucket, lease_name(self.subject), generation=self.generation)
            except OutsideError:
                return

    def _keep(self) -> None:
        while not self._stop.wait(self.seconds / 3):
            with self._lock:
                if self._stop.is_set():
                    return
                try:
                    self._renew()
                except (PreconditionFailed, NotFound):
                    self.renewed = float("-inf")
                    return
                except OutsideError:
                    continue

    def _renew(self) -> None:
        asked = process.seconds()
        fresh = self.holder.model_copy(update={"expires_at": datetime.now(UTC) + timedelta(seconds=self.seconds)})
        stored = self.storage.replace(
            self.bucket, lease_name(self.subject), fresh.model_dump_json().encode(), generation=self.generation
        )
        self.holder, self.generation, self.renewed = fresh, stored.generation, asked


def lease_name(subject: str) -> str:
    """The object that is the lease."""
    return f"{ROOT}{subject}.json"


def read_holder(storage: PipelineStorage, bucket: str, subject: str) -> tuple[Holder, StoredObject] | None:
    """Who holds the lease now and its object, or None. Raises `LeaseDamaged`."""
    while (stored := storage.stat(bucket, lease_name(subject))) is not None:
        try:
            body = storage.read(bucket, stored.name, generation=stored.generation)
            return Holder.model_validate_json(body), stored
        except NotFound:
            continue  # renewed or given back between the two calls
        except ValidationError as error:
            raise LeaseDamaged(
                f"The object gs://{bucket}/{stored.name} is no lease; look at it, and delete it if nobody works on "
                f"{subject}."
            ) from error
    return None


def lasts(holder: Holder) -> float:
    """Seconds until a lease ends that nobody renews."""
    return (holder.expires_at + CLOCK_SKEW - datetime.now(UTC)).total_seconds()


def has_ended(holder: Holder, stored: StoredObject, gone: Callable[[Holder], bool] = process_is_gone) -> bool:
    """Whether a lease binds nobody any more: its time is over, or its holder's process is proved gone."""
    now, latest = datetime.now(UTC), min(holder.expires_at, stored.updated + LONGEST)
    return now > latest + CLOCK_SKEW or gone(holder)


def take_lease(
    storage: PipelineStorage,
    bucket: str,
    subject: str,
    wanted: Holder,
    gone: Callable[[Holder], bool] = process_is_gone,
) -> Lease:
    """Take the lease on `subject`, or take it over from a holder that ended.

    Args:
        storage: The buckets.
        bucket: The ops bucket.
        subject: What is to be worked on.
        wanted: Who wants it, and until when.
        gone: Whether a holder's process is proved to have ended; such a holder loses its lease at once, any other
            when its time is over.

    Raises:
        LeaseBusy: somebody holds it; the message names them.
        LeaseDamaged: something else lies in its place.
    """
    seconds = (wanted.expires_at - wanted.taken_at).total_seconds()
    body = wanted.model_dump_json().encode()
    asked = process.seconds()  # the time the lease lasts has begun, however long the answer takes
    try:
        stored = storage.create(bucket, lease_name(subject), body)
        return Lease(storage, bucket, subject, wanted, stored.generation, seconds, asked)
    except PreconditionFailed:
        found = read_holder(storage, bucket, subject)
    if found is None:
        raise LeaseBusy(f"The lease on {subject} was given back just now; run this again.")
    holder, old = found
    if not has_ended(holder, old, gone):
        raise LeaseBusy(
            f"{subject} is being worked on by {holder.describe()}. Wait for it, or look at that run first.", holder
        )
    try:
        stored = storage.replace(bucket, lease_name(subject), body, generation=old.generation)
    except (PreconditionFailed, NotFound) as error:
        raise LeaseBusy(f"Another run took over {subject} just now; it will finish the work.") from error
    return Lease(storage, bucket, subject, wanted, stored.generation, seconds, asked)
