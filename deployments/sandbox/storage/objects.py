"""The objects of the JSON API: list, get, media, patch, delete, restore (Google: "Objects"), and GET of the XML API."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from deployments.sandbox.storage.bodies import ObjectBody, check
from deployments.sandbox.storage.fields import parse_fields
from deployments.sandbox.storage.http import Request, Response, answer
from deployments.sandbox.storage.resource import etag, merge, object_resource
from deployments.sandbox.storage.store import ObjectStore, Query, StoredVersion
from deployments.sandbox.storage.store_errors import BadRequest, ConditionNotMet, NotModified, Required

PAGE_LIMIT = 1000
EXTRA_FIELDS = ("cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "customTime")
HOLD_FIELDS = ("temporaryHold", "eventBasedHold")


class ObjectMethods:
    """Handlers of the object methods on one store."""

    def __init__(self, store: ObjectStore) -> None:
        """Serve the objects of `store`."""
        self._store = store

    def list(self, request: Request, bucket: str) -> Response:
        """objects.list: a page of live objects, of all versions, or of soft-deleted ones."""
        found = self._store.bucket(bucket)
        versions, soft_deleted = request.flag("versions"), request.flag("softDeleted")
        if versions and soft_deleted:
            raise BadRequest("versions and softDeleted cannot both be true.")
        page = found.page(
            _query(request),
            _cursor(request.query.get("pageToken")),
            request.page_limit(PAGE_LIMIT),
            versions=versions,
            soft_deleted=soft_deleted,
        )
        body: dict[str, Any] = {"kind": "storage#objects"}
        if page.cursor is not None:
            body["nextPageToken"] = base64.urlsafe_b64encode(to_json(page.cursor)).decode()
        if page.prefixes:
            body["prefixes"] = page.prefixes
        if page.items:
            fields = request.query.get("fields")
            wanted = parse_fields(fields, "objects.list").get("items") if fields else None
            body["items"] = [object_resource(version, request.base, found, wanted) for version in page.items]
        return answer(body)

    def get(self, request: Request, bucket: str, name: str) -> Response:
        """objects.get: the metadata of one version."""
        found = self._store.bucket(bucket)
        generation = request.number("generation")
        soft_deleted = request.flag("softDeleted")
        if soft_deleted and generation is None:
            raise Required("You must specify a generation.")
        version = found.need(name, generation, soft_deleted=soft_deleted)
        check_read(request, version)
        return answer(object_resource(version, request.base, found))

    def patch(self, request: Request, bucket: str, name: str) -> Response:
        """objects.patch: what is not named stays as it is."""
        body = request.json(ObjectBody)
        return self._change(request, bucket, name, lambda old: _patched(old, body))

    def update(self, request: Request, bucket: str, name: str) -> Response:
        """objects.update: what is not named is cleared."""
        body = request.json(ObjectBody)
        return self._change(request, bucket, name, lambda old: _patched(_cleared(old), body))

    def _change(
        self, request: Request, bucket: str, name: str, change: Callable[[StoredVersion], StoredVersion]
    ) -> Response:
        found = self._store.bucket(bucket)

        def checked(old: StoredVersion) -> StoredVersion:
            check_tags(request, old)
            return change(old)

        changed = found.update(name, request.number("generation"), request.conditions(), checked)
        return answer(object_resource(changed, request.base, found))

    def delete(self, request: Request, bucket: str, name: str) -> Response:
        """objects.delete."""
        found = self._store.bucket(bucket)
        with found.lock:
            generation = request.number("generation")
            check_tags(request, found.need(name, generation))
            found.delete(name, generation, request.conditions())
        return Response(204)

    def restore(self, request: Request, bucket: str, name: str) -> Response:
        """objects.restore: a new live version out of a soft-deleted one. The preconditions are on the live object."""
        found = self._store.bucket(bucket)
        request.need("generation")
        version = found.restore(name, request.number("generation") or 0, request.conditions())
        return answer(object_resource(version, request.base, found), written=version)


def metadata_of(body: Mapping[str, Any]) -> dict[str, str] | None:
    """The custom metadata in an object resource; entries that are null are none."""
    given = body.get("metadata") or {}
    return {key: value for key, value in given.items() if value is not None} or None


def checked_name(name: str) -> str:
    """The name of an object to be written. Raises BadRequest (Google: "Object name requirements")."""
    if len(name.encode()) > 1024 or "\r" in name or "\n" in name or name in (".", ".."):
        raise BadRequest(f"Invalid object name: '{name}'")
    return name


def extra_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The rarer properties that a caller may set on an object."""
    return {field: body[field] for field in EXTRA_FIELDS + HOLD_FIELDS if body.get(field) is not None}


def _patched(version: StoredVersion, body: Mapping[str, Any]) -> StoredVersion:
    changed = replace(version)
    _check_custom_time(version, body)
    if "contentType" in body:
        changed.content_type = body["contentType"]
    if "metadata" in body:
        patch = body["metadata"]
        merged = merge(version.metadata or {}, patch) if patch else {}
        changed.metadata = metadata_of(check(ObjectBody, {"metadata": merged}))
    patch = {field: body[field] for field in EXTRA_FIELDS + HOLD_FIELDS if field in body}
    changed.extra = merge(version.extra, patch)
    return changed


def _cleared(version: StoredVersion) -> StoredVersion:
    """A version without what a user may say of it; a custom time stays for good."""
    kept = {field: value for field, value in version.extra.items() if field not in EXTRA_FIELDS + HOLD_FIELDS}
    if "customTime" in version.extra:
        kept["customTime"] = version.extra["customTime"]
    return replace(version, content_type=None, metadata=None, extra=kept)


def _check_custom_time(version: StoredVersion, body: Mapping[str, Any]) -> None:
    """Google ("Custom-Time"): once set it is never taken away and only moved on."""
    before, after = version.extra.get("customTime"), body.get("customTime")
    if before is None or "customTime" not in body:
        return
    if after is None:
        raise BadRequest("The custom time of an object cannot be removed once it is set.")
    if datetime.fromisoformat(after) < datetime.fromisoformat(str(before)):
        raise BadRequest(f"The custom time of an object cannot be set to an earlier time than {before}.")


def _query(request: Request) -> Query:
    text = request.query.get
    return Query(
        prefix=text("prefix", ""),
        delimiter=text("delimiter", ""),
        trailing_delimiter=request.flag("includeTrailingDelimiter"),
        start=text("startOffset", ""),
        end=text("endOffset", ""),
        glob=text("matchGlob", ""),
    )


def _cursor(token: str | None) -> tuple[str, int] | None:
    if not token:
        return None
    try:
        name, generation = from_json(base64.urlsafe_b64decode(token))
        return str(name), int(generation)
    except (ValueError, TypeError):
        raise BadRequest(f"Invalid value for pageToken: '{token}'") from None


def check_read(request: Request, version: StoredVersion) -> None:
    """The preconditions of a read, among them If-Match and If-None-Match with ETags."""
    request.conditions().check(version)
    check_tags(request, version)


def check_tags(request: Request, version: StoredVersion) -> None:
    """If-Match and If-None-Match with ETags."""
    tag = etag(version.generation, version.metageneration)
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    if wanted is not None and tag not in _tags(wanted) and wanted != "*":
        raise ConditionNotMet("At least one of the pre-conditions you specified did not hold.")
    if unwanted is not None and (tag in _tags(unwanted) or unwanted == "*"):
        raise NotModified("Not Modified")


def _tags(header: str) -> set[str]:
    return {tag.strip().strip('"') for tag in header.split(",")}
