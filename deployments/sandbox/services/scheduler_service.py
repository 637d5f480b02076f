"""Cloud Scheduler: the catalogue's schedulers, paused and resumed. Nothing is started by the clock here."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TypeAlias

import grpc
from google.cloud import scheduler_v1

from blocks.catalogue import Catalogue
from deployments.sandbox.names import LOCATION, PROJECT
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, not_found, page, page_size, split_name

JOB = "projects/*/locations/*/jobs/*"
_State: TypeAlias = scheduler_v1.Job.State


class SchedulerService:
    """The gRPC service of Cloud Scheduler. Every scheduler of the catalogue is there."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Those the catalogue says are created paused are paused at first."""
        self._lock = threading.Lock()
        self._jobs = {name: _job(catalogue, name) for name in sorted(catalogue.schedulers)}

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service."""
        methods: Methods = {
            "GetJob": (scheduler_v1.GetJobRequest, lambda request: self._found(request.name)),
            "ListJobs": (scheduler_v1.ListJobsRequest, self._list),
            "PauseJob": (scheduler_v1.PauseJobRequest, self._pause),
            "ResumeJob": (scheduler_v1.ResumeJobRequest, self._resume),
        }
        return [wire.service("google.cloud.scheduler.v1.CloudScheduler", "scheduler", methods)]

    def state(self, name: str) -> str:
        """ENABLED or PAUSED. Raises KeyError."""
        return str(self._jobs[name].state.name)

    def _list(self, request: scheduler_v1.ListJobsRequest) -> scheduler_v1.ListJobsResponse:
        split_name(request.parent, "projects/*/locations/*")
        names = list(self._jobs) if request.parent == LOCATION else []
        size = page_size(request.page_size, default=500, most=500)
        chosen, token = page(names, str, size=size, token=request.page_token)
        return scheduler_v1.ListJobsResponse(jobs=[self._jobs[name] for name in chosen], next_page_token=token)

    def _pause(self, request: scheduler_v1.PauseJobRequest) -> scheduler_v1.Job:
        return self._turn(request.name, _State.ENABLED, _State.PAUSED)

    def _resume(self, request: scheduler_v1.ResumeJobRequest) -> scheduler_v1.Job:
        return self._turn(request.name, _State.PAUSED, _State.ENABLED)

    def _turn(self, name: str, before: scheduler_v1.Job.State, after: scheduler_v1.Job.State) -> scheduler_v1.Job:
        """Google: only an enabled job can be paused, and only a paused one resumed."""
        with self._lock:
            job = scheduler_v1.Job(self._found(name))
            if job.state != before:
                message = f"The job must be in state {before.name}, but it is {_State(job.state).name}."
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)
            job.state, job.user_update_time = after, datetime.now(UTC)
            self._jobs[name.rpartition("/")[2]] = job
            return job

    def _found(self, name: str) -> scheduler_v1.Job:
        short = split_name(name, JOB)[2]
        if short not in self._jobs or name != f"{LOCATION}/jobs/{short}":
            raise not_found(name)
        return self._jobs[short]


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
