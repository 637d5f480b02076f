"""The bytes of objects: alt=media of the JSON API, and GET and HEAD /bucket/object of the XML API."""

import contextlib
import gzip
import re
import zlib
from dataclasses import dataclass, replace
from email.utils import format_datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from deployments.sandbox.storage.http import Headers, Request, Response
from deployments.sandbox.storage.objects import check_read
from deployments.sandbox.storage.resource import etag
from deployments.sandbox.storage.store import ObjectStore, StoredVersion, StoreError
from deployments.sandbox.storage.store_errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})$")
_XML_CODES = {
    304: ("NotModified", ""),
    404: ("NoSuchKey", "The specified key does not exist."),
    412: ("PreconditionFailed", "At least one of the pre-conditions you specified did not hold."),
    416: ("InvalidRange", "The requested range cannot be satisfied."),
}
_XML_CONDITIONS = {
    "x-goog-if-generation-match": "ifGenerationMatch",
    "x-goog-if-metageneration-match": "ifMetagenerationMatch",
}


class MediaMethods:
    """Handlers that deliver the bytes of objects of one store."""

    def __init__(self, store: ObjectStore) -> None:
        """Serve the objects of `store`."""
        self._store = store

    def media(self, request: Request, bucket: str, name: str) -> Response:
        """objects.get with alt=media. Refusals are plain text, as Google's are here."""
        version = self._store.bucket(bucket).need(name, request.number("generation"))
        check_read(request, version)
        return bytes_of(request, version)

    def xml(self, request: Request, bucket: str, name: str) -> Response:
        """GET or HEAD of the XML API; its conditions are headers, its refusals XML."""
        query = {**request.query}
        query |= {_XML_CONDITIONS[name]: value for name, value in request.headers.items() if name in _XML_CONDITIONS}
        try:
            return self.media(replace(request, query=query), bucket, name)
        except StoreError as error:
            code, message = _XML_CODES.get(error.status, ("InvalidArgument", "Invalid argument."))
            if "bucket" in error.message:
                code, message = "NoSuchBucket", "The specified bucket does not exist."
            detail = f"<Details>{escape(error.message)}</Details>"
            text = (
                f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message>{detail}"
            )
            body = b"" if error.status == 304 else f"{text}</Error>".encode()
            return Response(error.status, body, content_type="application/xml; charset=UTF-8")


@dataclass(frozen=True, slots=True)
class Span:
    """The part of an object that is delivered: from `start` to before `end` of `size` bytes."""

    start: int
    end: int
    size: int


def bytes_of(request: Request, version: StoredVersion) -> Response:
    """The bytes of a version, or the range that the request names, with Google's x-goog headers."""
    encoding = version.extra.get("contentEncoding")
    headers = _headers(version)
    data = version.data
    span = parse_range(request.headers.get("range"), len(data))
    if encoding == "gzip" and "gzip" not in request.headers.get("accept-encoding", ""):
        # Decompressive transcoding: the whole object comes, and any range is ignored. What is no gzip comes as it is.
        with contextlib.suppress(OSError, EOFError, zlib.error):
            data, span, encoding = gzip.decompress(data), None, None
            headers.append((b"warning", b"214 UploadServer gunzipped"))
    if encoding:
        headers.append((b"content-encoding", str(encoding).encode()))
    kind = version.content_type or "application/octet-stream"
    if span is None:
        return Response(200, data, headers=headers, content_type=kind)
    headers.append((b"content-range", f"bytes {span.start}-{span.end - 1}/{span.size}".encode()))
    return Response(206, memoryview(data)[span.start : span.end], headers=headers, content_type=kind)


def parse_range(header: str | None, size: int) -> Span | None:
    """The span that a Range header asks for; None for all of it, or for a header that makes no sense.

    Raises RangeNotSatisfiable when it begins at or after the end (of an empty object too).
    """
    found = _RANGE.match(header.strip()) if header else None
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    if start >= size or (first and last and int(last) < int(first)):
        raise RangeNotSatisfiable("The requested range cannot be satisfied.")
    return Span(start, end, size)


def _headers(version: StoredVersion) -> Headers:
    extra = version.extra
    checksums = f"crc32c={version.crc32c}"
    if "componentCount" not in extra:
        checksums += f",md5={version.md5}"
    headers = {
        "etag": f'"{etag(version.generation, version.metageneration)}"',
        "last-modified": format_datetime(version.updated, usegmt=True),
        "x-goog-generation": str(version.generation),
        "x-goog-metageneration": str(version.metageneration),
        "x-goog-hash": checksums,
        "x-goog-storage-class": version.storage_class,
        "x-goog-stored-content-encoding": str(extra.get("contentEncoding", "identity")),
        "x-goog-stored-content-length": str(version.size),
        "accept-ranges": "bytes",
        "cache-control": str(extra.get("cacheControl", "no-cache, no-store, max-age=0, must-revalidate")),
    }
    for name, field in (("content-disposition", "contentDisposition"), ("content-language", "contentLanguage")):
        if field in extra:
            headers[name] = str(extra[field])
    for key, value in (version.metadata or {}).items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", key):
            continue  # it cannot be the name of a header: it is shown in JSON only
        headers[f"x-goog-meta-{key.lower()}"] = quote(value, safe="!#$%&'()*+,/:;=?@[]~ \"<>{}|\\^`-_.")
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
