"""Cloud Storage in bulk: pages of names without an object for each, and a hundred copies or deletions in one request.

A backup looks at millions of objects. The stock client spends 30 microseconds on each listed object and a request on
each copy; here a page is one JSON document that becomes tuples, and small copies travel together (Google: "Sending
batch requests"). The session, its credentials and its retries are those of the storage block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlencode

import orjson

from blocks.calls import Call, CallLimits, read, translate, write
from blocks.error_details import http_error
from blocks.errors import Cause, NotFound, OutsideError, PermanentError, PreconditionFailed, UnknownOutcome
from blocks.storage import PipelineStorage
from blocks.storage_batch import Part, batch_body, batch_parts
from blocks.storage_client import CHECK_BUCKET

PAGE = 1000
"""Objects on a page at most (Google: "Objects: list", maxResults)."""
BATCH = 100
"""Calls in one batch request at most (Google: "Sending batch requests")."""
FIELDS = "items(name,generation,size,crc32c,updated,metageneration,storageClass),nextPageToken"

Result = Literal["done", "unfinished", "refused", "missing", "failed", "unknown"]


class Entry(NamedTuple):
    """One generation of one object, as small as it can be: there may be millions."""

    name: str
    generation: int
    size: int
    """Bytes."""
    crc32c: str
    """Base64, as Cloud Storage gives it."""
    updated: str
    """RFC 3339, as Cloud Storage gives it."""
    metageneration: int = 1
    """Which state of its metadata: counted up by each change that leaves the bytes alone."""
    storage_class: str = ""


class Copy(NamedTuple):
    """Copy exactly this generation of the source over exactly that generation of the target (0: there is none)."""

    source_bucket: str
    source: str
    source_generation: int
    bucket: str
    name: str
    generation: int = 0
    source_metageneration: int = 0
    """Only with this state of the source's metadata; 0: whatever it is."""


class Deletion(NamedTuple):
    """Delete exactly this generation."""

    bucket: str
    name: str
    generation: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one copy or deletion.

    `refused`: a precondition did not hold. `missing`: the source (or what was to be deleted) is not there.
    `unfinished`: too large for one call. `failed` did not take effect; `unknown` may have.
    """

    result: Result
    message: str = ""
    generation: int = 0
    size: int = 0
    crc32c: str = ""
    cause: Cause = Cause.UNSAID
    """Why it was refused, if the service said so."""
    final: bool = False
    """Whether a failure is the service's own refusal, so that asking again does not help."""


@dataclass
class BulkStorage:
    """Listing, copying and deleting in bulk. Safe to use from many threads."""

    storage: PipelineStorage
    limits: CallLimits = field(init=False)

    def __post_init__(self) -> None:
        self.limits = self.storage.limits

    def pages(self, bucket: str, prefix: str = "", start: str = "", end: str = "") -> Iterator[list[Entry]]:
        """The live objects under `prefix` with names in [start, end), by name, a page of up to 1,000 at a time.

        Raises `NotFound` when there is no such bucket, `PermanentError`, `TemporaryError`.
        """
        call = Call(f"list gs://{bucket}/{prefix}", "storage.objects.list", CHECK_BUCKET)
        wanted = {"prefix": prefix, "startOffset": start, "endOffset": end}
        query = {"fields": FIELDS, "maxResults": str(PAGE)} | {key: value for key, value in wanted.items() if value}
        token = ""
        while True:
            page = read(call, partial(self._page, bucket, query, token), self.limits)
            yield [
                Entry(
                    item["name"],
                    int(item["generation"]),
                    int(item["size"]),
                    item.get("crc32c", ""),
                    item["updated"],
                    int(item.get("metageneration", 1)),
                    item.get("storageClass", ""),
                )
                for item in page.get("items", ())
            ]
            token = page.get("nextPageToken", "")
            if not token:
                return

    def copy(self, copies: Sequence[Copy]) -> list[Answer]:
        """Make one to a hundred copies in one request; an answer for each, in order. No bytes come through here.

        What is temporary is repeated by itself; a copy whose answer was lost is looked for before it is made again.
        """
        what = f"copy {len(copies)} objects to gs://{copies[0].bucket}"
        return self._batch(_copy_call(what), [_copy_part(one) for one in copies])

    def delete(self, deletions: Sequence[Deletion]) -> list[Answer]:
        """Make one to a hundred deletions in one request; an answer for each, in order."""
        what = f"delete {len(deletions)} objects of gs://{deletions[0].bucket}"
        return self._batch(_deletion_call(what), [_deletion_part(one) for one in deletions])

    def _page(self, bucket: str, query: dict[str, str], token: str) -> dict[str, Any]:
        asked = query | ({"pageToken": token} if token else {})
        path = f"/storage/v1/b/{quote(bucket, safe='')}/o?{urlencode(asked)}"
        body = self._send("GET", path)
        return dict(orjson.loads(body))

    def _batch(self, call: Call, parts: list[tuple[Part, Call]]) -> list[Answer]:
        """Send the parts; those that failed for now are sent again, by the policy of `write`."""
        if len(parts) > BATCH:
            raise ValueError(f"A batch holds at most {BATCH} calls, not {len(parts)}.")
        answers: dict[int, Answer] = {}

        def attempt() -> None:

            pending = [number for number in range(len(parts)) if number not in answers]
            body, content_type = batch_body([parts[number][0] for number in pending])
            raw = self._send("POST", "/batch/storage/v1", body, content_type)
            last: Exception | None = None
            for number, (status, answer) in zip(pending, batch_parts(raw, len(pending)), strict=True):
                found = _answer(parts[number][1], status, answer)
                if isinstance(found, Answer):
                    answers[number] = found
                else:
                    last = found
            if last is not None:
                raise last

        try:
            write(call, attempt, self.limits)
        except OutsideError as error:
            left = failed(error)
            if isinstance(error, PermanentError) and not answers:
                raise
            return [answers.get(number, left) for number in range(len(parts))]
        return [answers[number] for number in range(len(parts))]

    def _send(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> bytes:

        client = self.storage.client()
        headers = {"Content-Type": content_type} if content_type else {}
        response = client._http.request(
            method, client._connection.API_BASE_URL + path, data=body, headers=headers, timeout=self.limits.call_seconds
        )
        if response.status_code >= 300:
            raise http_error(response.status_code, bytes(response.content))
        return bytes(response.content)


def _copy_call(what: str) -> Call:
    return Call(what, "storage.objects.get and storage.objects.create", CHECK_BUCKET)


def _deletion_call(what: str) -> Call:
    return Call(what, "storage.objects.delete", CHECK_BUCKET)


def _copy_part(one: Copy) -> tuple[Part, Call]:
    path = (
        f"/storage/v1/b/{one.source_bucket}/o/{quote(one.source, safe='')}"
        f"/rewriteTo/b/{one.bucket}/o/{quote(one.name, safe='')}"
        f"?ifGenerationMatch={one.generation}&ifSourceGenerationMatch={one.source_generation}"
        f"&sourceGeneration={one.source_generation}&fields=done,resource(generation,size,crc32c)"
    )
    if one.source_metageneration:
        path += f"&ifSourceMetagenerationMatch={one.source_metageneration}"
    what = f"copy gs://{one.source_bucket}/{one.source}#{one.source_generation} to gs://{one.bucket}/{one.name}"
    return Part("POST", path), _copy_call(what)


def _deletion_part(one: Deletion) -> tuple[Part, Call]:
    path = f"/storage/v1/b/{one.bucket}/o/{quote(one.name, safe='')}?ifGenerationMatch={one.generation}"
    return Part("DELETE", path), _deletion_call(f"delete gs://{one.bucket}/{one.name}#{one.generation}")


def failed(error: OutsideError) -> Answer:
    """What became of a copy or deletion that ended with this error."""
    if isinstance(error, UnknownOutcome):
        return Answer("unknown", str(error))
    if isinstance(error, PreconditionFailed):
        return Answer("refused", str(error))
    if isinstance(error, NotFound):
        return Answer("missing", str(error))
    return Answer("failed", str(error), cause=error.cause, final=isinstance(error, PermanentError))


def _answer(call: Call, status: int, body: bytes) -> Answer | Exception:
    """What became of one call of a batch; its exception when it may be made again."""
    if status >= 300:
        error = http_error(status, body)
        meant = translate(error, call, has_effect=True)
        if not isinstance(meant, PermanentError):
            return error
        return failed(meant)
    parsed = orjson.loads(body) if body else {}
    if parsed.get("done") is False:
        return Answer("unfinished", "too large for one call")
    resource = parsed.get("resource", {})
    return Answer(
        "done",
        generation=int(resource.get("generation", 0)),
        size=int(resource.get("size", 0)),
        crc32c=resource.get("crc32c", ""),
    )
