"""What a bucket is set to, who is told of its objects, and what we may do in it. Read-only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blocks.calls import Call, read
from blocks.errors import NotFound
from blocks.stored_object import Protection, from_bucket

if TYPE_CHECKING:
    from google.cloud.storage import Bucket

    from blocks.storage import PipelineStorage


@dataclass(frozen=True)
class BucketFacts:
    """The settings of one bucket, as far as they bear on the pipeline."""

    name: str
    protection: Protection
    """Its `exists` says whether there is such a bucket; nothing else is meant when there is none."""
    location: str = ""
    """As Google has it: `US-CENTRAL1`, `US`."""
    project_number: str = ""
    retention_locked: bool = False
    uniform_access: bool = False
    """Whether only IAM decides who may do what, and no object's own list."""
    lifecycle: tuple[dict[str, Any], ...] = ()
    """The lifecycle rules, each `{"action": {...}, "condition": {...}}` as in the JSON API."""


@dataclass(frozen=True)
class Notification:
    """One notification configuration: whom a bucket tells of its objects by Pub/Sub."""

    id: str
    topic: str
    """The short name of the topic."""
    prefix: str = ""
    event_types: tuple[str, ...] = ()
    """As in `OBJECT_FINALIZE`; none: all of them."""


def bucket_facts(storage: PipelineStorage, bucket: str) -> BucketFacts:
    """The settings of a bucket; one that does not exist is a normal answer."""
    call = Call(f"look at the settings of bucket {bucket}", "storage.buckets.get")
    seconds = storage.limits.call_seconds
    try:
        found = read(call, lambda: storage.client().get_bucket(bucket, timeout=seconds, retry=None), storage.limits)
    except NotFound:
        return BucketFacts(bucket, Protection(exists=False))
    return _facts(found)


def notifications(storage: PipelineStorage, bucket: str) -> list[Notification]:
    """Whom the bucket tells of its objects. Raises `NotFound` when there is no such bucket."""
    call = Call(f"list the notifications of bucket {bucket}", "storage.buckets.get")
    seconds = storage.limits.call_seconds

    def attempt() -> list[Notification]:
        listed = storage.client().bucket(bucket).list_notifications(timeout=seconds, retry=None)
        return [
            Notification(
                id=str(one.notification_id),
                topic=one.topic_name or "",
                prefix=one.blob_name_prefix or "",
                event_types=tuple(one.event_types or ()),
            )
            for one in listed
        ]

    return read(call, attempt, storage.limits)


def granted(storage: PipelineStorage, bucket: str, permissions: Iterable[str]) -> set[str]:
    """Which of these permissions whoever asks has on the bucket. Raises `NotFound` when there is no such bucket."""
    call = Call(f"ask what may be done in bucket {bucket}", "none, but the bucket must be there")
    wanted, seconds = sorted(permissions), storage.limits.call_seconds

    def attempt() -> set[str]:
        return set(storage.client().bucket(bucket).test_iam_permissions(wanted, timeout=seconds, retry=None))

    return read(call, attempt, storage.limits)


def _facts(bucket: Bucket) -> BucketFacts:
    return BucketFacts(
        name=bucket.name,
        protection=from_bucket(bucket),
        location=bucket.location or "",
        project_number=str(bucket.project_number or ""),
        retention_locked=bool(bucket.retention_policy_locked),
        uniform_access=bool(bucket.iam_configuration.uniform_bucket_level_access_enabled),
        lifecycle=tuple(dict(rule) for rule in bucket.lifecycle_rules),
    )
