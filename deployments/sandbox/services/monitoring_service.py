"""Cloud Monitoring (alert policies, channels, snoozes, service levels, dashboards) and Cloud Logging's metrics: made and listed.

Left out: get, update, delete, filters and orders of lists, verification codes, measuring anything, and incidents.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import grpc
from google.api import metric_pb2  # type: ignore[import-untyped]
from google.cloud import monitoring_dashboard_v1 as boards
from google.cloud import monitoring_v3 as v3
from google.cloud.logging_v2 import types as logs

from blocks.catalogue import Catalogue
from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, page, page_size, split_name

_ROOT = f"projects/{PROJECT}"
_WORKFLOW = "workflows.googleapis.com/Workflow"
_USER = "logging.googleapis.com/user/"


class MonitoringService:
    """Everything by which people are told, by kind and name. `deploy` makes what a complete installation has."""

    def __init__(self) -> None:
        """Nothing is monitored yet."""
        kinds = ("alertPolicies", "notificationChannels", "snoozes", "services", "slos", "dashboards", "metrics")
        self.things: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
        """By kind and full name (metrics by their own name), the message."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC services. Faults and counts of all go by `monitoring`, those of log-based metrics by `logging`."""
        alerts: Methods = {
            "ListAlertPolicies": _listing(
                self, "alertPolicies", v3.ListAlertPoliciesRequest, v3.ListAlertPoliciesResponse
            ),
            "CreateAlertPolicy": (
                v3.CreateAlertPolicyRequest,
                lambda request: self._create("alertPolicies", request.name, request.alert_policy),
            ),
        }
        channels: Methods = {
            "ListNotificationChannels": _listing(
                self, "notificationChannels", v3.ListNotificationChannelsRequest, v3.ListNotificationChannelsResponse
            ),
            "CreateNotificationChannel": (
                v3.CreateNotificationChannelRequest,
                lambda request: self._create("notificationChannels", request.name, request.notification_channel),
            ),
        }
        snoozes: Methods = {
            "ListSnoozes": _listing(self, "snoozes", v3.ListSnoozesRequest, v3.ListSnoozesResponse),
            "CreateSnooze": (v3.CreateSnoozeRequest, lambda one: self._create("snoozes", one.parent, one.snooze)),
        }
        levels: Methods = {
            "ListServices": _listing(self, "services", v3.ListServicesRequest, v3.ListServicesResponse),
            "CreateService": (v3.CreateServiceRequest, lambda one: self._create("services", one.parent, one.service)),
            "ListServiceLevelObjectives": (v3.ListServiceLevelObjectivesRequest, self._levels),
            "CreateServiceLevelObjective": (v3.CreateServiceLevelObjectiveRequest, self._create_level),
        }
        dashboards: Methods = {
            "ListDashboards": _listing(self, "dashboards", boards.ListDashboardsRequest, boards.ListDashboardsResponse),
            "CreateDashboard": (
                boards.CreateDashboardRequest,
                lambda request: self._create("dashboards", request.parent, request.dashboard),
            ),
        }
        metrics: Methods = {
            "ListLogMetrics": _listing(self, "metrics", logs.ListLogMetricsRequest, logs.ListLogMetricsResponse),
            "CreateLogMetric": (logs.CreateLogMetricRequest, self._create_metric),
        }
        return [
            wire.service("google.monitoring.v3.AlertPolicyService", "monitoring", alerts),
            wire.service("google.monitoring.v3.NotificationChannelService", "monitoring", channels),
            wire.service("google.monitoring.v3.SnoozeService", "monitoring", snoozes),
            wire.service("google.monitoring.v3.ServiceMonitoringService", "monitoring", levels),
            wire.service("google.monitoring.dashboard.v1.DashboardsService", "monitoring", dashboards),
            wire.service("google.logging.v2.MetricsServiceV2", "logging", metrics),
        ]

    def deploy(self, catalogue: Catalogue) -> None:
        """What the pipeline's authors make, as it works: one e-mail channel, and alerts on the resources that log."""
        channel = v3.NotificationChannel(type_="email", display_name="On call", enabled=True)
        told = self._create("notificationChannels", _ROOT, channel).name
        for name, metric in catalogue.monitoring.log_metrics.items():
            self.things["metrics"][name] = logs.LogMetric(name=name, filter=metric.filter)
        for title in catalogue.monitoring.dashboards:
            self._create("dashboards", _ROOT, boards.Dashboard(display_name=title))
        for title, alert in catalogue.monitoring.alerts.items():
            counted = self.things["metrics"].get(alert.metric)
            kind = "k8s_container" if counted is not None and "k8s_container" in counted.filter else _WORKFLOW
            seen = f"{_USER}{alert.metric}" if alert.metric else "workflows.googleapis.com/finished_execution_count"
            self._create(
                "alertPolicies", _ROOT, policy(title, f'resource.type="{kind}" AND metric.type="{seen}"', told)
            )

    def _list(self, kind: str, parent: str, request: Any, things: Callable[[Any], bool] = lambda _: True) -> Any:
        with self._lock:
            every = sorted((one for one in self.things[kind].values() if things(one)), key=lambda one: str(one.name))
        size = page_size(request.page_size, default=100, most=1000)
        return page(every, lambda one: str(one.name), size=size, token=request.page_token, scope=parent)

    def _create(self, kind: str, parent: str, message: Any) -> Any:
        split_name(parent, "projects/*" if kind != "slos" else "projects/*/services/*")
        if not message.display_name:
            raise invalid("display_name: must not be empty.")
        with self._lock:
            root = f"{parent}/{'serviceLevelObjectives' if kind == 'slos' else kind}"
            message.name = f"{root}/{next(self._numbers):06d}"
            self.things[kind][message.name] = message
        return message

    def _levels(self, request: v3.ListServiceLevelObjectivesRequest) -> v3.ListServiceLevelObjectivesResponse:
        self._service(request.parent)
        mine = f"{request.parent}/"
        chosen, token = self._list("slos", request.parent, request, lambda one: str(one.name).startswith(mine))
        return v3.ListServiceLevelObjectivesResponse(service_level_objectives=chosen, next_page_token=token)

    def _create_level(self, request: v3.CreateServiceLevelObjectiveRequest) -> Any:
        self._service(request.parent)
        return self._create("slos", request.parent, request.service_level_objective)

    def _service(self, name: str) -> None:
        split_name(name, "projects/*/services/*")
        if name not in self.things["services"]:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Service {name} was not found.")

    def _create_metric(self, request: logs.CreateLogMetricRequest) -> logs.LogMetric:
        """Google refuses log-based metrics that are gauges: counters and distributions are deltas."""
        split_name(request.parent, "projects/*")
        metric = request.metric
        kind = metric.metric_descriptor.metric_kind
        if kind not in (metric_pb2.MetricDescriptor.METRIC_KIND_UNSPECIFIED, metric_pb2.MetricDescriptor.DELTA):
            raise invalid("metric_descriptor.metric_kind: must be DELTA.")
        if not metric.name or not metric.filter:
            raise invalid("metric: name and filter must not be empty.")
        with self._lock:
            if metric.name in self.things["metrics"]:
                raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"Metric {metric.name} already exists.")
            self.things["metrics"][metric.name] = metric
        return metric


def policy(title: str, watched: str, *channels: str, **more: Any) -> v3.AlertPolicy:
    """An alert policy that is enabled and watches one filter."""
    threshold = v3.AlertPolicy.Condition.MetricThreshold(filter=watched)
    condition = v3.AlertPolicy.Condition(display_name=title, condition_threshold=threshold)
    fields = {"enabled": True, "notification_channels": list(channels), "conditions": [condition]}
    return v3.AlertPolicy(display_name=title, **(fields | more))


def _listing(service: MonitoringService, kind: str, request_type: Any, response_type: Any) -> tuple[Any, Any]:
    """A list method of a whole project: its request's type, and what answers it."""
    field = next(name for name in response_type.meta.fields if name not in ("next_page_token", "total_size"))

    def answer(request: Any) -> Any:
        parent = request.name if "name" in request_type.meta.fields else request.parent
        (project,) = split_name(parent, "projects/*")
        chosen, token = service._list(kind, parent, request, lambda _: project == PROJECT)
        return response_type(**{field: chosen, "next_page_token": token})

    return request_type, answer
