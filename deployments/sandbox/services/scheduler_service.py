"""Cloud Scheduler: jobs made, paused, resumed and deleted, the catalogue's at first. The clock starts nothing here."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

import grpc
from google.cloud import scheduler_v1
from google.protobuf import empty_pb2
from google.rpc import status_pb2

from blocks.catalogue import Catalogue
from deployments.sandbox.names import LOCATION, LOCATIONS, PROJECT
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found, page, page_size, split_name

JOB = "projects/*/locations/*/jobs/*"
_ZONES = frozenset(available_timezones())
_State: Any = scheduler_v1.Job.State


class SchedulerService:
    """The gRPC service of Cloud Scheduler. What the catalogue says is deployed is there at first."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Those the catalogue says are created paused are paused at first."""
        self._lock = threading.Lock()
        there = [_job(catalogue, name) for name, known in catalogue.schedulers.items() if known.deployed]
        self._jobs = {job.name: job for job in there}

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service."""
        methods: Methods = {
            "GetJob": (scheduler_v1.GetJobRequest, lambda request: self._found(request.name)),
            "ListJobs": (scheduler_v1.ListJobsRequest, self._list),
            "CreateJob": (scheduler_v1.CreateJobRequest, self._create),
            "DeleteJob": (scheduler_v1.DeleteJobRequest, self._delete),
            "PauseJob": (scheduler_v1.PauseJobRequest, self._pause),
            "ResumeJob": (scheduler_v1.ResumeJobRequest, self._resume),
        }
        return [wire.service("google.cloud.scheduler.v1.CloudScheduler", "scheduler", methods)]

    def state(self, name: str) -> str:
        """ENABLED or PAUSED, of a job in the sandbox's own region. Raises KeyError."""
        return str(self._jobs[f"{LOCATION}/jobs/{name}"].state.name)

    def put_state(self, name: str, state: str) -> None:
        """Let a job of the sandbox's own region be in a state that no request leads to. Raises KeyError."""
        with self._lock:
            job = scheduler_v1.Job(self._jobs[f"{LOCATION}/jobs/{name}"])
            job.state = _State[state]
            self._jobs[job.name] = job

    def put_last(self, name: str, code: int, message: str = "") -> None:
        """Let the last call of a job of the sandbox's own region have ended so. Raises KeyError."""
        with self._lock:
            job = scheduler_v1.Job(self._jobs[f"{LOCATION}/jobs/{name}"])
            job.status = status_pb2.Status(code=code, message=message)
            self._jobs[job.name] = job

    def delete(self, name: str) -> None:
        """Take a job of the sandbox's own region away. Raises KeyError."""
        with self._lock:
            del self._jobs[f"{LOCATION}/jobs/{name}"]

    def _list(self, request: scheduler_v1.ListJobsRequest) -> scheduler_v1.ListJobsResponse:
        split_name(request.parent, "projects/*/locations/*")
        names = sorted(name for name in self._jobs if name.startswith(f"{request.parent}/"))
        size = page_size(request.page_size, default=500, most=500)
        chosen, token = page(names, str, size=size, token=request.page_token, scope=request.parent)
        return scheduler_v1.ListJobsResponse(jobs=[self._jobs[name] for name in chosen], next_page_token=token)

    def _create(self, request: scheduler_v1.CreateJobRequest) -> scheduler_v1.Job:
        project, location = split_name(request.parent, "projects/*/locations/*")
        if project != PROJECT or location not in LOCATIONS:
            raise not_found(request.parent)
        job = scheduler_v1.Job(request.job)
        _check(job, request.parent)
        with self._lock:
            if job.name in self._jobs:
                raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"Job '{job.name}' already exists.")
            job.state, job.user_update_time = _State.ENABLED, datetime.now(UTC)
            self._jobs[job.name] = job
        return job

    def _delete(self, request: scheduler_v1.DeleteJobRequest) -> Any:
        with self._lock:
            self._found(request.name)
            del self._jobs[request.name]
        return empty_pb2.Empty()

    def _pause(self, request: scheduler_v1.PauseJobRequest) -> scheduler_v1.Job:
        return self._turn(request.name, _State.ENABLED, _State.PAUSED)

    def _resume(self, request: scheduler_v1.ResumeJobRequest) -> scheduler_v1.Job:
        return self._turn(request.name, _State.PAUSED, _State.ENABLED)

    def _turn(self, name: str, before: Any, after: Any) -> scheduler_v1.Job:
        """Google: only an enabled job can be paused, and only a paused one resumed."""
        with self._lock:
            job = scheduler_v1.Job(self._found(name))
            if job.state != before:
                message = f"The job must be in state {before.name}, but it is {_State(job.state).name}."
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)
            job.state, job.user_update_time = after, datetime.now(UTC)
            self._jobs[name] = job
            return job

    def _found(self, name: str) -> scheduler_v1.Job:
        split_name(name, JOB)
        job = self._jobs.get(name)
        if job is None:
            raise not_found(name)
        return job


def _check(job: scheduler_v1.Job, parent: str) -> None:
    """Google ("projects.locations.jobs"): the form of the name, a schedule, a time zone and one target."""
    if split_name(job.name, JOB) and not job.name.startswith(f"{parent}/"):
        raise invalid(f"job.name: '{job.name}' is not in {parent}.")
    if not re.fullmatch("[A-Za-z0-9_-]{1,500}", job.name.rpartition("/")[2]):
        raise invalid(f"job.name: '{job.name}' may end in letters, digits, '-' and '_' only.")
    if not job.schedule.strip():
        raise invalid("job.schedule: must say when, as in '0 8 * * *'.")
    job.time_zone = job.time_zone or "Etc/UTC"
    if job.time_zone not in _ZONES:
        raise invalid(f"job.time_zone: '{job.time_zone}' is no name of the tz database.")
    if not any(target in job for target in ("http_target", "pubsub_target", "app_engine_http_target")):
        raise invalid("job: must have a target.")


def _job(catalogue: Catalogue, name: str) -> scheduler_v1.Job:
    """A POST that creates an execution, the argument as JSON text in its body (Google: "Schedule a workflow")."""
    known = catalogue.schedulers[name]
    body = {"argument": json.dumps(known.argument)} if known.argument else {}
    target = scheduler_v1.HttpTarget(
        uri=f"https://workflowexecutions.googleapis.com/v1/{LOCATION}/workflows/{known.target}/executions",
        http_method=scheduler_v1.HttpMethod.POST,
        body=json.dumps(body).encode(),
        oauth_token=scheduler_v1.OAuthToken(
            service_account_email=f"blueprint-scheduler@{PROJECT}.iam.gserviceaccount.com"
        ),
    )
    return scheduler_v1.Job(
        name=f"{LOCATION}/jobs/{name}",
        schedule=known.cron,
        time_zone="Etc/UTC",
        state=_State.PAUSED if known.created_paused else _State.ENABLED,
        user_update_time=datetime.now(UTC),
        http_target=target,
    )
