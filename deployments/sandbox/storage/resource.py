"""The JSON shapes of objects and buckets, and partial responses (`fields=`)."""

import base64
import re
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from deployments.sandbox.storage.store import Bucket, StoredVersion
from deployments.sandbox.storage.store_errors import BadRequest

PROJECT_NUMBER = "123456789012"

Mask = dict[str, Any]
"""A parsed `fields` parameter: {"items": {"name": {}}, "nextPageToken": {}}; an empty mapping = everything below."""


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


def object_resource(version: StoredVersion, base: str, holder: Bucket | None = None) -> dict[str, Any]:
    """An object as the JSON API shows it. `base` is http://host:port; `holder` adds until when it is retained."""
    created = stamp(version.time_created)
    path = f"storage/v1/b/{version.bucket}/o/{quote(version.name, safe='')}"
    generation = str(version.generation)
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{version.bucket}/{version.name}/{generation}",
        "selfLink": f"{base}/{path}",
        "mediaLink": f"{base}/download/{path}?generation={generation}&alt=media",
        "name": version.name,
        "bucket": version.bucket,
        "generation": generation,
        "metageneration": str(version.metageneration),
        "storageClass": version.storage_class,
        "size": str(version.content.size),
        "md5Hash": version.content.md5,
        "crc32c": version.content.crc32c,
        "etag": etag(version.generation, version.metageneration),
        "timeCreated": created,
        "updated": stamp(version.updated) if version.updated != version.time_created else created,
        "timeStorageClassUpdated": created,
        "timeFinalized": created,
    }
    if version.content_type is not None:
        resource["contentType"] = version.content_type
    if version.metadata:
        resource["metadata"] = version.metadata
    if version.extra:
        resource.update(version.extra)
        if "componentCount" in version.extra:  # a composite object has no MD5
            del resource["md5Hash"]
    _add_ends(resource, version, holder)
    return resource


def _add_ends(resource: dict[str, Any], version: StoredVersion, holder: Bucket | None) -> None:
    if version.time_deleted is not None:
        resource["timeDeleted"] = stamp(version.time_deleted)
    if version.soft_delete_time is not None and version.hard_delete_time is not None:
        resource["softDeleteTime"] = stamp(version.soft_delete_time)
        resource["hardDeleteTime"] = stamp(version.hard_delete_time)
    until = holder.retained_until(version) if holder is not None else None
    if until is not None:
        resource["retentionExpirationTime"] = stamp(until)


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
    return resource | dict(settings.extra)


@lru_cache(maxsize=256)
def parse_fields(text: str) -> Mask:
    """The mask of a `fields` parameter: names with commas, a/b for a part, a(b,c) for parts. Raises BadRequest."""
    tokens = re.findall(r"[,/()]|[^,/()\s]+", text)[::-1]
    try:
        mask = _parse_list(tokens)
    except IndexError:
        tokens = ["?"]
    if tokens:
        raise BadRequest(f"Invalid field selection {text}")
    return mask


def _parse_list(tokens: list[str]) -> Mask:
    mask: Mask = {}
    while True:
        name = tokens.pop()
        mask[name] = {**mask.get(name, {}), **_parse_below(tokens)}
        if tokens[-1:] != [","]:
            return mask
        tokens.pop()


def _parse_below(tokens: list[str]) -> Mask:
    if tokens[-1:] == ["/"]:
        tokens.pop()
        return {tokens.pop(): _parse_below(tokens)}
    if tokens[-1:] != ["("]:
        return {}
    tokens.pop()
    mask = _parse_list(tokens)
    if tokens.pop() != ")":
        raise IndexError
    return mask


def select(resource: Any, mask: Mask) -> Any:
    """Only the parts of a resource that the mask names; `*` names all of them."""
    if not mask or "*" in mask:
        return resource
    if isinstance(resource, list):
        return [select(each, mask) for each in resource]
    if not isinstance(resource, dict):
        return resource
    return {name: select(resource[name], below) for name, below in mask.items() if name in resource}
