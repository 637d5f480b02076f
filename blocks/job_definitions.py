"""What a Cloud Run job is made of, the digests of its images included, and putting a recorded one back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from blocks.calls import Call, CallLimits, read, write
from blocks.errors import NotFound, OutsideError, PreconditionFailed
from blocks.messages import as_dict, from_dict
from blocks.operations import wait

if TYPE_CHECKING:
    from google.cloud import run_v2
    from google.longrunning import operations_pb2

_SETTINGS = ("labels", "annotations", "client", "clientVersion", "launchStage", "binaryAuthorization", "template")
"""What a user says of a job; the rest of the resource is Google's (REST reference: `projects.locations.jobs`)."""


@dataclass(frozen=True)
class ImageRef:
    """The image of one container."""

    image: str
    """As deployed: `host/path:tag` or `host/path@sha256:...`."""
    digest: str | None
    """`sha256:...`; None when it is not known: the job names a tag and has not run since it was deployed."""

    @property
    def pinned(self) -> str:
        """The image by its digest when that is known, else as deployed."""
        return f"{_repository(self.image)}@{self.digest}" if self.digest else self.image


@dataclass(frozen=True)
class JobDefinition:
    """A job as it is deployed. All of it is plain data: `asdict` and `from_dict` are each other's reverse."""

    name: str
    """The short name, as in `simready-job`."""
    etag: str
    """Google's fingerprint of this state of the job: the precondition of a deployment."""
    generation: int
    """Counts the changes."""
    images: tuple[ImageRef, ...]
    """One for each container, in the template's order."""
    job: dict[str, Any] = field(default_factory=dict)
    """What a user sets of the job, in the JSON of Google's REST API: `template`, `labels`, `annotations`, ..."""

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> JobDefinition:
        """The definition recorded with `dataclasses.asdict`."""
        return cls(**{**value, "images": tuple(ImageRef(**image) for image in value["images"])})

    def pinned(self) -> dict[str, Any]:
        """`job` with every image by its digest where that is known: what a deployment sends."""
        job = copy.deepcopy(self.job)
        for container, image in zip(_containers(job), self.images, strict=True):
            container["image"] = image.pinned
        return job


@dataclass(frozen=True)
class JobDefinitions:
    """The definitions of one project and region, through the clients of the jobs block."""

    jobs: Callable[[], run_v2.JobsClient]
    executions: Callable[[], run_v2.ExecutionsClient]
    parent: str
    """`projects/<p>/locations/<l>`."""
    limits: CallLimits

    def get(self, job: str) -> JobDefinition | None:
        """The job as it is deployed; None when it is not."""
        call = Call(f"look at job {job}", "run.jobs.get")
        try:
            message = read(call, lambda: self._job(job), self.limits)
        except NotFound:
            return None
        ran = self._ran_with(message)
        images = tuple(
            ImageRef(one.image, _digest(one.image) or _same_repository(one.image, ran[place : place + 1]))
            for place, one in enumerate(message.template.template.containers)
        )
        settings = {key: value for key, value in as_dict(message).items() if key in _SETTINGS}
        return JobDefinition(job, message.etag, message.generation, images, settings)

    def deploy(self, definition: JobDefinition, etag: str) -> JobDefinition:
        """See `CloudRunJobs.deploy`."""
        name = definition.name
        verb = "update" if etag else "create"
        call = Call(
            f"deploy job {name}",
            f"run.jobs.{verb} and iam.serviceAccounts.actAs",
            "it is not deployed: observe it again.",
        )
        wanted = definition.pinned()

        def attempt() -> str:
            self._check(name, etag)
            return self._send(name, wanted, etag)

        def recognise(refusal: OutsideError) -> str | None:
            live = self.get(name)
            return "" if live is not None and _holds(live.job, wanted) else None

        operation = write(call, attempt, self.limits, recognise)
        if operation:
            wait(call, partial(self._operation, operation), self.limits)
        live = self.get(name)
        if live is None or not _holds(live.job, wanted):
            raise PreconditionFailed(
                f"Job {name} was deployed, but is not as it was asked for: somebody else changed it; observe it again."
            )
        return live

    def _check(self, job: str, etag: str) -> None:
        """Refuse before asking for a change; Google checks the etag again when it makes it."""
        from google.api_core.exceptions import NotFound as NotThere

        try:
            live = self._job(job).etag
        except NotThere:
            live = ""
        if live != etag:
            raise PreconditionFailed(
                f"Could not deploy job {job}: its etag is {live or 'none'}, not {etag or 'none'} as observed; observe "
                "it again."
            )

    def _job(self, job: str) -> run_v2.Job:
        name = f"{self.parent}/jobs/{job}"
        return self.jobs().get_job(name=name, retry=None, timeout=self.limits.call_seconds)

    def _ran_with(self, job: run_v2.Job) -> list[str]:
        """The images of the latest execution; none when there is no execution since the job's last change."""
        latest = job.latest_created_execution
        changed = job.update_time or job.create_time
        if not latest.name or (changed and latest.create_time < changed):
            return []
        call = Call(f"look at execution {latest.name}", "run.executions.get")
        name = f"{job.name}/executions/{latest.name.rpartition('/')[2]}"
        try:
            found = read(
                call,
                lambda: self.executions().get_execution(name=name, retry=None, timeout=self.limits.call_seconds),
                self.limits,
            )
        except NotFound:  # Google keeps the executions of seven days
            return []
        return [one.image for one in found.template.containers]

    def _send(self, job: str, wanted: dict[str, Any], etag: str) -> str:
        from google.cloud import run_v2

        message = from_dict(run_v2.Job, wanted)
        if etag:
            message.name, message.etag = f"{self.parent}/jobs/{job}", etag
            update = run_v2.UpdateJobRequest(job=message)
            sent = self.jobs().update_job(request=update, retry=None, timeout=self.limits.call_seconds)
        else:
            create = run_v2.CreateJobRequest(parent=self.parent, job_id=job, job=message)
            sent = self.jobs().create_job(request=create, retry=None, timeout=self.limits.call_seconds)
        return str(sent.operation.name)

    def _operation(self, name: str) -> operations_pb2.Operation:
        from google.longrunning import operations_pb2

        request = operations_pb2.GetOperationRequest(name=name)
        return self.jobs().get_operation(request=request, retry=None, timeout=self.limits.call_seconds)


def _containers(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.get("template", {}).get("template", {}).get("containers", [])
    return found


def _digest(image: str) -> str | None:
    return image.partition("@")[2] or None


def _repository(image: str) -> str:
    """The image without tag and digest; a colon before the last slash belongs to the host's port."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


def _same_repository(image: str, ran: list[str]) -> str | None:
    return next((_digest(one) for one in ran if _repository(one) == _repository(image)), None)


def _holds(live: Any, wanted: Any) -> bool:
    """Whether everything `wanted` is in `live`, to which Google may have added defaults."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(key in live and _holds(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(live, list) and len(live) == len(wanted)
        return same_length and all(_holds(one, other) for one, other in zip(live, wanted, strict=True))
    return bool(live == wanted)
