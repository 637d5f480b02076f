"""Storage Transfer Service: large copies from bucket to bucket that run at Google, not in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read, write
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import NotFound, PreconditionFailed
from blocks.transfer_messages import Transfer, TransferProgress, job_message, progress_from, same_work

if TYPE_CHECKING:
    from google.cloud import storage_transfer_v1
    from google.longrunning import operations_pb2


class StorageTransfers(RemediationBlock):
    """One-off transfers between buckets. A transfer never deletes anything, at the source or at the sink."""

    _block_type_name = "Remediation Storage Transfers"
    _block_type_slug = "remediation-storage-transfers"
    _description = "Storage Transfer Service: large copies from bucket to bucket, without deletions."

    project: str = Field(default="", description="Google Cloud project that owns the transfers.")
    endpoint: str = Field(
        default="", description="host:port of the Storage Transfer API instead of Google's; unencrypted."
    )
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[storage_transfer_v1.StorageTransferServiceClient] = PrivateAttr(default_factory=Lazy)

    def start(self, name: str, transfer: Transfer) -> TransferProgress:
        """Make the transfer `name` if there is none, run it if it has not run, and return how it stands.

        The caller chooses `name` (letters, digits, '-', '.', '_', '~', ending in a letter or digit, not beginning with
        OPI, at most 115 characters) from what identifies the work, so that a start made twice is made once: a transfer
        that is there and does the same is adopted, as it is after a lost answer. One that has ended is not run again:
        choose another name. Raises `PreconditionFailed` when `name` does something else, `PermanentError`,
        `UnknownOutcome` (calling again is safe).
        """
        self._create(name, transfer)
        self._run(name)
        return self._standing(name)

    def progress(self, name: str) -> TransferProgress | None:
        """How far the transfer of that name is, None when there is none. Waiting for its end is the caller's."""
        try:
            return self._standing(name)
        except NotFound:
            return None

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _create(self, name: str, transfer: Transfer) -> storage_transfer_v1.TransferJob:
        """The job of that name, made or adopted. Google refuses a name that is taken with ALREADY_EXISTS."""
        from google.cloud import storage_transfer_v1

        call = Call(f"create transfer {name}", "storagetransfer.jobs.create", "check the buckets' names.")
        wanted = job_message(self.project, name, transfer)

        def attempt() -> storage_transfer_v1.TransferJob:
            request = storage_transfer_v1.CreateTransferJobRequest(transfer_job=wanted)
            return self._open().create_transfer_job(request=request, retry=None, timeout=self.limits.call_seconds)

        try:
            return write(call, attempt, self.limits)
        except PreconditionFailed as taken:
            there = self._job(name)
            if not same_work(there, wanted):
                raise PreconditionFailed(
                    f"Could not create transfer {name}: one of that name copies something else; choose another name."
                ) from taken
            return there

    def _run(self, name: str) -> None:
        """Run a job that has not run; every try looks first, because a run that was begun must not be made again."""
        from google.cloud import storage_transfer_v1

        call = Call(f"run transfer {name}", "storagetransfer.jobs.run", "it was deleted meanwhile: create it again.")
        request = storage_transfer_v1.RunTransferJobRequest(job_name=_full(name), project_id=self.project)

        def attempt() -> None:
            if not self._fetch(name).latest_operation_name:
                self._open().run_transfer_job(request=request, retry=None, timeout=self.limits.call_seconds)

        write(call, attempt, self.limits)

    def _standing(self, name: str) -> TransferProgress:
        job = self._job(name)
        if not job.latest_operation_name:
            return TransferProgress(name, "not_started")
        call = Call(f"look at transfer {name}", "storagetransfer.operations.get")
        return progress_from(name, read(call, lambda: self._operation(job.latest_operation_name), self.limits))

    def _job(self, name: str) -> storage_transfer_v1.TransferJob:
        call = Call(f"look at transfer {name}", "storagetransfer.jobs.get", "it was never created, or was deleted.")
        return read(call, lambda: self._fetch(name), self.limits)

    def _fetch(self, name: str) -> storage_transfer_v1.TransferJob:
        from google.cloud import storage_transfer_v1

        request = storage_transfer_v1.GetTransferJobRequest(job_name=_full(name), project_id=self.project)
        return self._open().get_transfer_job(request=request, retry=None, timeout=self.limits.call_seconds)

    def _operation(self, name: str) -> operations_pb2.Operation:
        from google.longrunning import operations_pb2

        request = operations_pb2.GetOperationRequest(name=name)
        return self._open().get_operation(request=request, retry=None, timeout=self.limits.call_seconds)

    def _open(self) -> storage_transfer_v1.StorageTransferServiceClient:
        def make() -> storage_transfer_v1.StorageTransferServiceClient:
            from google.cloud import storage_transfer_v1
            from google.cloud.storage_transfer_v1.services.storage_transfer_service.transports import (
                StorageTransferServiceGrpcTransport,
            )

            if self.endpoint:
                transport = StorageTransferServiceGrpcTransport(channel=plain_channel(self.endpoint))
                return storage_transfer_v1.StorageTransferServiceClient(transport=transport)
            return storage_transfer_v1.StorageTransferServiceClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def _full(name: str) -> str:
    return f"transferJobs/{name}"
