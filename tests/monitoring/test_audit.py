"""Each defect is found and nothing else is; what is another's is passed over; what does not answer is unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from google.cloud import monitoring_dashboard_v1 as boards
from google.cloud import monitoring_v3 as v3
from google.cloud.logging_v2.types import LogMetric

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.monitoring_service import policy
from tests.monitoring.world import ALERT, GATE, METRIC, NOW, ROOT, SPIKE, audited, codes, gone, thing

WATCHES = f'resource.type="workflows.googleapis.com/Workflow" AND metric.type="logging.googleapis.com/user/{METRIC}"'
FAILURES = "blueprint_job_failure_events"
ON_ALERT, ON_METRIC = f"alert {ALERT}", f"log-based metric {METRIC}"
Spoil = Callable[[Sandbox], None]


def condition(sandbox: Sandbox, text: str) -> None:
    thing(sandbox, "alertPolicies", ALERT).conditions[0].condition_threshold.filter = text


def set_on(kind: str, title: str, **fields: object) -> Spoil:
    def spoil(sandbox: Sandbox) -> None:
        for name, value in fields.items():
            setattr(thing(sandbox, kind, title), name, value)

    return spoil


def channel(**fields: object) -> Spoil:
    """The one channel of all alerts is spoilt; only one alert is left with it."""

    def spoil(sandbox: Sandbox) -> None:
        good = sandbox.monitoring._create(
            "notificationChannels", ROOT, v3.NotificationChannel(type_="sms", display_name="b")
        )
        for one in sandbox.monitoring.things["alertPolicies"].values():
            one.notification_channels = one.notification_channels if one.display_name == ALERT else [good.name]
        for name, value in fields.items():
            setattr(thing(sandbox, "notificationChannels", "On call"), name, value)

    return spoil


def snoozed(*, hours: float = 1, since: float = -1) -> Spoil:
    def spoil(sandbox: Sandbox) -> None:
        name = thing(sandbox, "alertPolicies", ALERT).name.replace(ROOT, "projects/123456")
        interval = v3.TimeInterval(start_time=NOW + timedelta(hours=since), end_time=NOW + timedelta(hours=hours))
        one = v3.Snooze(display_name="quiet", criteria=v3.Snooze.Criteria(policies=[name]), interval=interval)
        sandbox.monitoring._create("snoozes", ROOT, one)

    return spoil


def shows(name: str) -> Spoil:
    def spoil(sandbox: Sandbox) -> None:
        text = boards.Text(content=f"logging.googleapis.com/user/{name}")
        grid = boards.GridLayout(widgets=[boards.Widget(text=text)])
        thing(sandbox, "dashboards", "BlueprintPipeline - Overview").grid_layout = grid

    return spoil


DEFECTS: dict[str, tuple[Spoil, list[tuple[str, str]]]] = {
    "an alert that is gone": (
        lambda s: gone(s, "alertPolicies", "[Blueprint] Storage Usage High"),
        [("missing", "alert [Blueprint] Storage Usage High")],
    ),
    "a dashboard that is gone": (
        lambda s: gone(s, "dashboards", "BlueprintPipeline - Genie Sim 3.0 Dashboard"),
        [("missing", "dashboard BlueprintPipeline - Genie Sim 3.0 Dashboard")],
    ),
    "a metric that is gone": (
        lambda s: gone(s, "metrics", "blueprint_quality_gate_failures_total"),
        [("missing", "log-based metric blueprint_quality_gate_failures_total")],
    ),
    "a metric that an alert watches is gone": (
        lambda s: gone(s, "metrics", "blueprint_job_invocation_duration_seconds"),
        [
            ("missing", "log-based metric blueprint_job_invocation_duration_seconds"),
            ("points-nowhere", "alert [Blueprint SLO] Stage Latency P95 Above 900s"),
        ],
    ),
    "an alert that production asks for is gone": (
        lambda s: gone(s, "alertPolicies", SPIKE),
        [("gate-stops", f"workflow {GATE}"), ("missing", f"alert {SPIKE}")],
    ),
    "a disabled alert": (set_on("alertPolicies", ALERT, enabled=False), [("disabled", ON_ALERT)]),
    "a disabled metric": (set_on("metrics", METRIC, disabled=True), [("disabled", ON_METRIC)]),
    "a snoozed alert": (snoozed(), [("snoozed", ON_ALERT)]),
    "an alert without a channel": (
        set_on("alertPolicies", ALERT, notification_channels=[]),
        [("notifies-nobody", ON_ALERT)],
    ),
    "a channel that does not exist": (
        set_on("alertPolicies", ALERT, notification_channels=[f"{ROOT}/notificationChannels/9"]),
        [("notifies-nobody", ON_ALERT)],
    ),
    "a disabled channel": (channel(enabled=False), [("notifies-nobody", ON_ALERT)]),
    "a channel that nobody verified": (
        channel(verification_status=v3.NotificationChannel.VerificationStatus.UNVERIFIED),
        [("notifies-nobody", ON_ALERT)],
    ),
    "an alert for another kind of resource": (
        lambda s: condition(s, WATCHES.replace("workflows.googleapis.com/Workflow", "global")),
        [("cannot-fire", ON_ALERT)],
    ),
    "an alert that watches something else": (
        lambda s: condition(s, 'metric.type="run.googleapis.com/request_count"'),
        [("points-nowhere", ON_ALERT)],
    ),
    "an alert that Google calls invalid": (
        set_on("alertPolicies", ALERT, validity={"code": 3, "message": "Field filter had an invalid value."}),
        [("cannot-fire", ON_ALERT)],
    ),
    "a metric of a job that is not the pipeline's": (
        set_on("metrics", METRIC, filter='jsonPayload.job="simready-jobb"'),
        [("points-nowhere", ON_METRIC)],
    ),
    "a metric of a workflow that is not the pipeline's": (
        set_on("metrics", METRIC, filter='resource.labels.workflow_id="usd-pipeline"'),
        [("points-nowhere", ON_METRIC)],
    ),
    "a metric of another namespace": (
        set_on("metrics", METRIC, filter='resource.labels.namespace_name="pipeline"'),
        [("points-nowhere", ON_METRIC)],
    ),
    "a metric of the right name that counts another status": (
        lambda s: edited(s, FAILURES, 'status="FAILED"', 'status="FAILURE"'),
        [("counts-other", f"log-based metric {FAILURES}")],
    ),
    "a metric that leaves some out": (
        lambda s: edited(s, METRIC, "jsonPayload.event", 'NOT jsonPayload.job="shop" AND jsonPayload.event'),
        [("counts-other", ON_METRIC)],
    ),
    "a metric by what the cluster's jobs are called": (
        set_on("metrics", METRIC, filter='jsonPayload.job="genie-sim-gpu-job"'),
        [("counts-other", ON_METRIC)],
    ),
    "a metric of everything": (set_on("metrics", METRIC, filter=""), [("counts-other", ON_METRIC)]),
    "a metric of a workflow that is not deployed": (
        lambda s: (
            set_on("metrics", METRIC, filter='jsonPayload.workflow="arena-export-pipeline"')(s),
            s.workflows.deployed.put("arena-export-pipeline", False),
        ),  # type: ignore[return-value]
        [("points-nowhere", ON_METRIC)],
    ),
    "a dashboard of a metric that does not exist": (
        shows("blueprint_job_latency"),
        [("points-nowhere", "dashboard BlueprintPipeline - Overview")],
    ),
}


def test_a_complete_installation_has_no_finding(environment: PipelineEnvironment) -> None:
    run, audit = audited(environment)
    assert (run.outcome, audit.findings, audit.unknown) == ("nothing_to_do", [], [])
    assert run.summary.endswith(f"the monitoring gate of {GATE} passes.")


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_found_and_nothing_else(sandbox: Sandbox, environment: PipelineEnvironment, name: str) -> None:
    spoil, expected = DEFECTS[name]
    spoil(sandbox)
    run, audit = audited(environment)
    assert codes(audit) == expected, run.reasons
    assert run.outcome == "failed"


def edited(sandbox: Sandbox, name: str, old: str, new: str) -> None:
    """Write something else into the filter of a metric."""
    metric = thing(sandbox, "metrics", name)
    assert old in metric.filter
    metric.filter = metric.filter.replace(old, new)


def reordered(sandbox: Sandbox, name: str) -> None:
    metric = thing(sandbox, "metrics", name)
    metric.filter = " AND ".join(reversed(metric.filter.split(" AND ")))


def test_the_finding_of_another_filter_says_both_filters(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    edited(sandbox, FAILURES, 'status="FAILED"', 'status="FAILURE"')
    (found,) = audited(environment)[1].findings
    assert 'jsonPayload.status="FAILURE"`.' in found.said
    assert f"`gcloud logging metrics update {FAILURES} --log-filter='" in found.fix
    assert 'jsonPayload.status="FAILED"' in found.fix


def test_where_the_catalogue_has_no_filter_any_will_do(
    sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = environment.catalogue.monitoring.log_metrics  # the catalogue is one for all of this process
    monkeypatch.setitem(metrics, FAILURES, metrics[FAILURES].model_copy(update={"filter": ""}))
    edited(sandbox, FAILURES, 'status="FAILED"', 'status="FAILURE"')
    assert audited(environment)[1].findings == []


def extra_alert(sandbox: Sandbox) -> None:
    sandbox.monitoring._create(
        "alertPolicies", ROOT, policy("Shop: orders", 'metric.type="logging.googleapis.com/user/gone"', enabled=False)
    )


def extra_metric(sandbox: Sandbox) -> None:
    metric = LogMetric(name="shop_orders", filter='jsonPayload.job="shop"', disabled=True)
    sandbox.monitoring.things["metrics"]["shop_orders"] = metric


def extra_dashboard(sandbox: Sandbox) -> None:
    widget = boards.Widget(text=boards.Text(content="logging.googleapis.com/user/gone"))
    one = boards.Dashboard(display_name="Shop", grid_layout=boards.GridLayout(widgets=[widget]))
    sandbox.monitoring._create("dashboards", ROOT, one)


def extra_channel(sandbox: Sandbox) -> None:
    one = v3.NotificationChannel(type_="sms", display_name="Shop", enabled=False)
    sandbox.monitoring._create("notificationChannels", ROOT, one)


def twin(sandbox: Sandbox) -> None:
    """The set-up script makes things twice when it is run twice: one of the two works."""
    sandbox.monitoring._create("alertPolicies", ROOT, policy(ALERT, WATCHES, enabled=False))
    sandbox.monitoring._create("dashboards", ROOT, boards.Dashboard(display_name="BlueprintPipeline - Overview"))


def second_channel(sandbox: Sandbox) -> None:
    """One of two channels is enough to be told."""
    broken = v3.NotificationChannel(type_="sms", display_name="old phone", enabled=False)
    made = sandbox.monitoring._create("notificationChannels", ROOT, broken)
    alert = thing(sandbox, "alertPolicies", ALERT)
    alert.notification_channels = [made.name, *alert.notification_channels]


HARMLESS: dict[str, Spoil] = {
    "another's alert": extra_alert,
    "another's metric": extra_metric,
    "another's dashboard": extra_dashboard,
    "another's channel": extra_channel,
    "a second of the same name": twin,
    "a second channel that does not work": second_channel,
    "a snooze that is over": snoozed(hours=-0.5),
    "a snooze that is to come": snoozed(hours=3, since=2),
    "a condition of any resource": lambda s: condition(s, f'metric.type="logging.googleapis.com/user/{METRIC}"'),
    "a metric with other white space": lambda s: edited(s, FAILURES, " AND ", "\n   AND\n\t"),
    "a metric without a word between its terms": lambda s: edited(s, FAILURES, " AND ", "\n"),
    "a metric with spaces around its signs": lambda s: edited(s, FAILURES, "=", " = "),
    "a metric without quotation marks where none are needed": lambda s: edited(s, FAILURES, '"FAILED"', "FAILED"),
    "a metric with its terms in another order": lambda s: reordered(s, FAILURES),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_what_harms_nobody_is_no_finding(sandbox: Sandbox, environment: PipelineEnvironment, name: str) -> None:
    HARMLESS[name](sandbox)
    run, audit = audited(environment)
    assert (run.outcome, codes(audit)) == ("nothing_to_do", []), run.reasons


@pytest.mark.parametrize(("service", "method", "gate_known"), [
    ("monitoring", "ListAlertPolicies", False), ("monitoring", "ListNotificationChannels", True), ("monitoring", "ListSnoozes", True),
    ("monitoring", "ListDashboards", False), ("logging", "ListLogMetrics", False), ("run", "GetJob", True),
])  # fmt: skip
def test_what_does_not_answer_is_unknown_and_never_missing(
    sandbox: Sandbox, environment: PipelineEnvironment, service: str, method: str, gate_known: bool
) -> None:
    sandbox.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    run, audit = audited(environment)
    assert (run.outcome, codes(audit)) == ("partial", []), run.reasons
    assert len(audit.unknown) == 1
    assert audit.gates == {GATE: [] if gate_known else None}


def test_what_is_wrong_is_told_beside_what_is_unknown(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    gone(sandbox, "dashboards", "BlueprintPipeline - GPU Metrics")
    sandbox.faults.add(FaultRule(service="monitoring", method="ListAlertPolicies", kind="status", status=403))
    run, audit = audited(environment)
    assert run.outcome == "failed"
    assert [code for code, _ in codes(audit)] == ["gate-stops", "missing"]
    assert audit.gates == {GATE: ["the dashboard BlueprintPipeline - GPU Metrics"]}
    assert any(reason.startswith("Unknown: The alerts:") for reason in run.reasons)


def test_the_audit_changes_nothing_and_asks_little(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.requests.reset()
    audited(environment)
    assert sandbox.requests.mutating() == {"total": 0}
    assert sum(sandbox.requests.snapshot().values()) == 6, "five lists, and the one job that a metric names"


def test_many_pages_are_read_to_the_end(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    template = sandbox.monitoring.things["alertPolicies"]
    for number in range(2500):
        name = f"{ROOT}/alertPolicies/0-{number:05d}"  # sorts before the pipeline's own
        template[name] = v3.AlertPolicy(name=name, display_name=f"Shop {number}")
    sandbox.requests.reset()
    _, audit = audited(environment)
    assert audit.findings == []
    assert sandbox.requests.count("monitoring", "ListAlertPolicies") == 3
