"""What is known of an object in a bucket, and of what protects a bucket's objects from deletion."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket

WRITE_TOKEN = "remediation-write"
"""Custom metadata on every object written here: a random token by which a write whose answer was lost is recognised."""


@dataclass(frozen=True)
class StoredObject:
    """One generation of one object."""

    bucket: str
    name: str
    generation: int
    size: int
    """Bytes."""
    updated: datetime
    created: datetime
    crc32c: str
    """Base64, as Cloud Storage gives it."""
    metadata: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/octet-stream"
    soft_deleted_at: datetime | None = None
    noncurrent_at: datetime | None = None
    """When a version stopped being the live one; None for a live object."""
    is_live: bool = True
    """False for a noncurrent version and for a soft-deleted object."""
    metageneration: int = 1
    """Which state of its metadata: counted up by each change that leaves the bytes alone."""
    storage_class: str = ""
    content_encoding: str = ""
    """`gzip`: the bytes are compressed, and who asks plainly is given them decompressed."""
    temporary_hold: bool = False
    event_based_hold: bool = False
    retained_until: datetime | None = None
    """Until when the bucket's retention policy or the object's own retention keeps it, as the service says."""

    @property
    def uri(self) -> str:
        """`gs://bucket/name#generation`."""
        return f"gs://{self.bucket}/{self.name}#{self.generation}"

    def same_as(self, other: StoredObject) -> bool:
        """Whether both hold the same bytes with the same content type and metadata, wherever they are."""
        mine = (self.size, self.crc32c, self.content_type, self.metadata)
        return mine == (other.size, other.crc32c, other.content_type, other.metadata)


@dataclass(frozen=True)
class Protection:
    """Whether a deletion in a bucket can be undone."""

    exists: bool
    versioning: bool = False
    soft_delete_seconds: int = 0
    """How long a deleted object can be brought back; 0 means not at all."""
    retention_seconds: int = 0
    """How old an object must be before it can be deleted or overwritten; 0 means that it need not be."""
    default_event_based_hold: bool = False
    """Whether every new object is put under a hold."""
    storage_class: str = ""
    """Of objects that are written without saying one."""

    @property
    def undoable(self) -> bool:
        """Whether a deleted object can be brought back by either means."""
        return self.versioning or self.soft_delete_seconds > 0


def from_blob(blob: Blob) -> StoredObject:
    """The object a client's blob describes."""
    soft_deleted_at = blob.soft_delete_time
    created = blob.time_created or datetime.fromtimestamp(0, UTC)
    return StoredObject(
        bucket=blob.bucket.name,
        name=blob.name,
        generation=int(blob.generation or 0),
        size=int(blob.size or 0),
        updated=blob.updated or created,
        created=created,
        crc32c=blob.crc32c or "",
        metadata=dict(blob.metadata or {}),
        content_type=blob.content_type or "application/octet-stream",
        soft_deleted_at=soft_deleted_at,
        noncurrent_at=blob.time_deleted,
        is_live=blob.time_deleted is None and soft_deleted_at is None,
        metageneration=int(blob.metageneration or 1),
        storage_class=blob.storage_class or "",
        content_encoding=blob.content_encoding or "",
        temporary_hold=bool(blob.temporary_hold),
        event_based_hold=bool(blob.event_based_hold),
        retained_until=max(
            filter(None, (blob.retention_expiration_time, blob.retention.retain_until_time)), default=None
        ),
    )


def from_bucket(bucket: Bucket) -> Protection:
    """What a client's bucket says of deletions in it."""
    return Protection(
        exists=True,
        versioning=bool(bucket.versioning_enabled),
        soft_delete_seconds=int(bucket.soft_delete_policy.retention_duration_seconds or 0),
        retention_seconds=int(bucket.retention_period or 0),
        default_event_based_hold=bool(bucket.default_event_based_hold),
        storage_class=bucket.storage_class or "",
    )
