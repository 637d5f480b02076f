"""The CronJobs of one namespace: what the cluster starts by the clock, and suspending it."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from blocks.calls import Call, CallLimits, read, write
from blocks.errors import NotFound, OutsideError

if TYPE_CHECKING:
    from kubernetes import client as kubernetes

_PAGE = 500


@dataclass(frozen=True)
class CronJobInfo:
    """One CronJob."""

    name: str
    uid: str
    """Tells it from a later one of the same name."""
    schedule: str
    suspended: bool
    """`spec.suspend`: it starts no Job. What it has started already goes on (kubernetes.io, "CronJob")."""
    resource_version: str
    """The precondition of a change. Changes whenever the controller starts a Job, too."""
    last_started: datetime | None = None


@dataclass(frozen=True)
class CronJobs:
    """The CronJobs of one namespace. Made by `GkeCluster.cron_jobs`."""

    client: Callable[[], kubernetes.BatchV1Api]
    namespace: str
    limits: CallLimits

    def list(self) -> builtins.list[CronJobInfo]:
        """Every CronJob, by name."""
        call = Call(f"list the CronJobs in namespace {self.namespace}", "list on cronjobs.batch")
        found: builtins.list[CronJobInfo] = []
        token = ""
        while True:
            page = read(call, partial(self._page, token), self.limits)
            found += map(_info, page.items)
            token = page.metadata._continue or ""
            if not token:
                return sorted(found, key=lambda one: one.name)

    def get(self, name: str) -> CronJobInfo | None:
        """The CronJob of that name; None when there is none."""
        call = Call(f"look at CronJob {name}", "get on cronjobs.batch")
        seconds = self.limits.call_seconds

        def attempt() -> CronJobInfo:
            return _info(self.client().read_namespaced_cron_job(name, self.namespace, _request_timeout=seconds))

        try:
            return read(call, attempt, self.limits)
        except NotFound:
            return None

    def set_suspended(self, seen: CronJobInfo, suspended: bool) -> CronJobInfo:
        """Suspend the CronJob as it was seen, or let it start Jobs again. A lost answer is looked up.

        Raises `PreconditionFailed` when it has changed since (its resourceVersion is another), `NotFound`, `UnknownOutcome`.
        """
        call = Call(f"{'suspend' if suspended else 'resume'} CronJob {seen.name}", "patch on cronjobs.batch")
        steps: builtins.list[dict[str, Any]] = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": seen.resource_version},
            {"op": "add", "path": "/spec/suspend", "value": suspended},
        ]

        def attempt() -> CronJobInfo:
            changed = self.client().patch_namespaced_cron_job(
                seen.name, self.namespace, steps, _request_timeout=self.limits.call_seconds
            )
            return _info(changed)

        def recognise(_refusal: OutsideError) -> CronJobInfo | None:
            live = self.get(seen.name)
            return live if live is not None and (live.uid, live.suspended) == (seen.uid, suspended) else None

        return write(call, attempt, self.limits, recognise)

    def _page(self, token: str) -> Any:
        options: dict[str, Any] = {"_continue": token} if token else {}
        return self.client().list_namespaced_cron_job(
            self.namespace, limit=_PAGE, _request_timeout=self.limits.call_seconds, **options
        )


def _info(found: Any) -> CronJobInfo:
    return CronJobInfo(
        name=found.metadata.name,
        uid=found.metadata.uid,
        schedule=found.spec.schedule,
        suspended=bool(found.spec.suspend),
        resource_version=found.metadata.resource_version,
        last_started=found.status.last_schedule_time if found.status else None,
    )
