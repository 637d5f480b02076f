"""Cloud Monitoring and the metrics of Cloud Logging answer the stock clients, page by page, and refuse what Google refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, InvalidArgument, NotFound
from google.cloud import monitoring_dashboard_v1 as boards
from google.cloud import monitoring_v3 as v3
from google.cloud.logging_v2.services.metrics_service_v2 import MetricsServiceV2Client
from google.cloud.logging_v2.types import LogMetric

from blocks.clients import plain_channel
from deployments.sandbox.server import Sandbox

ROOT = "projects/sandbox-project"


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    """One for all: each test looks only at what it has made."""
    with Sandbox(seed=7) as running:
        yield running


def client(world: Sandbox, kind: Any) -> Any:
    return kind(transport=kind.get_transport_class("grpc")(channel=plain_channel(world.endpoints.monitoring)))


def test_what_is_created_is_listed(world: Sandbox) -> None:
    alerts, channels = client(world, v3.AlertPolicyServiceClient), client(world, v3.NotificationChannelServiceClient)
    channel = channels.create_notification_channel(
        name=ROOT, notification_channel=v3.NotificationChannel(type_="sms", display_name="me", enabled=True)
    )
    policy = v3.AlertPolicy(display_name="mine", enabled=False, notification_channels=[channel.name])
    made = alerts.create_alert_policy(name=ROOT, alert_policy=policy)
    assert made.name.startswith(f"{ROOT}/alertPolicies/")
    (found,) = [one for one in alerts.list_alert_policies(name=ROOT) if one.display_name == "mine"]
    assert (found.enabled, list(found.notification_channels)) == (False, [channel.name])
    assert channel.name in [one.name for one in channels.list_notification_channels(name=ROOT)]


def test_dashboards_snoozes_and_service_levels_are_made_and_listed(world: Sandbox) -> None:
    dashboards, snoozes = client(world, boards.DashboardsServiceClient), client(world, v3.SnoozeServiceClient)
    levels = client(world, v3.ServiceMonitoringServiceClient)
    dashboards.create_dashboard(
        request=boards.CreateDashboardRequest(parent=ROOT, dashboard=boards.Dashboard(display_name="my board"))
    )
    asked = boards.ListDashboardsRequest(parent=ROOT)
    assert "my board" in [one.display_name for one in dashboards.list_dashboards(request=asked)]
    snoozes.create_snooze(parent=ROOT, snooze=v3.Snooze(display_name="quiet"))
    assert [one.display_name for one in snoozes.list_snoozes(parent=ROOT)] == ["quiet"]
    service = levels.create_service(parent=ROOT, service=v3.Service(display_name="exports"))
    level = v3.ServiceLevelObjective(display_name="98 %", goal=0.98)
    levels.create_service_level_objective(parent=service.name, service_level_objective=level)
    found = list(levels.list_service_level_objectives(parent=service.name))
    assert [(one.display_name, one.goal) for one in found] == [("98 %", 0.98)]


def test_lists_come_in_pages_that_lose_and_repeat_nothing(world: Sandbox) -> None:
    alerts = client(world, v3.AlertPolicyServiceClient)
    whole = [one.name for one in alerts.list_alert_policies(name=ROOT)]
    paged = alerts.list_alert_policies(request={"name": ROOT, "page_size": 4})
    assert [one.name for one in paged] == whole
    assert len(whole) >= 18


def test_the_catalogues_installation_is_there_at_first(world: Sandbox) -> None:
    metrics = client(world, MetricsServiceV2Client)
    found = {one.name: one.filter for one in metrics.list_log_metrics(parent=ROOT)}
    for name, expected in world.catalogue.monitoring.log_metrics.items():
        assert found[name] == expected.filter


def test_another_project_has_nothing(world: Sandbox) -> None:
    assert list(client(world, v3.AlertPolicyServiceClient).list_alert_policies(name="projects/another")) == []


@pytest.mark.parametrize(("metric", "error"), [
    ({"name": "ratio", "filter": "x", "metric_descriptor": {"metric_kind": "GAUGE", "value_type": "DOUBLE"}}, InvalidArgument),
    ({"name": "", "filter": "x"}, InvalidArgument), ({"name": "n"}, InvalidArgument),
    ({"name": "blueprint_job_timeout_events", "filter": "x"}, AlreadyExists),
])  # fmt: skip
def test_a_metric_that_google_refuses_is_refused(
    world: Sandbox, metric: dict[str, Any], error: type[GoogleAPICallError]
) -> None:
    metrics = client(world, MetricsServiceV2Client)
    before = len(list(metrics.list_log_metrics(parent=ROOT)))
    with pytest.raises(error):
        metrics.create_log_metric(parent=ROOT, metric=LogMetric(metric))
    assert len(list(metrics.list_log_metrics(parent=ROOT))) == before


@pytest.mark.parametrize(("ask", "error"), [
    (lambda w: list(client(w, v3.AlertPolicyServiceClient).list_alert_policies(name="sandbox-project")), InvalidArgument),
    (lambda w: list(client(w, v3.AlertPolicyServiceClient).list_alert_policies(request={"name": ROOT, "page_token": "x"})), InvalidArgument),
    (lambda w: list(client(w, v3.AlertPolicyServiceClient).list_alert_policies(request={"name": ROOT, "page_size": -1})), InvalidArgument),
    (lambda w: client(w, v3.AlertPolicyServiceClient).create_alert_policy(name=ROOT, alert_policy={}), InvalidArgument),
    (lambda w: list(client(w, v3.ServiceMonitoringServiceClient).list_service_level_objectives(parent=f"{ROOT}/services/9")), NotFound),
    (lambda w: client(w, v3.ServiceMonitoringServiceClient).create_service_level_objective(parent=ROOT, service_level_objective={}), InvalidArgument),
    (lambda w: list(client(w, MetricsServiceV2Client).list_log_metrics(parent="")), InvalidArgument),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_and_never_an_internal_error(
    world: Sandbox, ask: Any, error: type[GoogleAPICallError]
) -> None:
    with pytest.raises(error):
        ask(world)


@pytest.mark.parametrize("method", ["AlertPolicyService/ListAlertPolicies", "SnoozeService/CreateSnooze"])
def test_bytes_that_are_no_message_are_no_internal_failure_of_the_service(world: Sandbox, method: str) -> None:
    with plain_channel(world.endpoints.monitoring) as channel:
        call = channel.unary_unary(f"/google.monitoring.v3.{method}")
        with pytest.raises(grpc.RpcError):
            call(b"\xff\xff\xff")
    assert list(client(world, v3.AlertPolicyServiceClient).list_alert_policies(name=ROOT))
