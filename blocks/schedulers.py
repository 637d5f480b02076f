"""Cloud Scheduler: what starts workflows by the clock, and holding it."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read, write
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.messages import as_dict

if TYPE_CHECKING:
    from google.cloud import scheduler_v1

_PAGE = 500
"""The most jobs the service gives in one page."""


@dataclass(frozen=True)
class SchedulerInfo:
    """A deployed scheduler job."""

    name: str
    """The short name, as in `retention-cleanup-daily`."""
    cron: str
    timezone: str
    """As in `Etc/UTC`."""
    state: str
    """ENABLED, PAUSED, DISABLED (by the system, after an error) or UPDATE_FAILED."""
    target: str
    """The short name of the workflow or the Cloud Run job it starts, else the URL or the topic it calls."""
    definition: dict[str, Any] = field(default_factory=dict)
    """The whole job as the JSON of Google's REST API."""


class PipelineSchedulers(RemediationBlock):
    """The scheduler jobs of the pipeline: looked at, paused and resumed."""

    _block_type_name = "Remediation Schedulers"
    _block_type_slug = "remediation-schedulers"
    _description = "Cloud Scheduler jobs of the pipeline: what starts by the clock, and holding it."

    project: str = Field(default="", description="Google Cloud project of the schedulers.")
    region: str = Field(default="us-central1", description="Region of the schedulers.")
    endpoint: str = Field(default="", description="host:port of the Scheduler API instead of Google's; unencrypted.")
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[scheduler_v1.CloudSchedulerClient] = PrivateAttr(default_factory=Lazy)

    def list(self) -> builtins.list[SchedulerInfo]:
        """Every scheduler job of the project and region, by name."""
        call = Call(f"list the schedulers of {self.project}", "cloudscheduler.jobs.list", "check project and region.")
        found: builtins.list[SchedulerInfo] = []
        token = ""
        while True:
            page = read(call, partial(self._page, token), self.limits)
            found += map(_scheduler, page.jobs)
            token = page.next_page_token
            if not token:
                return sorted(found, key=lambda one: one.name)

    def pause(self, name: str) -> SchedulerInfo:
        """Let a job start nothing more; one that is paused already is left as it is. `name`: the short name.

        Raises `NotFound`, `PermanentError` when its state does not allow it (only an enabled one can be paused).
        """
        call = Call(f"pause scheduler {name}", "cloudscheduler.jobs.pause", "list the schedulers, or check its name.")
        return self._set(call, name, "PAUSED")

    def resume(self, name: str) -> SchedulerInfo:
        """Let a paused job start things again; one that is enabled already is left as it is. `name`: the short name.

        Raises `NotFound`, `PermanentError` when its state does not allow it (only a paused one can be resumed).
        """
        call = Call(f"resume scheduler {name}", "cloudscheduler.jobs.enable", "list the schedulers, or check its name.")
        return self._set(call, name, "ENABLED")

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _set(self, call: Call, name: str, state: str) -> SchedulerInfo:
        """Google refuses to pause a paused job, so every try looks first: a lost answer needs nothing else."""
        full = f"projects/{self.project}/locations/{self.region}/jobs/{name}"

        def attempt() -> SchedulerInfo:
            client = self._open()
            found = _scheduler(client.get_job(name=full, retry=None, timeout=self.limits.call_seconds))
            if found.state == state:
                return found
            change = client.pause_job if state == "PAUSED" else client.resume_job
            return _scheduler(change(name=full, retry=None, timeout=self.limits.call_seconds))

        return write(call, attempt, self.limits)

    def _page(self, token: str) -> scheduler_v1.ListJobsResponse:
        from google.cloud import scheduler_v1

        parent = f"projects/{self.project}/locations/{self.region}"
        request = scheduler_v1.ListJobsRequest(parent=parent, page_size=_PAGE, page_token=token)
        pager = self._open().list_jobs(request=request, retry=None, timeout=self.limits.call_seconds)
        return next(pager.pages)

    def _open(self) -> scheduler_v1.CloudSchedulerClient:
        def make() -> scheduler_v1.CloudSchedulerClient:
            from google.cloud import scheduler_v1
            from google.cloud.scheduler_v1.services.cloud_scheduler.transports import CloudSchedulerGrpcTransport

            if self.endpoint:
                transport = CloudSchedulerGrpcTransport(channel=plain_channel(self.endpoint))
                return scheduler_v1.CloudSchedulerClient(transport=transport)
            return scheduler_v1.CloudSchedulerClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def _scheduler(message: scheduler_v1.Job) -> SchedulerInfo:
    definition = as_dict(message)
    return SchedulerInfo(
        name=message.name.rsplit("/", 1)[-1],
        cron=message.schedule,
        timezone=message.time_zone,
        state=message.state.name,
        target=_target(message),
        definition=definition,
    )


def _target(message: scheduler_v1.Job) -> str:
    """A workflow is started by a POST to `.../workflows/<name>/executions` (Google: "Schedule a workflow"), a job of Cloud
    Run by one to `.../jobs/<name>:run` ("Execute jobs on a schedule")."""
    uri = message.http_target.uri
    if "/jobs/" in uri and uri.endswith(":run"):
        return str(uri.rpartition("/")[2].removesuffix(":run"))
    if "/workflows/" in uri and uri.endswith("/executions"):
        return str(uri.rsplit("/", 2)[-2])
    return str(uri or message.pubsub_target.topic_name or message.app_engine_http_target.relative_uri)
