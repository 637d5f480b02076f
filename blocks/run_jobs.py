"""Cloud Run jobs: what is deployed, what ran with which environment, and starting one. A start is never made twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read, start
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import NotFound, UnknownOutcome
from blocks.job_definitions import JobDefinition, JobDefinitions

if TYPE_CHECKING:
    from google.cloud import run_v2

JobState = Literal["running", "succeeded", "failed", "cancelled"]
_PAGE = 100


@dataclass(frozen=True)
class JobInfo:
    """A deployed job."""

    name: str
    """The short name, as in `simready-job`."""
    image: str
    timeout_seconds: int
    env: dict[str, str]
    """The variables every execution gets, without those that come from secrets."""
    problem: str = ""
    """Why it cannot be run, as Cloud Run found when it was last deployed; empty: it can."""
    updated: datetime | None = None
    """When it was last changed."""


@dataclass(frozen=True)
class JobExecution:
    """One run of a job."""

    name: str
    """`projects/<p>/locations/<l>/jobs/<j>/executions/<id>`."""
    job: str
    env: dict[str, str]
    """The variables it was started with, without those that come from secrets."""
    state: JobState
    created: datetime
    completed: datetime | None = None
    message: str = ""
    """What Cloud Run says of the state: why it failed, or what it waits for."""
    images: tuple[str, ...] = ()
    """The image of each container, by the digest that it ran with."""


class CloudRunJobs(RemediationBlock):
    """The pipeline's Cloud Run jobs and their executions."""

    _block_type_name = "Remediation Cloud Run Jobs"
    _block_type_slug = "remediation-cloud-run-jobs"
    _description = "Cloud Run jobs of the pipeline: what is deployed, what ran, and starting one exactly once."

    project: str = Field(default="", description="Google Cloud project of the jobs.")
    region: str = Field(default="us-central1", description="Region of the jobs.")
    endpoint: str = Field(default="", description="host:port of the Cloud Run API instead of Google's; unencrypted.")
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _jobs: Lazy[run_v2.JobsClient] = PrivateAttr(default_factory=Lazy)
    _executions: Lazy[run_v2.ExecutionsClient] = PrivateAttr(default_factory=Lazy)

    def get(self, job: str) -> JobInfo | None:
        """The deployed job of that short name, None when it is not deployed."""
        call = Call(f"look at job {job}", "run.jobs.get")
        name = self._name(job)
        try:
            found = read(
                call,
                lambda: self._jobs_client().get_job(name=name, retry=None, timeout=self.limits.call_seconds),
                self.limits,
            )
        except NotFound:
            return None
        task = found.template.template
        image = task.containers[0].image if task.containers else ""
        updated = found.update_time if "update_time" in found else None
        return JobInfo(job, image, int(task.timeout.total_seconds()), _env(task), _problem(found), updated)

    def granted(self, job: str, permissions: Iterable[str]) -> set[str]:
        """Which of these permissions whoever asks has on a job. Raises `NotFound` when it is not deployed."""
        call = Call(f"ask what may be done with job {job}", "none, but the job must be deployed")
        request = {"resource": self._name(job), "permissions": sorted(permissions)}

        def attempt() -> set[str]:
            client = self._jobs_client()
            answer = client.test_iam_permissions(request=request, retry=None, timeout=self.limits.call_seconds)
            return set(answer.permissions)

        return read(call, attempt, self.limits)

    def definition(self, job: str) -> JobDefinition | None:
        """The job as it is deployed, with the digests of its images where they are known; None when it is not."""
        return self._definitions.get(job)

    def deploy(self, definition: JobDefinition, *, etag: str) -> JobDefinition:
        """Deploy what a definition records, its images by their digest where that is known, and wait for it.

        `etag` is that of the live job the caller saw, "" for "not deployed", which creates the job. A lost answer is
        looked up. Returns the live definition. Raises `PreconditionFailed` when the job has changed since,
        `PermanentError` when Cloud Run refuses it (the image is gone from the registry), `UnknownOutcome`.
        """
        return self._definitions.deploy(definition, etag)

    def executions(self, job: str, *, since: datetime | None = None) -> Iterator[JobExecution]:
        """The executions of a job, newest first; none when it is not deployed.

        `since` (with a time zone) stops at the first one created before it: the service itself cannot filter.
        """
        call = Call(f"list the executions of job {job}", "run.executions.list")
        token = ""
        while True:
            try:
                page = read(call, partial(self._page, job, token), self.limits)
            except NotFound:
                return
            for message in page.executions:
                execution = execution_from(message)
                if since is not None and execution.created < since:
                    return
                yield execution
            token = page.next_page_token
            if not token:
                return

    def execution(self, name: str) -> JobExecution:
        """The execution of that full name. Raises `NotFound`."""
        call = Call(f"look at execution {name}", "run.executions.get", "the job may have been deleted since.")

        def attempt() -> JobExecution:
            client = self._executions_client()
            return execution_from(client.get_execution(name=name, retry=None, timeout=self.limits.call_seconds))

        return read(call, attempt, self.limits)

    def start(self, job: str, env: dict[str, str], *, timeout_seconds: int | None = None) -> JobExecution:
        """Start one execution with `env` over the job's own variables, and return as soon as it exists.

        Raises `UnknownOutcome` when the answer is lost: find out with `executions` before starting another. Raises
        `NotFound` when the job is not deployed.
        """
        call = Call(f"start job {job}", "run.jobs.runWithOverrides", "deploy it, or check project and region.")
        from google.cloud import run_v2

        overrides = run_v2.RunJobRequest.Overrides(
            container_overrides=[{"env": [{"name": name, "value": value} for name, value in env.items()]}]
        )
        if timeout_seconds is not None:
            overrides.timeout = timedelta(seconds=timeout_seconds)
        request = run_v2.RunJobRequest(name=self._name(job), overrides=overrides)

        def attempt() -> JobExecution:
            started = self._jobs_client().run_job(request=request, retry=None, timeout=self.limits.call_seconds)
            if started.metadata is None or not started.metadata.name:
                raise UnknownOutcome(f"Job {job} was started, but the answer does not name the execution: look for it.")
            return execution_from(started.metadata)

        return start(call, attempt, self.limits)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._jobs.drop(close_channel)
        self._executions.drop(close_channel)

    def _page(self, job: str, token: str) -> run_v2.ListExecutionsResponse:
        from google.cloud import run_v2

        request = run_v2.ListExecutionsRequest(parent=self._name(job), page_size=_PAGE, page_token=token)
        client = self._executions_client()
        pager = client.list_executions(request=request, retry=None, timeout=self.limits.call_seconds)
        return next(pager.pages)

    @property
    def _definitions(self) -> JobDefinitions:
        parent = f"projects/{self.project}/locations/{self.region}"
        return JobDefinitions(self._jobs_client, self._executions_client, parent, self.limits)

    def _name(self, job: str) -> str:
        return f"projects/{self.project}/locations/{self.region}/jobs/{job}"

    def _jobs_client(self) -> run_v2.JobsClient:
        def make() -> run_v2.JobsClient:
            from google.cloud import run_v2
            from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

            if self.endpoint:
                return run_v2.JobsClient(transport=JobsGrpcTransport(channel=plain_channel(self.endpoint)))
            return run_v2.JobsClient(credentials=google_credentials(self.credentials))

        return self._jobs.get(make)

    def _executions_client(self) -> run_v2.ExecutionsClient:
        def make() -> run_v2.ExecutionsClient:
            from google.cloud import run_v2
            from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport

            if self.endpoint:
                return run_v2.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=plain_channel(self.endpoint)))
            return run_v2.ExecutionsClient(credentials=google_credentials(self.credentials))

        return self._executions.get(make)


def execution_from(message: run_v2.Execution) -> JobExecution:
    completed = next((one for one in message.conditions if one.type_ == "Completed"), None)
    return JobExecution(
        name=message.name,
        job=message.name.split("/jobs/")[-1].split("/")[0],
        env=_env(message.template),
        state=_state(message, completed),
        created=message.create_time if "create_time" in message else datetime.now(UTC),
        completed=message.completion_time if "completion_time" in message else None,
        message=completed.message if completed else "",
        images=tuple(one.image for one in message.template.containers),
    )


def _state(message: run_v2.Execution, completed: run_v2.Condition | None) -> JobState:
    from google.cloud.run_v2 import Condition

    if completed is not None and completed.state == Condition.State.CONDITION_SUCCEEDED:
        return "succeeded"
    if completed is not None and completed.state == Condition.State.CONDITION_FAILED:
        cancelled = completed.execution_reason == Condition.ExecutionReason.CANCELLED or message.cancelled_count
        return "cancelled" if cancelled else "failed"
    return "running"


def _problem(job: run_v2.Job) -> str:
    from google.cloud.run_v2 import Condition

    ready = job.terminal_condition
    return (ready.message or "it is not ready") if ready.state == Condition.State.CONDITION_FAILED else ""


def _env(task: run_v2.TaskTemplate) -> dict[str, str]:
    return {one.name: one.value for first in task.containers[:1] for one in first.env if "value_source" not in one}
