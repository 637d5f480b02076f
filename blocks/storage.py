"""Cloud Storage with generations: every write names the generation it replaces, so nothing is overwritten unseen."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read, write
from blocks.clients import Lazy
from blocks.credentials import GoogleCredentials
from blocks.errors import Cause, NotFound, OutsideError, PreconditionFailed
from blocks.storage_client import CHECK_BUCKET, OBJECT_FIELDS, Resume, download, open_client, pages, until_copied
from blocks.stored_object import WRITE_TOKEN, Protection, StoredObject, from_blob, from_bucket

if TYPE_CHECKING:
    from google.cloud import storage


class PipelineStorage(RemediationBlock):
    """The buckets of the pipeline. Deleting and overwriting always carries the generation that was observed."""

    _block_type_name = "Remediation Storage"
    _block_type_slug = "remediation-storage"
    _description = "Cloud Storage of the pipeline: every write carries the generation it was planned for."

    project: str = Field(default="", description="Google Cloud project; empty: that of the credentials.")
    endpoint: str = Field(
        default="",
        description="Address to use instead of Google's, as in http://127.0.0.1:4443; used without credentials.",
    )
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[storage.Client] = PrivateAttr(default_factory=Lazy)

    def list(
        self,
        bucket: str,
        prefix: str = "",
        *,
        versions: bool = False,
        soft_deleted: bool = False,
        start: str | None = None,
        end: str | None = None,
        glob: str | None = None,
    ) -> Iterator[StoredObject]:
        """The objects whose names begin with `prefix`, by name, fetched page by page.

        `versions` includes noncurrent versions; `soft_deleted` gives the soft-deleted objects instead. `start` and
        `end` narrow the listing to names in [start, end), `glob` to those that fit (`*` stays within a folder). Raises `NotFound` when there is no such bucket.
        """
        options = {
            "versions": versions or None,
            "soft_deleted": soft_deleted or None,
            "start_offset": start,
            "end_offset": end,
            "match_glob": glob,
            "fields": f"items({OBJECT_FIELDS}),nextPageToken",
        }
        for blobs, _ in pages(self.client, bucket, prefix, options, self.limits):
            yield from map(from_blob, blobs)

    def prefixes(self, bucket: str, prefix: str, delimiter: str = "/") -> Iterator[str]:
        """The 'folders' directly under `prefix`, each ending in the delimiter, by name."""
        options = {"delimiter": delimiter, "fields": "prefixes,nextPageToken"}
        for _, folders in pages(self.client, bucket, prefix, options, self.limits):
            yield from folders

    def stat(self, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
        """The live object (or that generation of it), None when it is not there.

        Raises `NotFound` when the bucket itself does not exist.
        """
        call = Call(f"look at gs://{bucket}/{name}", "storage.objects.get", CHECK_BUCKET)
        blob = self._bucket(bucket).blob(name, generation=generation)
        try:
            read(call, lambda: blob.reload(timeout=self._timeout, retry=None), self.limits)
        except NotFound as missing:
            if missing.cause is Cause.NO_BUCKET:
                raise
            return None
        return from_blob(blob)

    def read(
        self, bucket: str, name: str, *, generation: int | None = None, start: int = 0, end: int | None = None
    ) -> bytes:
        """The stored bytes [start, end) of the live object, or of that generation of it; past the end is empty.

        What is stored compressed (`Content-Encoding: gzip`) stays so, as for every mount and copy of it. A whole
        object's checksum is verified. Raises `NotFound`.
        """
        if end is not None and end <= start:
            return b""
        call = Call(f"read gs://{bucket}/{name}", "storage.objects.get", f"list its folder, or {CHECK_BUCKET}")

        def attempt() -> bytes:
            return download(self._bucket(bucket).blob(name, generation=generation), start, end, self._timeout)

        return read(call, attempt, self.limits)

    def create(
        self, bucket: str, name: str, data: bytes, *,
        metadata: dict[str, str] | None = None, content_type: str = "application/json",
    ) -> StoredObject:  # fmt: skip
        """Write a new object.

        Raises `PreconditionFailed` when there is one already, unless it is this very write, whose answer was lost.
        """
        return self._upload(bucket, name, data, 0, metadata, content_type)

    def replace(
        self, bucket: str, name: str, data: bytes, *, generation: int, metadata: dict[str, str] | None = None,
        content_type: str = "application/json") -> StoredObject:  # fmt: skip
        """Overwrite exactly that generation of an object; `PreconditionFailed` when another one lives there."""
        return self._upload(bucket, name, data, generation, metadata, content_type)

    def delete(self, bucket: str, name: str, *, generation: int) -> bool:  # type: ignore[override]
        """Delete exactly that generation of the live object (kept as a version or soft-deleted if the bucket does so).

        True: it is gone because of this call. False: nothing lives there. Raises `PreconditionFailed` when another
        generation lives there; nothing is deleted then. (Saved block documents are deleted with `Block.adelete`.)
        """
        call = Call(f"delete gs://{bucket}/{name}#{generation}", "storage.objects.delete", CHECK_BUCKET)

        def attempt() -> bool:
            self._bucket(bucket).delete_blob(name, if_generation_match=generation, timeout=self._timeout, retry=None)
            return True

        def recognise(refusal: OutsideError) -> bool | None:
            return True if self.stat(bucket, name) is None else None

        try:
            return write(call, attempt, self.limits, recognise)
        except (NotFound, PreconditionFailed):
            if self.stat(bucket, name) is not None:
                raise
            return False

    def copy(  # type: ignore[override]
        self,
        source: StoredObject,
        bucket: str,
        name: str,
        *,
        generation: int = 0,
        metageneration: int = 0,
        resume: Resume = Resume(),
    ) -> StoredObject:
        """Copy exactly this version of `source`, with its metadata, over `generation` of the target.

        Generation 0: there must be no target yet. Metageneration 0: with whatever metadata it has by then. No bytes
        pass through this machine. `resume` says how a large copy goes on that takes several calls. Raises `PreconditionFailed` when the source or the target is not the one named,
        `NotFound` when that version of the source is gone.
        """
        needed = "storage.objects.get and storage.objects.create"
        call = Call(f"copy {source.uri} to gs://{bucket}/{name}", needed, CHECK_BUCKET)

        def attempt(token: str | None) -> tuple[str | None, StoredObject | None]:
            target = self._bucket(bucket).blob(name)
            more, _, _ = target.rewrite(
                self._bucket(source.bucket).blob(source.name, generation=source.generation),
                token=token,
                if_generation_match=generation,
                if_source_generation_match=source.generation,
                if_source_metageneration_match=metageneration or None,
                timeout=self._timeout,
                retry=None,
            )
            return more, None if more else from_blob(target)

        def recognise(refusal: OutsideError) -> tuple[str | None, StoredObject | None] | None:
            there = self.stat(bucket, name)
            return (None, there) if there and there.generation != generation and there.same_as(source) else None

        return until_copied(lambda at: write(call, lambda: attempt(at), self.limits, recognise), resume)

    def restore_soft_deleted(self, obj: StoredObject) -> StoredObject:
        """Bring a soft-deleted object back as a new generation of its name.

        Raises `PreconditionFailed` when something lives under that name, `NotFound` when it is past recovery.
        """
        call = Call(f"restore {obj.uri}", "storage.objects.restore", "its soft-delete period may be over.")

        def attempt() -> StoredObject:
            restored = self._bucket(obj.bucket).restore_blob(
                obj.name, generation=obj.generation, if_generation_match=0, timeout=self._timeout, retry=None
            )
            return from_blob(restored)

        def recognise(refusal: OutsideError) -> StoredObject | None:
            there = self.stat(obj.bucket, obj.name)
            return there if there and there.same_as(obj) else None

        return write(call, attempt, self.limits, recognise)

    def protection(self, bucket: str) -> Protection:
        """Whether deletions in this bucket can be undone. A bucket that does not exist is a normal answer."""
        call = Call(f"look at the settings of bucket {bucket}", "storage.buckets.get")
        try:
            found = read(call, lambda: self.client().get_bucket(bucket, timeout=self._timeout, retry=None), self.limits)
        except NotFound:
            return Protection(exists=False)
        return from_bucket(found)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(lambda client: client.close())

    @property
    def _timeout(self) -> float:
        return self.limits.call_seconds

    def client(self) -> storage.Client:
        """The stock client, for bulk work and for whatever this block does not wrap."""
        return self._client.get(lambda: open_client(self.project, self.endpoint, self.credentials))

    def _bucket(self, bucket: str) -> storage.Bucket:
        return self.client().bucket(bucket)

    def _upload(
        self, bucket: str, name: str, data: bytes, generation: int, metadata: dict[str, str] | None, content_type: str
    ) -> StoredObject:
        permission = f"storage.objects.create{' and storage.objects.delete' if generation else ''}"
        call = Call(f"write gs://{bucket}/{name}", permission, CHECK_BUCKET)
        description = {**(metadata or {}), WRITE_TOKEN: token_hex(16)}

        def attempt() -> StoredObject:
            blob = self._bucket(bucket).blob(name)
            blob.metadata = description
            blob.upload_from_string(
                data, content_type=content_type, if_generation_match=generation, timeout=self._timeout, retry=None
            )
            return from_blob(blob)

        def recognise(refusal: OutsideError) -> StoredObject | None:
            there = self.stat(bucket, name)
            return there if there and there.metadata.get(WRITE_TOKEN) == description[WRITE_TOKEN] else None

        return write(call, attempt, self.limits, recognise)
