"""One run of a transfer job: the copies, made inside the object store, and how far they are."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from google.cloud import storage_transfer_v1 as api
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2
from google.rpc import code_pb2

from deployments.sandbox.storage.store import NewObject, ObjectStore, StoredVersion, StoreError

SAMPLES = 5
"""Google: at most so many error log entries for one error code of an operation."""
CHUNK = 100
"""Objects between two updates of the counters."""
_Status: Any = api.TransferOperation.Status
_CODES = {403: code_pb2.PERMISSION_DENIED, 404: code_pb2.NOT_FOUND}
_ALWAYS, _NEVER = api.TransferOptions.OverwriteWhen.ALWAYS, api.TransferOptions.OverwriteWhen.NEVER


class TransferRun:
    """A transfer operation. `run` does the work; `operation` says at any time how it stands."""

    def __init__(self, store: ObjectStore, job: api.TransferJob, name: str) -> None:
        """`name` is the operation's."""
        self._store = store
        self._spec = job.transfer_spec
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._message = api.TransferOperation(
            name=name,
            project_id=job.project_id,
            transfer_job_name=job.name,
            transfer_spec=job.transfer_spec,
            start_time=datetime.now(UTC),
            status=_Status.IN_PROGRESS,
        )

    @property
    def ended(self) -> bool:
        """Whether it works no more."""
        return bool(self._message.status != _Status.IN_PROGRESS)

    def stop(self) -> None:
        """Copy nothing more: the sandbox stops."""
        self._stopped.set()

    def operation(self, name: str) -> operations_pb2.Operation:
        """Google: the metadata is the TransferOperation, the response is empty."""
        with self._lock:
            operation = operations_pb2.Operation(name=name, done=self.ended)
            operation.metadata.Pack(api.TransferOperation.pb(self._message))
            if self._message.status == _Status.FAILED:
                operation.error.code = code_pb2.UNKNOWN
                operation.error.message = "The transfer failed for some objects; see its error breakdowns."
            elif self.ended:
                operation.response.Pack(empty_pb2.Empty())
        return operation

    def run(self) -> None:
        """Copy everything, a chunk at a time."""
        try:
            chunk: list[tuple[str, int | None]] = []
            for wanted in self._wanted():
                chunk.append(wanted)
                if len(chunk) == CHUNK:
                    self._copy_all(chunk)
                    chunk = []
            self._copy_all(chunk)
        except StoreError as error:
            self._fail(self._url("source", ""), error.status, error.message)
        with self._lock:
            failed, stopped = bool(self._message.error_breakdowns), self._stopped.is_set()
            self._message.end_time = datetime.now(UTC)
            self._message.status = _Status.ABORTED if stopped else _Status.FAILED if failed else _Status.SUCCESS

    def _wanted(self) -> Iterator[tuple[str, int | None]]:
        """The objects to copy, by their name below the source's path, with the generation if one is asked for."""
        source = self._spec.gcs_data_source
        location = self._spec.transfer_manifest.location
        if not location:
            for version in self._store.list(source.bucket_name, source.path):
                yield version.name.removeprefix(source.path), None
            return
        bucket, _, name = location.removeprefix("gs://").partition("/")
        manifest = self._store.bucket(bucket).need(name)
        for row in csv.reader(io.StringIO(manifest.data.decode(), newline="")):
            if row:
                yield row[0], int(row[1]) if len(row) > 1 and row[1] else None

    def _copy_all(self, chunk: list[tuple[str, int | None]]) -> None:
        for name, generation in chunk:
            if self._stopped.is_set():
                return
            try:
                self._copy(name, generation)
            except StoreError as error:
                self._count(objects_found_from_source=1, objects_from_source_failed=1)
                self._fail(self._url("source", name), error.status, error.message)

    def _copy(self, name: str, generation: int | None) -> None:
        source, sink = self._spec.gcs_data_source, self._spec.gcs_data_sink
        version = self._store.bucket(source.bucket_name).need(source.path + name, generation)
        target = self._store.bucket(sink.bucket_name)
        if self._keep(target.get(sink.path + name), version):
            self._count(
                objects_found_from_source=1,
                bytes_found_from_source=version.size,
                objects_from_source_skipped_by_sync=1,
                bytes_from_source_skipped_by_sync=version.size,
            )
            return
        new = NewObject(version.content, version.content_type, version.metadata, None, version.extra)
        self._store.announce(target.finalize(sink.path + name, new))
        self._count(
            objects_found_from_source=1,
            bytes_found_from_source=version.size,
            objects_copied_to_sink=1,
            bytes_copied_to_sink=version.size,
        )

    def _keep(self, there: StoredVersion | None, version: StoredVersion) -> bool:
        """Whether the object at the sink stays. Google: DIFFERENT overwrites what has another size or checksum."""
        when = self._spec.transfer_options.overwrite_when
        if there is None or when == _ALWAYS:
            return False
        return bool(when == _NEVER) or (there.size, there.crc32c) == (version.size, version.crc32c)

    def _count(self, **more: int) -> None:
        with self._lock:
            for counter, by in more.items():
                setattr(self._message.counters, counter, getattr(self._message.counters, counter) + by)

    def _fail(self, url: str, status: int, why: str) -> None:
        code = _CODES.get(status, code_pb2.UNKNOWN)
        with self._lock:
            found = [one for one in self._message.error_breakdowns if one.error_code == code]
            summary = found[0] if found else api.ErrorSummary(error_code=code)
            summary.error_count += 1
            if len(summary.error_log_entries) < SAMPLES:
                summary.error_log_entries.append(api.ErrorLogEntry(url=url, error_details=[why]))
            if not found:
                self._message.error_breakdowns.append(summary)

    def _url(self, end: str, name: str) -> str:
        place = getattr(self._spec, f"gcs_data_{end}")
        return f"gs://{place.bucket_name}/{place.path}{name}"
