"""Cloud Run jobs: the deployed jobs, their executions and the long-running operation that `RunJob` answers with."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import grpc
from google.cloud import run_v2
from google.longrunning import operations_pb2

from blocks.catalogue import Catalogue
from deployments.sandbox.faults import Faults
from deployments.sandbox.names import LOCATION
from deployments.sandbox.pipeline.simulator_failures import JobFailed
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.deployed_jobs import DeployedJobs, ImageRegistry
from deployments.sandbox.services.executions import Execution, ExecutionTable, Workers
from deployments.sandbox.services.operations import Operations
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found, page, page_size, split_name
from deployments.sandbox.services.run_messages import execution_message, operation_message, task_message
from deployments.sandbox.services.run_webhooks import RunWebhooks

JOB = "projects/*/locations/*/jobs/*"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_log = logging.getLogger(__name__)


class RunsJobs(Protocol):
    """What the simulator offers for jobs."""

    def run_job(self, job: str, env: dict[str, str], handle: Any) -> None:
        """Do the job's work; an exception is the job's own failure."""
        ...


class RunService:
    """Cloud Run's gRPC services for jobs. Every job of the catalogue is deployed at first."""

    def __init__(
        self, catalogue: Catalogue, simulator: RunsJobs, workers: Workers, operations: Operations, faults: Faults
    ) -> None:
        """`simulator` does what the jobs do, in the threads of `workers`, whatever their image is.

        `faults` says which executions are late in listings.
        """
        self.executions = ExecutionTable()
        self.deployed = Deployed(catalogue.jobs)
        self.images = ImageRegistry()
        self._jobs = DeployedJobs(catalogue, self.deployed, self.images)
        self.spoilt = self._jobs.spoilt
        self._simulator = simulator
        self._workers = workers
        self._operations = operations
        self._faults = faults
        self._webhooks = RunWebhooks()
        self.changed: list[Callable[[Execution], None]] = []
        """Called with every execution that begins or ends."""

    def has(self, name: str) -> bool:
        """Whether there is a job of that full name."""
        return name.startswith(f"{LOCATION}/jobs/") and name.rpartition("/")[2] in self.deployed

    def image_fault(self, job: str) -> str:
        """What every run of a job fails with, by the image it is deployed with; empty for one that works."""
        if job not in self.deployed:
            return ""
        faults = (self.images.fault_of(one.image) for one in self._jobs.get(job).template.template.containers)
        return next(filter(None, faults), "")

    def deploy_image(self, job: str, image: str) -> datetime:
        """Deploy a job with another image in its first container; when that was."""
        wanted = self._jobs.get(job)
        wanted.template.template.containers[0].image = image
        at: datetime = self._jobs.update(job, wanted).update_time
        return at

    def ready_since(self, job: str) -> datetime | None:
        """When the job as it is now became ready; None: it is not."""
        live = self._jobs.get(job)
        ready = live.terminal_condition.state == run_v2.Condition.State.CONDITION_SUCCEEDED
        return live.update_time if ready else None

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC services of Cloud Run."""
        jobs: Methods = {
            "GetJob": (run_v2.GetJobRequest, self._get_job),
            "ListJobs": (run_v2.ListJobsRequest, self._list_jobs),
            "CreateJob": (run_v2.CreateJobRequest, self._create_job),
            "UpdateJob": (run_v2.UpdateJobRequest, self._update_job),
            "RunJob": (run_v2.RunJobRequest, self._run_job),
        }
        executions: Methods = {
            "GetExecution": (run_v2.GetExecutionRequest, self._get),
            "ListExecutions": (run_v2.ListExecutionsRequest, self._list),
            "CancelExecution": (run_v2.CancelExecutionRequest, self._cancel),
        }
        tasks: Methods = {
            "GetTask": (run_v2.GetTaskRequest, self._get_task),
            "ListTasks": (run_v2.ListTasksRequest, self._list_tasks),
        }
        return [
            wire.service("google.cloud.run.v2.Tasks", "run", tasks),
            wire.service("google.cloud.run.v2.Jobs", "run", jobs),
            wire.service("google.cloud.run.v2.Executions", "run", executions),
            *self._webhooks.handlers(wire),
        ]

    def _work(self, execution: Execution) -> None:
        try:
            self._simulator.run_job(execution.parent, execution.env, execution)
        except Exception as error:
            if not isinstance(error, JobFailed):
                _log.exception("%s ended by a defect of the simulator", execution.name)
            ended = self.executions.end(execution, "FAILED", error=str(error) or type(error).__name__)
        else:
            ended = self.executions.end(execution, "SUCCEEDED")
        if ended:
            self._tell(execution)

    def _tell(self, execution: Execution) -> None:
        for tell in self.changed:
            tell(execution)

    def _get_job(self, request: run_v2.GetJobRequest) -> run_v2.Job:
        return self._describe(self._deployed_job(request.name))

    def _list_jobs(self, request: run_v2.ListJobsRequest) -> run_v2.ListJobsResponse:
        split_name(request.parent, "projects/*/locations/*")
        names = self.deployed.names() if request.parent == LOCATION else []
        size = page_size(request.page_size, default=100, most=1000)
        chosen, token = page(names, str, size=size, token=request.page_token)
        return run_v2.ListJobsResponse(jobs=[self._describe(name) for name in chosen], next_page_token=token)

    def _describe(self, job: str) -> run_v2.Job:
        executions = list(self.executions.listed(job))
        message = self._jobs.get(job)
        message.execution_count = len(executions)
        if executions:
            latest = executions[0]
            message.latest_created_execution = run_v2.ExecutionReference(name=latest.id, create_time=latest.created)
        return message

    def _create_job(self, request: run_v2.CreateJobRequest) -> operations_pb2.Operation:
        if request.parent != LOCATION:
            raise not_found(request.parent)
        if request.job_id in self.deployed:
            raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{request.job_id}' already exists.")
        return self._deployed(self._jobs.create(request.job_id, request.job))

    def _update_job(self, request: run_v2.UpdateJobRequest) -> operations_pb2.Operation:
        if request.allow_missing or request.validate_only:
            raise invalid("The sandbox updates jobs that are there: leave out allow_missing and validate_only.")
        job = self._deployed_job(request.job.name)
        return self._deployed(self._jobs.update(job, request.job))

    def _deployed(self, job: run_v2.Job) -> operations_pb2.Operation:
        """Google: the operation of a job that does not get ready fails, and the job is there all the same."""
        failed = job.terminal_condition.state == run_v2.Condition.State.CONDITION_FAILED
        return self._operations.deployed(job, error=job.terminal_condition.message if failed else "")

    def _run_job(self, request: run_v2.RunJobRequest) -> operations_pb2.Operation:
        job = self._deployed_job(request.name)
        ready = self._jobs.get(job).terminal_condition
        if ready.state == run_v2.Condition.State.CONDITION_FAILED:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, f"Job '{job}' is not ready: {ready.message}")
        task = self._task(job, request.overrides)
        env = {variable.name: variable.value for variable in task.containers[0].env}
        suffix = "".join(secrets.choice(_LETTERS) for _ in range(5))
        name = f"{LOCATION}/jobs/{job}/executions/{job}-{suffix}"
        listed_from = time.monotonic() + self._faults.lag("run", "RunJob")
        execution = self.executions.add(name, job, env=env, template=task, listed_from=listed_from)
        self._tell(execution)
        operation = self._operation(execution)  # before it begins: the answer shows that it runs
        self._workers.run(self._work, execution)
        return operation

    def _task(self, job: str, overrides: run_v2.RunJobRequest.Overrides) -> run_v2.TaskTemplate:
        """What one execution runs: the job's template with the overrides, its images by digest."""
        task = self._jobs.get(job).template.template
        for container in task.containers:
            container.image = self.images.resolve(container.image)
        for override in overrides.container_overrides:
            said = {variable.name for variable in override.env}
            kept = [variable for variable in task.containers[0].env if variable.name not in said]
            task.containers[0].env = [*kept, *override.env]
        if overrides.timeout:
            task.timeout = overrides.timeout
        return task

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
            self.executions.listed(None if every_job else self._deployed_job(request.parent)),
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
        self._tell(execution)
        return self._operation(execution)

    def _get_task(self, request: run_v2.GetTaskRequest) -> run_v2.Task:
        split_name(request.name, f"{JOB}/executions/*/tasks/*")
        task = task_message(self._existing(request.name.rpartition("/tasks/")[0]))
        if task.name != request.name:
            raise not_found(request.name)
        return task

    def _list_tasks(self, request: run_v2.ListTasksRequest) -> run_v2.ListTasksResponse:
        page_size(request.page_size, default=100, most=1000)
        return run_v2.ListTasksResponse(tasks=[task_message(self._existing(request.parent))])

    def _existing(self, name: str) -> Execution:
        split_name(name, f"{JOB}/executions/*")
        execution = self.executions.get(name)
        if execution is None:
            raise not_found(name)
        return execution

    def _operation(self, execution: Execution) -> operations_pb2.Operation:
        return self._operations.begin(lambda name: operation_message(name, execution))
