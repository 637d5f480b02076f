"""Cloud Run jobs: the deployed jobs, their executions and the long-running operation that `RunJob` answers with."""

from __future__ import annotations

import logging
import secrets
import threading
import uuid
from typing import Any, Protocol

import grpc
from google.cloud import run_v2
from google.longrunning import operations_pb2  # type: ignore[import-untyped]

from blocks.catalogue import Catalogue
from deployments.sandbox.names import LOCATION
from deployments.sandbox.pipeline.simulator_failures import JobFailed
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.executions import Execution, ExecutionTable, Workers
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, not_found, page, page_size, split_name
from deployments.sandbox.services.run_messages import execution_message, job_message, operation_message

JOB = "projects/*/locations/*/jobs/*"
DEFAULT_TIMEOUT = 600
"""Seconds. Google: a task's timeout when the job names none."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_log = logging.getLogger(__name__)


class RunsJobs(Protocol):
    """What the simulator offers for jobs."""

    def run_job(self, job: str, env: dict[str, str], handle: Any) -> None:
        """Do the job's work; an exception is the job's own failure."""
        ...


class RunService:
    """Cloud Run's gRPC services for jobs. Every job of the catalogue is deployed at first."""

    def __init__(self, catalogue: Catalogue, simulator: RunsJobs, workers: Workers) -> None:
        """`simulator` does what the jobs do, in the threads of `workers`."""
        self.executions = ExecutionTable()
        self.deployed = Deployed(catalogue.jobs)
        self._catalogue = catalogue
        self._simulator = simulator
        self._workers = workers
        self._lock = threading.Lock()
        self._operations: dict[str, Execution] = {}

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC services of Cloud Run that concern jobs, and the one for long-running operations."""
        jobs: Methods = {
            "GetJob": (run_v2.GetJobRequest, self._get_job),
            "ListJobs": (run_v2.ListJobsRequest, self._list_jobs),
            "RunJob": (run_v2.RunJobRequest, self._run_job),
        }
        executions: Methods = {
            "GetExecution": (run_v2.GetExecutionRequest, self._get),
            "ListExecutions": (run_v2.ListExecutionsRequest, self._list),
            "CancelExecution": (run_v2.CancelExecutionRequest, self._cancel),
        }
        operations: Methods = {"GetOperation": (operations_pb2.GetOperationRequest, self._get_operation)}
        return [
            wire.service("google.cloud.run.v2.Jobs", "run", jobs),
            wire.service("google.cloud.run.v2.Executions", "run", executions),
            wire.service("google.longrunning.Operations", "run", operations),
        ]

    def _work(self, execution: Execution) -> None:
        try:
            self._simulator.run_job(execution.parent, execution.env, execution)
        except Exception as error:
            if not isinstance(error, JobFailed):
                _log.exception("%s ended by a defect of the simulator", execution.name)
            self.executions.end(execution, "FAILED", error=str(error) or type(error).__name__)
        else:
            self.executions.end(execution, "SUCCEEDED")

    def _timeout(self, job: str) -> int:
        return self._catalogue.jobs[job].timeout_seconds or DEFAULT_TIMEOUT

    def _get_job(self, request: run_v2.GetJobRequest) -> run_v2.Job:
        return self._describe(self._deployed_job(request.name))

    def _list_jobs(self, request: run_v2.ListJobsRequest) -> run_v2.ListJobsResponse:
        split_name(request.parent, "projects/*/locations/*")
        names = self.deployed.names() if request.parent == LOCATION else []
        size = page_size(request.page_size, default=100, most=1000)
        chosen, token = page(names, str, size=size, token=request.page_token)
        return run_v2.ListJobsResponse(jobs=[self._describe(name) for name in chosen], next_page_token=token)

    def _describe(self, job: str) -> run_v2.Job:
        executions = list(self.executions.newest_first(job))
        latest = executions[0] if executions else None
        return job_message(job, self._timeout(job), self.deployed.since(job), len(executions), latest)

    def _run_job(self, request: run_v2.RunJobRequest) -> operations_pb2.Operation:
        job = self._deployed_job(request.name)
        env: dict[str, str] = {}
        for override in request.overrides.container_overrides:
            env |= {variable.name: variable.value for variable in override.env}
        override_timeout = request.overrides.timeout
        timeout = int(override_timeout.total_seconds()) if override_timeout else self._timeout(job)
        suffix = "".join(secrets.choice(_LETTERS) for _ in range(5))
        name = f"{LOCATION}/jobs/{job}/executions/{job}-{suffix}"
        execution = self.executions.add(name, job, env=env, timeout_seconds=timeout)
        operation = self._operation(execution)  # before it begins: the answer shows that it runs
        self._workers.run(self._work, execution)
        return operation

    def _deployed_job(self, name: str) -> str:
        job = split_name(name, JOB)[2]
        if name != f"{LOCATION}/jobs/{job}" or job not in self.deployed:
            raise not_found(name)
        return job

    def _get(self, request: run_v2.GetExecutionRequest) -> run_v2.Execution:
        return execution_message(self._existing(request.name))

    def _list(self, request: run_v2.ListExecutionsRequest) -> run_v2.ListExecutionsResponse:
        every_job = split_name(request.parent, JOB)[2] == "-"
        chosen, token = page(
            self.executions.newest_first(None if every_job else self._deployed_job(request.parent)),
            lambda execution: -execution.number,
            size=page_size(request.page_size, default=100, most=1000),
            token=request.page_token,
            scope=request.parent,
        )
        return run_v2.ListExecutionsResponse(
            executions=[execution_message(execution) for execution in chosen], next_page_token=token
        )

    def _cancel(self, request: run_v2.CancelExecutionRequest) -> operations_pb2.Operation:
        execution = self._existing(request.name)
        if not self.executions.cancel(execution):
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, f"Execution '{execution.id}' has completed already.")
        return self._operation(execution)

    def _existing(self, name: str) -> Execution:
        split_name(name, f"{JOB}/executions/*")
        execution = self.executions.get(name)
        if execution is None:
            raise not_found(name)
        return execution

    def _operation(self, execution: Execution) -> operations_pb2.Operation:
        name = f"{LOCATION}/operations/{uuid.uuid4()}"
        with self._lock:
            self._operations[name] = execution
        return operation_message(name, execution)

    def _get_operation(self, request: operations_pb2.GetOperationRequest) -> operations_pb2.Operation:
        with self._lock:
            execution = self._operations.get(request.name)
        if execution is None:
            raise not_found(request.name)
        return operation_message(request.name, execution)
