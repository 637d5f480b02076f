"""One remediation at a time for one subject: a lease in the ops bucket that has an owner and ends by itself.

    remediation/leases/<subject>.json

Taken with `ifGenerationMatch=0`, renewed by generation in the background, given back by generation. After a crash it
stays until its time is over, or until its holder is known to be dead; the journal then says what was under way. A
process that was paused for longer than the lease finds out at its next `check()` and stops.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from blocks.errors import NotFound, OutsideError, PreconditionFailed
from blocks.storage import PipelineStorage

ROOT = "remediation/leases/"
CLOCK_SKEW = timedelta(seconds=5)
"""How far two hosts' clocks may differ; NTP on Google Cloud keeps them far closer."""


class Holder(BaseModel):
    """Who holds a lease, since when, until when, and for which run."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    owner: str
    flow_run_id: str = ""
    run: str
    taken_at: datetime
    expires_at: datetime

    def describe(self) -> str:
        """One phrase for an error message."""
        return (
            f"{self.owner} (run {self.run}, since {self.taken_at:%H:%M:%S} UTC, until {self.expires_at:%H:%M:%S} UTC)"
        )


class LeaseBusy(Exception):
    """Somebody else is at work on the subject."""


class LeaseLost(Exception):
    """The lease ran out or was taken over: stop at once, touch nothing more."""


@dataclass(slots=True)
class Lease:
    """A lease that is held. Use as a context manager: leaving it normally gives it back, a crash leaves it."""

    storage: PipelineStorage
    bucket: str
    subject: str
    holder: Holder
    generation: int
    seconds: float
    renewed: float = field(default_factory=time.monotonic)
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
        """Raise `LeaseLost` unless the lease is certainly still ours."""
        if time.monotonic() - self.renewed > self.seconds:
            raise LeaseLost(
                f"The lease on {self.subject} ran out; another run may have taken over. Nothing more is done."
            )

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
                except PreconditionFailed:
                    self.renewed = float("-inf")
                    return
                except OutsideError:
                    continue

    def _renew(self) -> None:
        asked = time.monotonic()
        fresh = self.holder.model_copy(update={"expires_at": datetime.now(UTC) + timedelta(seconds=self.seconds)})
        stored = self.storage.replace(
            self.bucket, lease_name(self.subject), fresh.model_dump_json().encode(), generation=self.generation
        )
        self.holder, self.generation, self.renewed = fresh, stored.generation, asked


def lease_name(subject: str) -> str:
    """The object that is the lease."""
    return f"{ROOT}{subject}.json"


def read_holder(storage: PipelineStorage, bucket: str, subject: str) -> tuple[Holder, int] | None:
    """Who holds the lease now and its generation, or None."""
    while (stored := storage.stat(bucket, lease_name(subject))) is not None:
        try:
            body = storage.read(bucket, stored.name, generation=stored.generation)
        except NotFound:
            continue  # renewed or given back between the two calls
        return Holder.model_validate_json(body), stored.generation
    return None


def take_lease(
    storage: PipelineStorage,
    bucket: str,
    subject: str,
    wanted: Holder,
    is_alive: Callable[[Holder], bool | None] = lambda _: None,
) -> Lease:
    """Take the lease on `subject`, or take it over from a holder that ended.

    `is_alive` says whether a holder still runs (None: cannot tell). A holder that is known to be dead loses its lease
    at once, any other when its time is over.

    Raises:
        LeaseBusy: somebody holds it; the message names them.
    """
    seconds = (wanted.expires_at - wanted.taken_at).total_seconds()
    body = wanted.model_dump_json().encode()
    asked = time.monotonic()  # the time the lease lasts has begun, however long the answer takes
    try:
        stored = storage.create(bucket, lease_name(subject), body)
        return Lease(storage, bucket, subject, wanted, stored.generation, seconds, asked)
    except PreconditionFailed:
        found = read_holder(storage, bucket, subject)
    if found is None:
        raise LeaseBusy(f"The lease on {subject} was given back just now; run this again.")
    holder, generation = found
    expired = datetime.now(UTC) > holder.expires_at + CLOCK_SKEW
    if not expired and is_alive(holder) is not False:
        raise LeaseBusy(f"{subject} is being worked on by {holder.describe()}. Wait for it, or look at that run first.")
    try:
        stored = storage.replace(bucket, lease_name(subject), body, generation=generation)
    except (PreconditionFailed, NotFound) as error:
        raise LeaseBusy(f"Another run took over {subject} just now; it will finish the work.") from error
    return Lease(storage, bucket, subject, wanted, stored.generation, seconds, asked)
