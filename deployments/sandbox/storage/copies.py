"""Copies inside the storage service: rewriteTo with its token, copyTo, compose (Google: "Objects: rewrite")."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.sandbox.storage.bodies import ComposeBody, ObjectBody
from deployments.sandbox.storage.http import Request, Response, answer
from deployments.sandbox.storage.objects import EXTRA_FIELDS, checked_name, extra_of, metadata_of
from deployments.sandbox.storage.resource import object_resource
from deployments.sandbox.storage.store import Content, NewObject, ObjectStore, Preconditions, StoredVersion
from deployments.sandbox.storage.store_errors import BadRequest, Required, object_not_found

MIB = 1 << 20
MAX_SOURCES = 32
_MAX_OPEN_REWRITES = 1000


@dataclass(slots=True)
class _Rewrite:
    """A rewrite that is not finished: what it copies where, and how far it is."""

    route: tuple[str, str, str, str]
    generation: int
    done: int


class CopyMethods:
    """Handlers of the methods that make objects out of objects."""

    def __init__(self, store: ObjectStore, bytes_per_call: int) -> None:
        """One call of rewriteTo copies `bytes_per_call` at most, or what the call's own limit says if that is less.

        Google finishes a rewrite within one location and storage class in one call. Here every rewrite counts bytes,
        so that a caller's loop is exercised.
        """
        self._store = store
        self._bytes_per_call = bytes_per_call
        self._open: dict[str, _Rewrite] = {}

    def rewrite(self, request: Request, bucket: str, name: str, to_bucket: str, to_name: str) -> Response:
        """objects.rewrite: done, or a token to go on with."""
        limit = request.number("maxBytesRewrittenPerCall")
        if limit is not None and (limit < MIB or limit % MIB):
            raise BadRequest("maxBytesRewrittenPerCall must be an integral multiple of 1 MiB (1048576).")
        token, route = request.query.get("rewriteToken"), (bucket, name, to_bucket, to_name)
        begun = self._resume(token, route) if token else None
        source = self._source(request, bucket, name, begun.generation if begun else None)
        self._check_target(request, to_bucket, to_name)
        done = (begun.done if begun else 0) + min(self._bytes_per_call, limit or self._bytes_per_call)
        if done < source.size:
            token = self._remember(_Rewrite(route, source.generation, done))
            return answer(_progress(done, source.size, token))
        written = self._write(request, source, to_bucket, to_name)
        resource = object_resource(written, request.base, self._store.bucket(to_bucket))
        return answer(_progress(source.size, source.size, None) | {"resource": resource}, written=written)

    def copy(self, request: Request, bucket: str, name: str, to_bucket: str, to_name: str) -> Response:
        """objects.copy: all at once."""
        source = self._source(request, bucket, name, None)
        written = self._write(request, source, to_bucket, to_name)
        return answer(object_resource(written, request.base, self._store.bucket(to_bucket)), written=written)

    def compose(self, request: Request, bucket: str, name: str) -> Response:
        """objects.compose: one object out of up to 32 of the same bucket."""
        body = request.json(ComposeBody)
        found, sources = self._store.bucket(bucket), body.get("sourceObjects") or []
        if not sources:
            raise Required("You must provide at least one source component.")
        if len(sources) > MAX_SOURCES:
            raise BadRequest(f"The number of source components provided ({len(sources)}) exceeds the maximum (32).")
        parts = [self._component(bucket, each) for each in sources]
        target = body.get("destination") or {}
        extra = extra_of(target) | {"componentCount": sum(_components(part) for part in parts)}
        new = NewObject(
            Content.of(b"".join(part.data for part in parts)),
            target.get("contentType"),
            metadata_of(target),
            target.get("storageClass") or parts[0].storage_class,
            extra,
        )
        written = found.finalize(checked_name(name), new, request.conditions())
        return answer(object_resource(written, request.base, found), written=written)

    def _source(self, request: Request, bucket: str, name: str, begun: int | None) -> StoredVersion:
        generation = request.number("sourceGeneration")
        source = self._store.bucket(bucket).need(name, generation or begun)
        request.conditions("ifSource").check(source)
        return source

    def _check_target(self, request: Request, bucket: str, name: str) -> None:
        request.conditions().check(self._store.bucket(bucket).get(name))

    def _write(self, request: Request, source: StoredVersion, bucket: str, name: str) -> StoredVersion:
        found, new = self._store.bucket(bucket), _copied(source, request.json(ObjectBody))
        if (new.storage_class or found.settings.storage_class) != source.storage_class:
            new.extra = {field: value for field, value in new.extra.items() if field != "componentCount"}
        return found.finalize(checked_name(name), new, request.conditions())

    def _resume(self, token: str, route: tuple[str, str, str, str]) -> _Rewrite:
        begun = self._open.get(token)
        if begun is None or begun.route != route:
            raise BadRequest("Invalid rewrite token.")
        return begun

    def _remember(self, rewrite: _Rewrite) -> str:
        if len(self._open) >= _MAX_OPEN_REWRITES:  # somebody never came back: forget the oldest
            del self._open[next(iter(self._open))]
        token = secrets.token_urlsafe(24)
        self._open[token] = rewrite
        return token

    def _component(self, bucket: str, wanted: Mapping[str, Any]) -> StoredVersion:
        name = wanted["name"]
        version = self._store.bucket(bucket).get(name, wanted.get("generation"))
        if version is None:
            raise object_not_found(bucket, name)
        Preconditions((wanted.get("objectPreconditions") or {}).get("ifGenerationMatch")).check(version)
        return version


def _components(version: StoredVersion) -> int:
    return int(str(version.extra.get("componentCount", 1)))


def _copied(source: StoredVersion, body: Mapping[str, Any]) -> NewObject:
    """What a copy looks like: metadata in the request, a storage class too, replaces all of the source's.

    Holds are never copied, and without a storage class the copy gets its bucket's.
    """
    extra = {field: value for field, value in source.extra.items() if field not in ("temporaryHold", "eventBasedHold")}
    if not any(field in body for field in ("contentType", "metadata", "storageClass", *EXTRA_FIELDS)):
        return NewObject(source.content, source.content_type, source.metadata, None, extra | extra_of(body))
    kept = {"componentCount": extra["componentCount"]} if "componentCount" in extra else {}
    return NewObject(
        source.content,
        body.get("contentType"),
        metadata_of(body),
        body.get("storageClass"),
        extra_of(body) | kept,
    )


def _progress(done: int, size: int, token: str | None) -> dict[str, Any]:
    progress: dict[str, Any] = {
        "kind": "storage#rewriteResponse",
        "totalBytesRewritten": str(done),
        "objectSize": str(size),
        "done": token is None,
    }
    return progress if token is None else progress | {"rewriteToken": token}
