"""What a transfer is asked to do and what is known of how far it is, in our words and in Google's messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from google.cloud import storage_transfer_v1
    from google.longrunning import operations_pb2

TransferState = Literal["not_started", "queued", "running", "paused", "succeeded", "failed", "aborted"]
_STATES: dict[str, TransferState] = {
    "IN_PROGRESS": "running",
    "SUSPENDING": "running",
    "QUEUED": "queued",
    "PAUSED": "paused",
    "SUCCESS": "succeeded",
    "FAILED": "failed",
    "ABORTED": "aborted",
}


@dataclass(frozen=True)
class Transfer:
    """A copy from bucket to bucket. Prefixes are empty or end in '/'; what follows the source's is kept at the sink."""

    source_bucket: str
    sink_bucket: str
    source_prefix: str = ""
    sink_prefix: str = ""
    manifest: str = ""
    """`gs://bucket/path.csv`: copy exactly these objects. Each row is a name relative to `source_prefix` and, as a
    second column, its generation (Google: "Transfer specific files or objects using a manifest"). Empty: all objects.
    """
    description: str = ""


@dataclass(frozen=True)
class TransferProgress:
    """How far a transfer is."""

    name: str
    state: TransferState
    objects_found: int = 0
    bytes_found: int = 0
    objects_copied: int = 0
    bytes_copied: int = 0
    objects_skipped: int = 0
    """Already at the sink with the same content."""
    objects_failed: int = 0
    error_samples: tuple[str, ...] = ()
    """`<code> <url>: <details>`; Google gives at most five of a kind."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen. It was a success only when `state` is `succeeded` and nothing failed."""
        return self.state in ("succeeded", "failed", "aborted")


def job_message(project: str, name: str, transfer: Transfer) -> storage_transfer_v1.TransferJob:
    """The transfer as a job without a schedule, which runs only when it is told to."""
    from google.cloud import storage_transfer_v1 as api

    spec = api.TransferSpec(
        gcs_data_source=api.GcsData(bucket_name=transfer.source_bucket, path=transfer.source_prefix),
        gcs_data_sink=api.GcsData(bucket_name=transfer.sink_bucket, path=transfer.sink_prefix),
        transfer_options=api.TransferOptions(overwrite_when=api.TransferOptions.OverwriteWhen.DIFFERENT),
    )
    if transfer.manifest:
        spec.transfer_manifest = api.TransferManifest(location=transfer.manifest)
    return api.TransferJob(
        name=f"transferJobs/{name}",
        project_id=project,
        description=transfer.description,
        transfer_spec=spec,
        status=api.TransferJob.Status.ENABLED,
    )


def same_work(there: storage_transfer_v1.TransferJob, wanted: storage_transfer_v1.TransferJob) -> bool:
    """Whether a job copies what `wanted` copies, and nothing but copies."""
    one, other = there.transfer_spec, wanted.transfer_spec
    deletes = (
        one.transfer_options.delete_objects_unique_in_sink
        or one.transfer_options.delete_objects_from_source_after_transfer
    )
    ends = all(
        (getattr(one, end).bucket_name, getattr(one, end).path)
        == (getattr(other, end).bucket_name, getattr(other, end).path)
        for end in ("gcs_data_source", "gcs_data_sink")
    )
    return ends and not deletes and one.transfer_manifest.location == other.transfer_manifest.location


def progress_from(name: str, operation: operations_pb2.Operation) -> TransferProgress:
    """What the operation of a run says."""
    from google.cloud import storage_transfer_v1 as api

    message = api.TransferOperation()
    operation.metadata.Unpack(api.TransferOperation.pb(message))
    counters = message.counters
    return TransferProgress(
        name=name,
        state=_STATES.get(message.status.name, "queued"),
        objects_found=counters.objects_found_from_source,
        bytes_found=counters.bytes_found_from_source,
        objects_copied=counters.objects_copied_to_sink,
        bytes_copied=counters.bytes_copied_to_sink,
        objects_skipped=counters.objects_from_source_skipped_by_sync,
        objects_failed=counters.objects_from_source_failed,
        error_samples=tuple(
            _sample(summary, entry) for summary in message.error_breakdowns for entry in summary.error_log_entries
        ),
    )


def _sample(summary: Any, entry: Any) -> str:
    from google.rpc import code_pb2

    return f"{code_pb2.Code.Name(summary.error_code)} {entry.url}: {'; '.join(entry.error_details) or 'no details'}"
