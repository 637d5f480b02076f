"""The Cloud Storage client as this project uses it: no retries of its own, enough connections for many threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from blocks.calls import Call, CallLimits, read
from blocks.clients import anonymous, google_credentials
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.stored_object import StoredObject

if TYPE_CHECKING:
    from google.cloud import storage

    from blocks.credentials import GoogleCredentials

CONNECTIONS = 64
"""Connections kept open. With fewer than there are threads, urllib3 throws connections away and warns each time."""

CHECK_BUCKET = "check data_bucket, ops_bucket and backup_bucket of the environment block."
OBJECT_FIELDS = (
    "name,generation,metageneration,size,updated,timeCreated,timeDeleted,softDeleteTime,crc32c,metadata,contentType,"
    "contentEncoding,storageClass,temporaryHold,eventBasedHold,retentionExpirationTime,retention"
)


def open_client(project: str, endpoint: str, credentials: GoogleCredentials | None) -> storage.Client:
    """A client for Google's endpoint, or without credentials for `endpoint`."""
    from google.cloud import storage
    from requests.adapters import HTTPAdapter

    if endpoint:
        client = storage.Client(
            project=project or None, credentials=anonymous(), client_options={"api_endpoint": endpoint}
        )
        client._http.trust_env = False  # an override is asked directly, whatever proxy is set for the internet
    else:
        client = storage.Client(project=project or None, credentials=google_credentials(credentials))
    # At the first sight of a bucket the client asks for its settings in a thread of its own, with retries of its own
    # and a permission the flows may not have, to adorn traces that nobody asked for.
    client._bucket_metadata_cache = None
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=CONNECTIONS, max_retries=0)
    for scheme in ("https://", "http://"):
        client._http.mount(scheme, adapter)
    return client


def download(blob: storage.Blob, start: int, end: int | None, seconds: float) -> bytes:
    """The stored bytes [start, end) of a blob, never unpacked; past its end is empty.

    `seconds` is how long the answer is waited for.
    """
    from google.api_core.exceptions import RequestRangeNotSatisfiable

    last = None if end is None else end - 1
    try:
        found = blob.download_as_bytes(start=start or None, end=last, raw_download=True, timeout=seconds, retry=None)
        return bytes(found)
    except RequestRangeNotSatisfiable:
        return b""


def pages(
    opened: Callable[[], storage.Client], bucket: str, prefix: str, options: dict[str, Any], limits: CallLimits
) -> Iterator[tuple[list[storage.Blob], list[str]]]:
    """The blobs and the 'folders' of each page of a listing. A page that fails is repeated by itself."""
    call = Call(f"list gs://{bucket}/{prefix}", "storage.objects.list", CHECK_BUCKET)

    def page(token: str | None) -> tuple[list[storage.Blob], list[str], str | None]:
        listing = opened().list_blobs(
            bucket, prefix=prefix or None, page_token=token, timeout=limits.call_seconds, retry=None, **options
        )
        blobs = list(next(listing.pages, ()))
        return blobs, sorted(listing.prefixes), listing.next_page_token

    token: str | None = None
    while True:
        blobs, folders, token = read(call, partial(page, token), limits)
        yield blobs, folders
        if not token:
            return


class Resume(NamedTuple):
    """How a copy that takes several calls goes on."""

    token: str | None = None
    """One to go on with. When it is refused (too old, or used up by a call whose answer was lost) the copy begins again,
    once."""
    keep: Callable[[str], None] = lambda _: None
    """Told the token after each call."""


def until_copied(go_on: Callable[[str | None], tuple[str | None, StoredObject | None]], resume: Resume) -> StoredObject:
    """The copy, after as many calls as it takes (Google: "Objects: rewrite").

    Args:
        go_on: Makes one call with a token (None: from the beginning); a new token, or the copy.
        resume: How it goes on.

    Raises:
        PreconditionFailed, NotFound, PermanentError, TemporaryError, UnknownOutcome: what `go_on` raises.
    """
    (token, keep), begun_again = resume, False
    while True:
        try:
            token, copied = go_on(token)
        except (NotFound, PreconditionFailed):
            raise
        except PermanentError:
            if token is None or begun_again:
                raise
            token, begun_again = None, True
            continue
        if copied is not None:
            return copied
        keep(token or "")
