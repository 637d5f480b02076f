"""Uploads: uploadType media, multipart and resumable (Google: "Uploads and downloads", "Resumable uploads")."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deployments.sandbox.storage.bodies import ObjectBody, check
from deployments.sandbox.storage.http import BOUNDARY, Request, Response, answer, parse_json
from deployments.sandbox.storage.objects import checked_name, extra_of, metadata_of
from deployments.sandbox.storage.resource import object_resource
from deployments.sandbox.storage.store import Content, NewObject, ObjectStore, Preconditions, StoredVersion
from deployments.sandbox.storage.store_errors import BadRequest, NoSuchThing, Required, Unavailable, UploadCancelled

QUANTUM = 256 * 1024
"""A chunk that is not the last one is kept in multiples of this many bytes."""

_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-([0-9]{1,18}|\*)|\*)/([0-9]{1,18}|\*)$")
_MAX_SESSIONS = 10_000


@dataclass(slots=True)
class _Session:
    """A resumable upload: what it will make, what came so far, and how it ended."""

    bucket: str
    resource: Mapping[str, Any]
    conditions: Preconditions
    declared: int | None
    """How many bytes it is to have (X-Upload-Content-Length); None = not said."""
    data: bytearray = field(default_factory=bytearray)
    finished: StoredVersion | None = None
    cancelled: bool = False


class UploadMethods:
    """Handlers of the upload paths."""

    def __init__(self, store: ObjectStore) -> None:
        """Upload into `store`."""
        self._store = store
        self._sessions: dict[str, _Session] = {}

    def insert(self, request: Request, bucket: str) -> Response:
        """POST: a whole object, the start of a resumable upload, or for Go's client a chunk of one."""
        if "upload_id" in request.query:
            return self.resume(request, bucket)
        found = self._store.bucket(bucket)
        kind = request.need("uploadType")
        if kind == "resumable":
            return self._start(request, bucket)
        if kind == "media":
            resource: dict[str, Any] = {"contentType": request.headers.get("content-type")}
            data = request.body
        elif kind == "multipart":
            resource, data = parse_multipart(request.headers.get("content-type", ""), request.body)
        else:
            raise BadRequest(f"Invalid value for uploadType: '{kind}'")
        resource = _described(request, resource)
        _check_hashes(request.headers, resource, content := Content.of(data))
        written = found.finalize(resource["name"], new_object(resource, content), request.conditions())
        return answer(object_resource(written, request.base, found), written=written)

    def resume(self, request: Request, bucket: str) -> Response:
        """PUT with an upload_id: a chunk, all of it, or the question how much has arrived."""
        session = self._sessions.get(request.need("upload_id"))
        if session is None or session.bucket != bucket:
            raise NoSuchThing("The upload session does not exist. Start the upload again.")
        if session.cancelled:
            raise UploadCancelled("The upload was cancelled.")
        if session.finished is not None:
            return answer(object_resource(session.finished, request.base))
        total = _take(session, request)
        if total is None or len(session.data) < total:
            return _incomplete(request, len(session.data))
        return self._finish(session, request)

    def cancel(self, request: Request, bucket: str) -> Response:
        """DELETE with an upload_id: what came so far is dropped, and the answer is 499."""
        session = self._sessions.get(request.need("upload_id"))
        if session is None or session.bucket != bucket:
            raise NoSuchThing("The upload session does not exist.")
        session.cancelled = session.finished is None
        session.data.clear()
        return Response(499)

    def _start(self, request: Request, bucket: str) -> Response:
        resource = _described(request, parse_json(request.body))
        if resource.get("contentType") is None:
            resource["contentType"] = request.headers.get("x-upload-content-type")
        conditions = request.conditions()
        conditions.check(self._store.bucket(bucket).get(resource["name"]))
        declared = request.headers.get("x-upload-content-length")
        if declared is not None and not declared.isdecimal():
            raise BadRequest(f"Invalid value for X-Upload-Content-Length: '{declared}'")
        if len(self._sessions) >= _MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        upload_id = secrets.token_urlsafe(32)
        self._sessions[upload_id] = _Session(bucket, resource, conditions, int(declared) if declared else None)
        where = f"{request.base}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
        return Response(200, headers=[(b"location", where.encode()), (b"x-guploader-uploadid", upload_id.encode())])

    def _finish(self, session: _Session, request: Request) -> Response:
        content = Content.of(bytes(session.data))
        _check_hashes(request.headers, session.resource, content)
        found = self._store.bucket(session.bucket)
        new = new_object(session.resource, content)
        session.finished = found.finalize(session.resource["name"], new, session.conditions)
        session.data.clear()
        return answer(object_resource(session.finished, request.base, found), written=session.finished)


def _take(session: _Session, request: Request) -> int | None:
    """Add the bytes of one PUT to a session; returns the total size if the request names it."""
    header = request.headers.get("content-range")
    if header is None:
        _check_total(session, len(request.body), len(request.body))
        session.data[:] = request.body
        return len(request.body)
    found = _CONTENT_RANGE.match(header)
    if found is None:
        raise BadRequest(f"Failed to parse Content-Range header: {header}")
    total = None if found[3] == "*" else int(found[3])
    if found[1] is None:
        _check_total(session, len(session.data), total)
        return total
    start, have, end = int(found[1]), len(session.data), int(found[1]) + len(request.body)
    if found[2] == "*" and total is None:  # whoever knows no length sends all that is left
        total = end
    _check_total(session, end, total)
    if start > have:
        raise Unavailable(
            f"Invalid request. According to the Content-Range header, the upload offset is {start} byte(s), "
            f"which exceeds already uploaded size of {have} byte(s)."
        )
    if found[2] != "*" and int(found[2]) + 1 != end:
        raise BadRequest("The Content-Range header does not fit the length of the body.")
    session.data += memoryview(request.body)[have - start :]
    if total is None or len(session.data) < total:
        del session.data[len(session.data) // QUANTUM * QUANTUM :]
    return total


def _check_total(session: _Session, end: int, total: int | None) -> None:
    """The bytes up to `end` are within what the caller says there are."""
    for name, size in (("Content-Range", total), ("X-Upload-Content-Length", session.declared)):
        if size is not None and end > size:
            raise BadRequest(f"The upload has {end} bytes, more than the {size} that its {name} header names.")
    if total is not None and session.declared not in (None, total):
        raise BadRequest(f"The upload was said to have {session.declared} bytes, and now {total}.")


def _incomplete(request: Request, have: int) -> Response:
    """Tell how much has arrived: with status 308, or for clients that ask for it with 200 and a header."""
    headers = [(b"range", b"bytes=0-%d" % (have - 1))] if have else []
    if request.headers.get("x-guploader-no-308") == "yes":
        return Response(200, headers=[*headers, (b"x-http-status-code-override", b"308")])
    return Response(308, headers=headers)


def new_object(resource: Mapping[str, Any], content: Content) -> NewObject:
    """What an object resource in an upload says of the object."""
    storage_class = resource.get("storageClass")
    return NewObject(content, resource.get("contentType"), metadata_of(resource), storage_class, extra_of(resource))


def _described(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """The object resource of an upload, checked, with what the parameters of the request say of it."""
    resource = check(ObjectBody, given)
    name = request.query.get("name") or resource.get("name")
    if not name:
        raise Required("Required parameter: name")
    resource["name"] = checked_name(name)
    if encoding := request.query.get("contentEncoding"):
        resource |= check(ObjectBody, {"contentEncoding": encoding})
    return resource


def _check_hashes(headers: Mapping[str, str], resource: Mapping[str, Any], content: Content) -> None:
    """Refuse bytes that are not those the caller computed a checksum of."""
    sent = dict(part.strip().split("=", 1) for part in headers.get("x-goog-hash", "").split(",") if "=" in part)
    for wanted in (resource.get("crc32c"), sent.get("crc32c")):
        if wanted and wanted != content.crc32c:
            raise BadRequest(f'Provided CRC32C "{wanted}" doesn\'t match calculated CRC32C "{content.crc32c}".')
    for wanted in (resource.get("md5Hash"), sent.get("md5")):
        if wanted and wanted != content.md5:
            raise BadRequest(f'Provided MD5 hash "{wanted}" doesn\'t match calculated MD5 hash "{content.md5}".')


_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """The object resource and the bytes in a multipart/related body. Raises BadRequest."""
    found = BOUNDARY.search(content_type)
    if found is None:
        raise BadRequest("The multipart upload names no boundary in its Content-Type.")
    fence = b"--" + found[1].encode()
    end = body.rfind(b"\n" + fence + b"--")
    head_end = _BLANK_LINE.search(body, max(0, body.find(fence)))
    second = body.find(b"\n" + fence, head_end.end() - 1) if head_end else -1
    media_head_end = _BLANK_LINE.search(body, second) if 0 <= second < end else None
    if head_end is None or media_head_end is None:
        raise BadRequest("Malformed multipart body.")
    resource = parse_json(body[head_end.end() : second])
    if resource.get("contentType") is None:
        media_head = body[second : media_head_end.start()].decode("latin-1")
        kind = re.search(r"^content-type:\s*(.+?)\s*$", media_head, re.IGNORECASE | re.MULTILINE)
        resource["contentType"] = kind[1] if kind else None
    return resource, body[media_head_end.end() : end - 1 if body[end - 1 : end] == b"\r" else end]
