"""Storage Transfer Service: one-off transfers from bucket to bucket. Left out: schedules, deletions, other sources."""

from __future__ import annotations

import re
import secrets
import threading
from datetime import UTC, datetime

import grpc
from google.cloud import storage_transfer_v1 as api
from google.longrunning import operations_pb2

from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.operations import Operations
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found
from deployments.sandbox.services.transfer_run import TransferRun
from deployments.sandbox.storage.store import ObjectStore

_NAME = re.compile(r"transferJobs/(?!OPI)[A-Za-z0-9-._~]*[A-Za-z0-9]")
"""Google: what a job from bucket to bucket may be called, in at most 128 characters."""


class TransferService:
    """The gRPC service. A run copies in a thread of its own."""

    def __init__(self, store: ObjectStore, operations: Operations) -> None:
        """Copies are made inside `store`."""
        self._store = store
        self._operations = operations
        self._lock = threading.Lock()
        self._jobs: dict[str, api.TransferJob] = {}
        self._runs: dict[str, TransferRun] = {}
        self._threads: list[threading.Thread] = []

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service."""
        methods: Methods = {
            "CreateTransferJob": (api.CreateTransferJobRequest, self._create),
            "GetTransferJob": (api.GetTransferJobRequest, self._get),
            "RunTransferJob": (api.RunTransferJobRequest, self._run),
        }
        return [wire.service("google.storagetransfer.v1.StorageTransferService", "transfer", methods)]

    def stop(self) -> None:
        """End every run."""
        for run in list(self._runs.values()):
            run.stop()
        for thread in self._threads:
            thread.join()

    def _create(self, request: api.CreateTransferJobRequest) -> api.TransferJob:
        job = api.TransferJob(request.transfer_job)
        job.name = job.name or f"transferJobs/{secrets.randbelow(10**20):020d}"
        _check(job)
        job.creation_time = job.last_modification_time = datetime.now(UTC)
        job.latest_operation_name = ""
        with self._lock:
            if job.name in self._jobs:
                message = f"Transfer job '{job.name}' already exists."
                raise Refusal(grpc.StatusCode.ALREADY_EXISTS, message)
            self._jobs[job.name] = job
        return job

    def _get(self, request: api.GetTransferJobRequest) -> api.TransferJob:
        with self._lock:
            return api.TransferJob(self._known(request.job_name, request.project_id))

    def _run(self, request: api.RunTransferJobRequest) -> operations_pb2.Operation:
        with self._lock:
            job = self._known(request.job_name, request.project_id)
            before = self._runs.get(job.latest_operation_name)
            if before is not None and not before.ended:
                message = f"Transfer job '{job.name}' already has an active operation."
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)
            name = f"transferOperations/{job.name.replace('/', '-')}-{secrets.randbelow(10**19)}"
            run = self._runs[name] = TransferRun(self._store, job, name)
            job.latest_operation_name = name
            operation = self._operations.begin(run.operation, name)
            thread = threading.Thread(target=run.run, name="sandbox-transfer", daemon=True)
            self._threads.append(thread)
            thread.start()
        return operation

    def _known(self, name: str, project: str) -> api.TransferJob:
        job = self._jobs.get(name)
        if job is None or project != PROJECT:
            raise not_found(name)
        return job


def _check(job: api.TransferJob) -> None:
    """Refuse what Google refuses, and what the sandbox leaves out."""
    spec, options = job.transfer_spec, job.transfer_spec.transfer_options
    if not _NAME.fullmatch(job.name) or len(job.name) > 128:
        raise invalid(f"transfer_job.name: '{job.name}' is not a valid name of a job.")
    if job.project_id != PROJECT:
        raise Refusal(grpc.StatusCode.PERMISSION_DENIED, f"The project '{job.project_id}' is not this sandbox's.")
    if job.status != api.TransferJob.Status.ENABLED:
        raise invalid("transfer_job.status: must be ENABLED.")
    for place in (spec.gcs_data_source, spec.gcs_data_sink):
        if not place.bucket_name:
            raise invalid("transfer_spec: the sandbox copies from a gcs_data_source to a gcs_data_sink.")
        if place.path and (place.path.startswith("/") or not place.path.endswith("/")):
            raise invalid(f"transfer_spec: the path '{place.path}' must be empty or end, but not begin, with '/'.")
    if options.delete_objects_unique_in_sink or options.delete_objects_from_source_after_transfer:
        raise invalid("transfer_options: the sandbox's transfers delete nothing.")
    if "schedule" in job or "event_stream" in job or "object_conditions" in spec:
        raise invalid("transfer_job: the sandbox knows no schedules, event streams or object conditions.")
