"""The deployed Cloud Run jobs with their templates, and the registry their images are in.

A job whose image is not in the registry is not ready, as at Google: it says so and cannot be run.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import grpc
from google.cloud import run_v2

from blocks.catalogue import Catalogue
from deployments.sandbox.names import LOCATION, PROJECT, REGION
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.rpc import Refusal, invalid

DEFAULT_TIMEOUT = 600
"""Seconds. Google: a task's timeout when the job names none."""
_USERS_FIELDS = (
    "labels",
    "annotations",
    "client",
    "client_version",
    "launch_stage",
    "binary_authorization",
    "template",
)


class ImageRegistry:
    """Which image a tag stands for. Every image exists until it is taken away."""

    def __init__(self) -> None:
        """Every tag stands for its first image."""
        self._pushes: Counter[str] = Counter()
        self._gone: set[str] = set()
        self._tags: set[str] = set()
        self.broken: dict[str, str] = {}
        """Images with which every run of a job fails, as they are named in jobs or by digest: what it then logs."""

    def __contains__(self, image: str) -> bool:
        return image not in self._gone

    def put(self, image: str, exists: bool) -> None:
        """Take an image away, as it is named in jobs, or put it back."""
        (self._gone.discard if exists else self._gone.add)(image)

    def push(self, image: str) -> None:
        """Let a tag (`host/path:tag`) stand for a new image from now on."""
        self._tags.add(image)
        self._pushes[image] += 1

    def tags_of(self, image: str) -> list[str]:
        """The tags that stand for an image, which is named by its digest, of those that were ever looked up or pushed."""
        known = [one for one in list(self._tags) if one in self and self.resolve(one) == image]
        return sorted(one.rpartition("/")[2].partition(":")[2] or "latest" for one in known)

    def fault_of(self, image: str) -> str:
        """What a run of it fails with; empty for one that works."""
        return self.broken.get(image) or self.broken.get(self.resolve(image), "")

    def resolve(self, image: str) -> str:
        """The image by its digest."""
        if "@" in image:
            return image
        self._tags.add(image)
        digest = hashlib.sha256(f"{image}#{self._pushes[image]}".encode()).hexdigest()
        path, slash, last = image.rpartition("/")
        return f"{path}{slash}{last.partition(':')[0]}@sha256:{digest}"


class DeployedJobs:
    """The jobs in `deployed`, as they are now; one that is taken away is forgotten."""

    def __init__(self, catalogue: Catalogue, deployed: Deployed, images: ImageRegistry) -> None:
        """Each is made from the catalogue when it is first asked for."""
        self._images = images
        self._catalogue = catalogue
        self._deployed = deployed
        self._lock = threading.RLock()
        self._jobs: dict[str, tuple[datetime, run_v2.Job]] = {}
        self.spoilt: dict[str, str] = {}
        """By job, why it is found not to be ready just after its next change, whose operation ends well; used up by it."""

    def get(self, job: str) -> run_v2.Job:
        """A copy of a deployed job, without anything about its executions."""
        since = self._deployed.since(job) or datetime.now(UTC)
        with self._lock:
            known = self._jobs.get(job)
            if known is None or known[0] != since:
                known = self._jobs[job] = (since, self._first(job, self._shipped(job), since))
            return run_v2.Job(known[1])

    def create(self, job: str, wanted: run_v2.Job) -> run_v2.Job:
        """Deploy a job that is not deployed. Only those of the catalogue can do anything here."""
        if job not in self._catalogue.jobs:
            raise invalid(f"job_id: the sandbox can only run jobs of the catalogue, not '{job}'.")
        _check(wanted)
        with self._lock:
            self._deployed.put(job, True)
            since = self._deployed.since(job) or datetime.now(UTC)
            self._jobs[job] = (since, self._first(job, wanted, since))
            return self.get(job)

    def update(self, job: str, wanted: run_v2.Job) -> run_v2.Job:
        """Replace what the user says of a job. Google: ABORTED when `etag` is given and is another one."""
        _check(wanted)
        with self._lock:
            live = self.get(job)
            if wanted.etag not in ("", live.etag):
                message = f"Conflict for resource '{job}': version '{wanted.etag}' was specified but current version is"
                raise Refusal(grpc.StatusCode.ABORTED, f"{message} '{live.etag}'.")
            _take(live, wanted)
            live.update_time = datetime.now(UTC)
            live.generation += 1
            live.observed_generation = live.generation
            live.terminal_condition = self._ready(live)
            live.etag = _etag(live)
            changed = run_v2.Job(live)
            if reason := self.spoilt.pop(job, ""):
                live.terminal_condition = _not_ready(live, reason)
            self._jobs[job] = (self._jobs[job][0], live)
            return changed

    def _shipped(self, job: str) -> run_v2.Job:
        """The job as the pipeline's own scripts would deploy it."""
        image = f"{REGION}-docker.pkg.dev/{PROJECT}/blueprint-jobs/{job}:latest"
        timeout = timedelta(seconds=self._catalogue.jobs[job].timeout_seconds or DEFAULT_TIMEOUT)
        task = run_v2.TaskTemplate(containers=[run_v2.Container(name=job, image=image)], timeout=timeout)
        return run_v2.Job(template=run_v2.ExecutionTemplate(task_count=1, template=task))

    def _ready(self, job: run_v2.Job) -> run_v2.Condition:
        """Whether a job could be run, as Cloud Run finds out when it is made or changed."""
        missing = [one.image for one in job.template.template.containers if one.image not in self._images]
        if missing:
            failed = _not_ready(job, f"Image '{missing[0]}' not found.")
            failed.reason = run_v2.Condition.CommonReason(run_v2.Condition.CommonReason.CONTAINER_MISSING)
            return failed
        ready = run_v2.Condition(type_="Ready", last_transition_time=job.update_time)
        ready.state = run_v2.Condition.State(run_v2.Condition.State.CONDITION_SUCCEEDED)
        return ready

    def _first(self, job: str, wanted: run_v2.Job, since: datetime) -> run_v2.Job:
        message = run_v2.Job(
            name=f"{LOCATION}/jobs/{job}",
            uid=str(uuid.uuid5(uuid.NAMESPACE_URL, job)),
            generation=1,
            observed_generation=1,
            create_time=since,
            update_time=since,
        )
        _take(message, wanted)
        message.terminal_condition = self._ready(message)
        message.etag = _etag(message)
        return message


def _not_ready(job: run_v2.Job, message: str) -> run_v2.Condition:
    failed = run_v2.Condition(type_="Ready", last_transition_time=job.update_time, message=message)
    failed.state = run_v2.Condition.State(run_v2.Condition.State.CONDITION_FAILED)
    return failed


def _take(job: run_v2.Job, wanted: run_v2.Job) -> None:
    """Google fills in what a user leaves out: one task, its timeout, the service account."""
    for field in _USERS_FIELDS:
        setattr(job, field, getattr(wanted, field))
    job.template.task_count = job.template.task_count or 1
    task = job.template.template
    task.service_account = task.service_account or f"blueprint-jobs@{PROJECT}.iam.gserviceaccount.com"
    if not task.timeout:
        task.timeout = timedelta(seconds=DEFAULT_TIMEOUT)


def _check(wanted: run_v2.Job) -> None:
    containers = wanted.template.template.containers
    if not containers or not all(container.image for container in containers):
        raise invalid("job.template.template.containers: must name the image of at least one container.")


def _etag(job: run_v2.Job) -> str:
    """In quotes, as Google's are."""
    text = f"{job.update_time.timestamp()} {job.name}"
    return f'"{base64.b64encode(text.encode()).decode()}"'
