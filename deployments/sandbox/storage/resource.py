"""The JSON shapes of objects and buckets."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from deployments.sandbox.storage.fields import Mask
from deployments.sandbox.storage.store import Bucket, StoredVersion

PROJECT_NUMBER = "123456789012"


def stamp(moment: datetime) -> str:
    """A time as Google's JSON API writes it: 2026-01-31T12:00:00.123Z."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def etag(generation: int | None, metageneration: int) -> str:
    """The ETag of a resource: its numbers as a protocol buffer message, in base64, as Google makes it."""
    if generation is None:
        return base64.b64encode(b"\x08" + _varint(metageneration)).decode()
    return base64.b64encode(b"\x08" + _varint(generation) + b"\x10" + _varint(metageneration)).decode()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _link(version: StoredVersion) -> str:
    return f"storage/v1/b/{version.bucket}/o/{quote(version.name, safe='')}"


_OBJECT: dict[str, Callable[[StoredVersion, str], object]] = {
    "kind": lambda version, base: "storage#object",
    "id": lambda version, base: f"{version.bucket}/{version.name}/{version.generation}",
    "selfLink": lambda version, base: f"{base}/{_link(version)}",
    "mediaLink": lambda version, base: f"{base}/download/{_link(version)}?generation={version.generation}&alt=media",
    "name": lambda version, base: version.name,
    "bucket": lambda version, base: version.bucket,
    "generation": lambda version, base: str(version.generation),
    "metageneration": lambda version, base: str(version.metageneration),
    "storageClass": lambda version, base: version.storage_class,
    "size": lambda version, base: str(version.content.size),
    "md5Hash": lambda version, base: None if "componentCount" in version.extra else version.content.md5,
    "crc32c": lambda version, base: version.content.crc32c,
    "etag": lambda version, base: etag(version.generation, version.metageneration),
    "timeCreated": lambda version, base: stamp(version.time_created),
    "updated": lambda version, base: stamp(version.updated),
    "timeStorageClassUpdated": lambda version, base: stamp(version.time_created),
    "timeFinalized": lambda version, base: stamp(version.time_created),
    "contentType": lambda version, base: version.content_type,
    "metadata": lambda version, base: version.metadata or None,
    "timeDeleted": lambda version, base: _maybe(version.time_deleted),
    "softDeleteTime": lambda version, base: _maybe(version.soft_delete_time),
    "hardDeleteTime": lambda version, base: _maybe(version.hard_delete_time),
}
"""The properties of an object in the JSON API; None = it has none. A composite object has no MD5."""


def object_resource(
    version: StoredVersion, base: str, holder: Bucket | None = None, wanted: Mask | None = None
) -> dict[str, Any]:
    """An object as the JSON API shows it.

    `base` is http://host:port; `holder` adds until when it is retained; `wanted` says which properties will be shown,
    so that a long listing does not make those that will not.
    """
    names = wanted if wanted and "*" not in wanted else (*_OBJECT, *version.extra, "retentionExpirationTime")
    resource: dict[str, Any] = {}
    for name in names:
        make = _OBJECT.get(name)
        value = make(version, base) if make is not None else version.extra.get(name)
        if name == "retentionExpirationTime" and holder is not None:
            value = _maybe(holder.retained_until(version))
        if value is not None:
            resource[name] = value
    return resource


def _maybe(moment: datetime | None) -> str | None:
    return stamp(moment) if moment is not None else None


def bucket_resource(bucket: Bucket, base: str) -> dict[str, Any]:
    """A bucket as the JSON API shows it."""
    settings = bucket.settings
    resource: dict[str, Any] = {
        "kind": "storage#bucket",
        "selfLink": f"{base}/storage/v1/b/{bucket.name}",
        "id": bucket.name,
        "name": bucket.name,
        "projectNumber": PROJECT_NUMBER,
        "generation": str(bucket.generation),
        "metageneration": str(bucket.metageneration),
        "location": settings.location,
        "locationType": "region" if "-" in settings.location else "multi-region",
        "storageClass": settings.storage_class,
        "etag": etag(None, bucket.metageneration),
        "timeCreated": stamp(bucket.time_created),
        "updated": stamp(bucket.updated),
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": True},
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "inherited",
        },
        "softDeletePolicy": {"retentionDurationSeconds": str(settings.soft_delete_seconds)},
    }
    if settings.soft_delete_seconds:
        resource["softDeletePolicy"]["effectiveTime"] = stamp(settings.soft_delete_effective)
    if settings.versioning:
        resource["versioning"] = {"enabled": True}
    if settings.retention_seconds:
        policy: dict[str, Any] = {
            "retentionPeriod": str(settings.retention_seconds),
            "effectiveTime": stamp(settings.retention_effective),
        }
        resource["retentionPolicy"] = policy | ({"isLocked": True} if settings.retention_locked else {})
    return merge(resource, settings.extra)


def merge(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch: null removes, a mapping is merged, anything else replaces."""
    new = dict(old)
    for name, value in patch.items():
        if value is None:
            new.pop(name, None)
        elif isinstance(value, Mapping):
            new[name] = merge(new.get(name) or {}, value)
        else:
            new[name] = value
    return new
