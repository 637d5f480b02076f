"""Which request is which method of the storage API."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from deployments.sandbox.storage.access import AccessMethods
from deployments.sandbox.storage.buckets import BucketMethods
from deployments.sandbox.storage.copies import CopyMethods
from deployments.sandbox.storage.http import Handler, Request
from deployments.sandbox.storage.media import MediaMethods
from deployments.sandbox.storage.notifications import NotificationMethods
from deployments.sandbox.storage.objects import ObjectMethods
from deployments.sandbox.storage.store import ObjectStore
from deployments.sandbox.storage.uploads import UploadMethods

_BUCKETS = "/storage/v1/b"
_BUCKET = f"{_BUCKETS}/([^/]+)"
_OBJECT = f"{_BUCKET}/o/([^/]+)"
_UPLOAD = f"(?:/resumable)?/upload{_BUCKET}/o"  # gcloud starts resumable uploads on the longer path
_OTHER = "b/([^/]+)/o/([^/]+)"


@dataclass(frozen=True, slots=True)
class Route:
    """A method of the API: its name in faults and counts, the requests it is for, and its handler."""

    name: str
    verbs: tuple[str, ...]
    path: re.Pattern[str]
    handler: Handler
    media_only: bool = False

    def match(self, request: Request) -> re.Match[str] | None:
        """The names in the path of a request for this method; None for any other request."""
        if request.method not in self.verbs or (self.media_only and request.query.get("alt") != "media"):
            return None
        return self.path.fullmatch(request.path)


def routes(store: ObjectStore, rewrite_bytes_per_call: int, denied: Collection[str] = ()) -> list[Route]:
    """Every method that the sandbox serves, the most frequent first."""
    buckets, objects, media = BucketMethods(store), ObjectMethods(store), MediaMethods(store)
    notifications, access = NotificationMethods(store), AccessMethods(store, denied)
    uploads, copies = UploadMethods(store), CopyMethods(store, rewrite_bytes_per_call)
    table: list[tuple[str, str, str, Handler]] = [
        ("objects.get", "GET", _OBJECT, objects.get),
        ("objects.list", "GET", f"{_BUCKET}/o", objects.list),
        ("objects.media", "GET", f"/download{_OBJECT}", media.media),
        ("objects.insert", "POST", _UPLOAD, uploads.insert),
        ("objects.insert", "PUT", _UPLOAD, uploads.resume),
        ("objects.insert", "DELETE", _UPLOAD, uploads.cancel),
        ("objects.delete", "DELETE", _OBJECT, objects.delete),
        ("objects.patch", "PATCH", _OBJECT, objects.patch),
        ("objects.patch", "PUT", _OBJECT, objects.update),
        ("objects.rewrite", "POST", f"{_OBJECT}/rewriteTo/{_OTHER}", copies.rewrite),
        ("objects.copy", "POST", f"{_OBJECT}/copyTo/{_OTHER}", copies.copy),
        ("objects.compose", "POST", f"{_OBJECT}/compose", copies.compose),
        ("objects.restore", "POST", f"{_OBJECT}/restore", objects.restore),
        ("buckets.get", "GET", _BUCKET, buckets.get),
        ("buckets.get", "GET", f"{_BUCKET}/storageLayout", buckets.layout),
        ("buckets.list", "GET", _BUCKETS, buckets.list),
        ("buckets.insert", "POST", _BUCKETS, buckets.insert),
        ("buckets.patch", "PATCH", _BUCKET, buckets.patch),
        ("buckets.patch", "PUT", _BUCKET, buckets.update),
        ("buckets.delete", "DELETE", _BUCKET, buckets.delete),
        ("buckets.patch", "POST", f"{_BUCKET}/lockRetentionPolicy", buckets.lock),
        ("buckets.testIamPermissions", "GET", f"{_BUCKET}/iam/testPermissions", access.test),
        ("notifications.list", "GET", f"{_BUCKET}/notificationConfigs", notifications.list),
        ("notifications.insert", "POST", f"{_BUCKET}/notificationConfigs", notifications.insert),
        ("notifications.delete", "DELETE", f"{_BUCKET}/notificationConfigs/([^/]+)", notifications.delete),
        ("objects.media", "GET HEAD", "/(?!(?:storage|resumable|upload|download|batch)/)([^/]+)/(.+)", media.xml),
    ]
    found = [Route(name, tuple(verbs.split()), re.compile(path), handler) for name, verbs, path, handler in table]
    return [Route("objects.media", ("GET",), re.compile(_OBJECT), media.media, media_only=True), *found]
