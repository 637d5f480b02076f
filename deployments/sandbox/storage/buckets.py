"""The buckets of the JSON API: list, get, insert, patch, delete, lockRetentionPolicy (Google: "Buckets")."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deployments.sandbox.storage.bodies import BucketBody, BucketPatch
from deployments.sandbox.storage.http import Request, Response, answer
from deployments.sandbox.storage.resource import bucket_resource, merge
from deployments.sandbox.storage.store import Bucket, BucketSettings, ObjectStore
from deployments.sandbox.storage.store_bucket import WEEK_SECONDS
from deployments.sandbox.storage.store_errors import BadRequest, Forbidden, Required, RetentionNotMet
from deployments.sandbox.storage.store_version import in_milliseconds

MAX_RETENTION_SECONDS = 100 * 31_557_600
PAGE_LIMIT = 1000
_CLEARED = dict.fromkeys(("storageClass", "versioning", "softDeletePolicy", "retentionPolicy"))
_OWN = {"name", "location", *_CLEARED}


class BucketMethods:
    """Handlers of the bucket methods on one store."""

    def __init__(self, store: ObjectStore) -> None:
        """Serve the buckets of `store`."""
        self._store = store

    def list(self, request: Request) -> Response:
        """buckets.list: a page of buckets, by name; the token of the next page is the last name of this one."""
        request.need("project")
        prefix, after = request.query.get("prefix", ""), request.query.get("pageToken", "")
        limit = request.page_limit(PAGE_LIMIT)
        found = [each for each in self._store.buckets() if each.name.startswith(prefix) and each.name > after]
        body: dict[str, Any] = {"kind": "storage#buckets"}
        if len(found) > limit:
            body["nextPageToken"] = found[limit - 1].name
        if found:
            body["items"] = [bucket_resource(each, request.base) for each in found[:limit]]
        return answer(body)

    def insert(self, request: Request) -> Response:
        """buckets.insert."""
        request.need("project")
        body = request.json(BucketBody)
        name = body.get("name")
        if not name:
            raise Required("Required: name")
        settings = changed(BucketSettings(location=(body.get("location") or "US").upper()), body, name)
        return answer(bucket_resource(self._store.create_bucket(name, settings=settings), request.base))

    def get(self, request: Request, bucket: str) -> Response:
        """buckets.get."""
        found = self._store.bucket(bucket)
        request.conditions().check(found)
        return answer(bucket_resource(found, request.base))

    def layout(self, request: Request, bucket: str) -> Response:
        """buckets.getStorageLayout: gcloud and gcsfs ask it whether folders are real things. They are not."""
        resource = bucket_resource(self._store.bucket(bucket), request.base)
        shown = {name: resource[name] for name in ("location", "locationType")}
        return answer({"kind": "storage#storageLayout", "bucket": bucket} | shown)

    def patch(self, request: Request, bucket: str) -> Response:
        """buckets.patch: what is not named stays as it is."""
        return self._change(request, bucket, request.json(BucketPatch))

    def update(self, request: Request, bucket: str) -> Response:
        """buckets.update: what is not named goes back to its default."""
        return self._change(request, bucket, _CLEARED | request.json(BucketPatch), replaces=True)

    def _change(self, request: Request, bucket: str, body: Mapping[str, Any], *, replaces: bool = False) -> Response:
        found = self._store.bucket(bucket)
        with found.lock:
            request.conditions().check(found)
            if body:  # an empty patch leaves even the metageneration alone
                before = replace(found.settings, extra={}) if replaces else found.settings
                found.settings = changed(before, body, bucket)
                touch(found)
            return answer(bucket_resource(found, request.base))

    def delete(self, request: Request, bucket: str) -> Response:
        """buckets.delete: only an empty bucket goes."""
        self._store.delete_bucket(bucket, request.conditions())
        return Response(204)

    def lock(self, request: Request, bucket: str) -> Response:
        """buckets.lockRetentionPolicy: from then on the policy can only grow."""
        found = self._store.bucket(bucket)
        request.need("ifMetagenerationMatch")
        with found.lock:
            if not found.settings.retention_seconds or found.settings.retention_locked:
                raise BadRequest(f"Bucket '{bucket}' does not have an unlocked retention policy.")
            request.conditions().check(found)
            found.settings = replace(found.settings, retention_locked=True)
            touch(found)
            return answer(bucket_resource(found, request.base))


def touch(bucket: Bucket) -> None:
    """Count one change of a bucket's settings."""
    bucket.metageneration += 1
    bucket.updated = in_milliseconds()


def changed(settings: BucketSettings, body: Mapping[str, Any], name: str) -> BucketSettings:
    """The settings after a patch; the ones before stay as they are. Raises BadRequest, Forbidden, RetentionNotMet."""
    settings = replace(settings)
    if "storageClass" in body:
        settings.storage_class = body["storageClass"] or "STANDARD"
    if "versioning" in body:
        settings.versioning = bool((body["versioning"] or {}).get("enabled"))
    if "softDeletePolicy" in body:
        _change_soft_delete(settings, body["softDeletePolicy"])
    if "retentionPolicy" in body:
        _change_retention(settings, body["retentionPolicy"], name)
    settings.extra = merge(settings.extra, {k: v for k, v in body.items() if k not in _OWN})
    return settings


def _change_soft_delete(settings: BucketSettings, policy: Mapping[str, Any] | None) -> None:
    """null puts the default of seven days back; 0 seconds turn soft delete off; an empty policy changes nothing."""
    if policy is None:
        seconds = WEEK_SECONDS
    elif policy.get("retentionDurationSeconds") is not None:
        seconds = policy["retentionDurationSeconds"]
    else:
        return
    if seconds != 0 and not WEEK_SECONDS <= seconds <= 90 * 24 * 3600:
        raise BadRequest("Soft delete policy must have a retention duration between 7 days and 90 days.")
    settings.soft_delete_seconds = seconds
    settings.soft_delete_effective = in_milliseconds()


def _change_retention(settings: BucketSettings, policy: Mapping[str, Any] | None, name: str) -> None:
    """null takes the policy away, which a locked one refuses; a locked period may only grow."""
    if policy is None:
        if settings.retention_locked:
            raise RetentionNotMet(f"Bucket '{name}' has a locked Retention Policy which cannot be removed.")
        settings.retention_seconds = 0
        return
    seconds = policy.get("retentionPeriod")
    if seconds is None:
        return
    if not 1 <= seconds <= MAX_RETENTION_SECONDS:
        raise BadRequest("Retention policy must have a retention period greater than 0 and less than 100 years.")
    if settings.retention_locked and seconds < settings.retention_seconds:
        raise Forbidden(f"Cannot reduce retention duration of a locked Retention Policy for bucket '{name}'.")
    if not settings.retention_seconds:
        settings.retention_effective = in_milliseconds()
    settings.retention_seconds = seconds
