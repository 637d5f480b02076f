"""One bucket: its settings, its versions, and the rules about what may replace what."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from deployments.sandbox.storage.store_errors import (
    NO_CONDITIONS,
    BadRequest,
    Preconditions,
    RetentionNotMet,
    UnderHold,
    object_not_found,
)
from deployments.sandbox.storage.store_index import Page, Query, VersionIndex, read_page
from deployments.sandbox.storage.store_version import NewObject, StoredVersion, in_milliseconds

WEEK_SECONDS = 7 * 24 * 3600


@dataclass(slots=True)
class BucketSettings:
    """What a bucket is set to. `soft_delete_seconds` 0 = no soft delete; `retention_seconds` 0 = no retention policy.

    `extra` holds what the sandbox only keeps and shows (labels, lifecycle, iamConfiguration, ...) under Google's names.
    """

    location: str = "US-CENTRAL1"
    storage_class: str = "STANDARD"
    versioning: bool = False
    soft_delete_seconds: int = WEEK_SECONDS
    soft_delete_effective: datetime = field(default_factory=in_milliseconds)
    retention_seconds: int = 0
    retention_effective: datetime = field(default_factory=in_milliseconds)
    retention_locked: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


class Bucket:
    """A bucket of the object store. Every method is atomic; none of them tells anybody of what was written."""

    def __init__(self, name: str, settings: BucketSettings, next_generation: Callable[[], int]) -> None:
        """`next_generation` gives numbers that only grow, across all buckets."""
        self.name = name
        self.settings = settings
        self.generation = next_generation()
        self.metageneration = 1
        self.time_created = self.updated = in_milliseconds()
        self.lock = threading.RLock()
        self._next_generation = next_generation
        self.live_index = VersionIndex()
        self._current = VersionIndex()  # live and noncurrent: what versions=true lists
        self._soft_deleted = VersionIndex()
        self._expiring: list[tuple[datetime, str, int]] = []  # a heap: what to forget, soonest first

    # Reading

    def get(self, name: str, generation: int | None = None, *, soft_deleted: bool = False) -> StoredVersion | None:
        """The live version of a name, or the one with `generation` (live, noncurrent, or soft-deleted if asked)."""
        with self.lock:
            if soft_deleted:
                self._expire()
                return self._soft_deleted.find(name, generation or 0)
            if generation is None:
                return next(iter(self.live_index.of(name)), None)
            return self._current.find(name, generation)

    def need(self, name: str, generation: int | None = None, *, soft_deleted: bool = False) -> StoredVersion:
        """As `get`, but a missing version raises NoSuchThing."""
        version = self.get(name, generation, soft_deleted=soft_deleted)
        if version is None:
            raise object_not_found(self.name, name)
        return version

    def page(
        self, query: Query, cursor: tuple[str, int] | None, limit: int, *, versions: bool, soft_deleted: bool
    ) -> Page:
        """One page of the live objects, of all `versions`, or of the soft-deleted ones."""
        with self.lock:
            if soft_deleted:
                self._needs_soft_delete()
                self._expire()
                return read_page(self._soft_deleted, query, cursor, limit)
            return read_page(self._current if versions else self.live_index, query, cursor, limit)

    @property
    def empty(self) -> bool:
        """Whether the bucket has no live and no noncurrent version."""
        return not self._current.names

    # Writing

    def finalize(
        self, name: str, new: NewObject, conditions: Preconditions = NO_CONDITIONS, at: datetime | None = None
    ) -> StoredVersion:
        """Make a new live version of `name`; the one before it becomes noncurrent or soft-deleted.

        Raises ConditionNotMet, NotModified, RetentionNotMet or UnderHold, and then changes nothing. `at` backdates it.
        """
        with self.lock:
            now = in_milliseconds(at)
            live = self.get(name)
            conditions.check(live)
            if live is not None:
                self._may_go(live, becomes_noncurrent=self.settings.versioning)
            created = self._build(name, new, now, at)
            if live is not None:
                self._retire(live, now)
            self.live_index.put(created)
            self._current.put(created)
            return created

    def update(
        self,
        name: str,
        generation: int | None,
        conditions: Preconditions,
        change: Callable[[StoredVersion], StoredVersion],
    ) -> StoredVersion:
        """Put what `change` makes of a version in its place, with the next metageneration and the time of now."""
        with self.lock:
            version = self.need(name, generation)
            conditions.check(version)
            changed = change(version)
            if version.extra.get("eventBasedHold") and not changed.extra.get("eventBasedHold"):
                changed = replace(changed, retained_since=in_milliseconds())
            changed = replace(changed, metageneration=version.metageneration + 1, updated=in_milliseconds())
            self._current.put(changed)
            if version.is_live:
                self.live_index.put(changed)
            return changed

    def delete(
        self, name: str, generation: int | None = None, conditions: Preconditions = NO_CONDITIONS
    ) -> StoredVersion:
        """Delete the live version, or for good the one with `generation`; returns what was deleted.

        Without a generation a versioned bucket keeps the version as noncurrent. Whatever leaves the bucket is
        soft-deleted while the bucket has a soft delete policy (Google: "Object Versioning", "Soft delete").
        """
        with self.lock:
            version = self.need(name, generation)
            conditions.check(version)
            noncurrent = generation is None and self.settings.versioning
            self._may_go(version, becomes_noncurrent=noncurrent)
            self._retire(version, in_milliseconds(), noncurrent=noncurrent)
            return version

    def restore(self, name: str, generation: int, conditions: Preconditions = NO_CONDITIONS) -> StoredVersion:
        """Make a new live version out of a soft-deleted one, which stays. Conditions are about the live version."""
        with self.lock:
            self._needs_soft_delete()
            gone = self.get(name, generation, soft_deleted=True)
            if gone is None:
                raise object_not_found(self.name, name)
            new = NewObject(gone.content, gone.content_type, gone.metadata, gone.storage_class, gone.extra)
            return self.finalize(name, new, conditions)

    # Rules

    def _build(self, name: str, new: NewObject, now: datetime, at: datetime | None) -> StoredVersion:
        holds = self.settings.extra.get("defaultEventBasedHold")
        return StoredVersion(
            bucket=self.name,
            name=name,
            generation=self._next_generation() if at is None else self._generation_at(name, now),
            metageneration=1,
            content=new.content,
            content_type=new.content_type,
            metadata=new.metadata or None,
            storage_class=new.storage_class or self.settings.storage_class,
            time_created=now,
            updated=now,
            extra={"eventBasedHold": True} | dict(new.extra) if holds else new.extra,
        )

    def _generation_at(self, name: str, moment: datetime) -> int:
        """A generation of a backdated version: one that fits its time, above every other of the name."""
        known = self._current.of(name) + self._soft_deleted.of(name)
        return max([int(moment.timestamp() * 1_000_000), *(version.generation + 1 for version in known)])

    def _may_go(self, version: StoredVersion, *, becomes_noncurrent: bool) -> None:
        """Raise when a hold or the retention policy protects a version.

        A retained live version may still become noncurrent; a held one may not (Google: "Bucket Lock", "Object holds").
        """
        where = f"Object '{self.name}/{version.name}'"
        for hold, word in (("temporaryHold", "Temporary"), ("eventBasedHold", "Event-Based")):
            if version.extra.get(hold):
                raise UnderHold(
                    f"{where} is under active {word} hold and cannot be deleted, overwritten or archived "
                    "until hold is removed."
                )
        until = self.retained_until(version)
        if until is not None and until > datetime.now(UTC) and not becomes_noncurrent:
            raise RetentionNotMet(
                f"{where} is subject to bucket's retention policy or object retention and cannot be deleted or "
                f"overwritten until {until.isoformat()}"
            )

    def retained_until(self, version: StoredVersion) -> datetime | None:
        """Until when the retention policy of the bucket keeps a version; None without a policy.

        Google ("Object holds"): under an event-based hold that is not known, and the time runs from its release.
        """
        seconds = self.settings.retention_seconds
        if not seconds or version.extra.get("eventBasedHold"):
            return None
        return (version.retained_since or version.time_created) + timedelta(seconds=seconds)

    def _retire(self, version: StoredVersion, now: datetime, *, noncurrent: bool | None = None) -> None:
        """Make a version noncurrent (default: if the bucket is versioned), else soft-deleted or gone for good."""
        self.live_index.remove(version)
        if self.settings.versioning if noncurrent is None else noncurrent:
            self._current.put(replace(version, time_deleted=now))
            return
        self._current.remove(version)
        seconds = self.settings.soft_delete_seconds
        if seconds:
            until = now + timedelta(seconds=seconds)
            heappush(self._expiring, (until, version.name, version.generation))
            self._soft_deleted.put(replace(version, soft_delete_time=now, hard_delete_time=until))

    def _needs_soft_delete(self) -> None:
        if self.settings.soft_delete_seconds == 0 and not self._soft_deleted.names:
            raise BadRequest("bucket soft delete policy must be set.")

    def _expire(self) -> None:
        """Forget the soft-deleted versions whose time is over."""
        now = datetime.now(UTC)
        while self._expiring and self._expiring[0][0] <= now:
            _, name, generation = heappop(self._expiring)
            version = self._soft_deleted.find(name, generation)
            if version is not None:
                self._soft_deleted.remove(version)
