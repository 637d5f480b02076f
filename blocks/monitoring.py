"""Cloud Monitoring, and the metrics of Cloud Logging: by what people are told. It is only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, TypeVar

from pydantic import Field, PrivateAttr

from blocks import monitoring_facts as facts
from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials

T = TypeVar("T")
_PAGE = 1000
_V3, _LOGGING = "google.cloud.monitoring_v3.services", "google.cloud.logging_v2.services"
_CLIENTS = {
    "alerts": (f"{_V3}.alert_policy_service", "AlertPolicyServiceClient"),
    "channels": (f"{_V3}.notification_channel_service", "NotificationChannelServiceClient"),
    "snoozes": (f"{_V3}.snooze_service", "SnoozeServiceClient"),
    "levels": (f"{_V3}.service_monitoring_service", "ServiceMonitoringServiceClient"),
    "dashboards": ("google.cloud.monitoring_dashboard_v1.services.dashboards_service", "DashboardsServiceClient"),
    "metrics": (f"{_LOGGING}.metrics_service_v2", "MetricsServiceV2Client"),
}
"""The client of each part."""


def _lazy_clients() -> dict[str, Lazy[Any]]:
    return {part: Lazy() for part in _CLIENTS}


class PipelineMonitoring(RemediationBlock):
    """Dashboards, alert policies, notification channels, snoozes, service levels and log-based metrics of the project."""

    _block_type_name = "Remediation Monitoring"
    _block_type_slug = "remediation-monitoring"
    _description = "Cloud Monitoring of the pipeline: by what people are told, and whether it can tell them."

    project: str = Field(default="", description="Google Cloud project that is monitored.")
    endpoint: str = Field(
        default="", description="host:port of the Monitoring and Logging APIs instead of Google's; unencrypted."
    )
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _clients: dict[str, Lazy[Any]] = PrivateAttr(default_factory=_lazy_clients)

    def alerts(self) -> list[facts.Alert]:
        """Every alert policy. Each of these methods raises `TemporaryError`, `PermanentError`: then nothing is known."""
        return self._list("alerts", "alert_policies", facts.alert_from, "monitoring.alertPolicies.list")

    def channels(self) -> list[facts.Channel]:
        """Every notification channel. Raises as `alerts`."""
        permission = "monitoring.notificationChannels.list"
        return self._list("channels", "notification_channels", facts.channel_from, permission)

    def snoozes(self) -> list[facts.Snooze]:
        """Every snooze, also those that are over. Raises as `alerts`."""
        return self._list("snoozes", "snoozes", facts.snooze_from, "monitoring.snoozes.list", about="parent")

    def dashboards(self) -> list[facts.Dashboard]:
        """Every dashboard. Raises as `alerts`."""
        return self._list(
            "dashboards", "dashboards", facts.dashboard_from, "monitoring.dashboards.list", about="parent"
        )

    def log_metrics(self) -> list[facts.LogMetric]:
        """Every log-based metric of the user's. Raises as `alerts`."""
        return self._list(
            "metrics", "metrics", facts.log_metric_from, "logging.logMetrics.list", "parent", "log_metrics"
        )

    def service_levels(self) -> list[facts.ServiceLevel]:
        """Every service level of every service. Raises as `alerts`."""
        services: list[str] = self._list(
            "levels", "services", lambda one: str(one.name), "monitoring.services.list", about="parent"
        )
        found: list[facts.ServiceLevel] = []
        for service in services:
            call = Call(f"list the service levels of {service}", "monitoring.slos.list")
            method = self._client("levels").list_service_level_objectives
            pages = self._pages(call, method, {"parent": service, "page_size": _PAGE})
            found += (facts.service_level_from(one) for page in pages for one in page.service_level_objectives)
        return found

    def open(self) -> None:
        """Make every client now, for threads that then use them at the same time (see `blocks.clients.load_libraries`)."""
        for part in _CLIENTS:
            self._client(part)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        for client in self._clients.values():
            client.drop(close_channel)

    def _list(
        self, part: str, field: str, make: Callable[[Any], T], permission: str, about: str = "name", method: str = ""
    ) -> list[T]:
        """Every one of a part, as `make` has it. `about`: the request's field for the project."""
        call = Call(
            f"list the {(method or field).replace('_', ' ')} of {self.project}", permission, "check the project."
        )
        ask = getattr(self._client(part), f"list_{method or field}")
        pages = self._pages(call, ask, {about: f"projects/{self.project}", "page_size": _PAGE})
        return [make(one) for page in pages for one in getattr(page, field)]

    def _pages(self, call: Call, method: Callable[..., Any], request: dict[str, Any]) -> Iterator[Any]:
        def once() -> Any:
            return next(method(request=request, retry=None, timeout=self.limits.call_seconds).pages)

        while True:
            page = read(call, once, self.limits)
            yield page
            if not page.next_page_token:
                return
            request["page_token"] = page.next_page_token

    def _client(self, part: str) -> Any:
        def make() -> Any:
            module, name = _CLIENTS[part]
            client = getattr(import_module(module), name)
            if self.endpoint:
                return client(transport=client.get_transport_class("grpc")(channel=plain_channel(self.endpoint)))
            return client(credentials=google_credentials(self.credentials))

        return self._clients[part].get(make)
