"""The gate that stops production: what it asks for, by which names, and the commands that open it."""

from __future__ import annotations

import json
import shlex

import pytest
from google.cloud.logging_v2.services.metrics_service_v2 import MetricsServiceV2Client
from google.cloud.logging_v2.services.metrics_service_v2.transports import MetricsServiceV2GrpcTransport
from google.cloud.logging_v2.types import LogMetric

from blocks.catalogue_load import load_catalogue
from blocks.clients import plain_channel
from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.monitoring.judge import gates
from tasks.monitoring.seen import Seen
from tests.monitoring.world import GATE, ROOT, audited, codes, gone, thing

ASKED = [
    ("dashboards", "BlueprintPipeline - Overview"),
    ("dashboards", "BlueprintPipeline - GPU Metrics"),
    ("alertPolicies", "[Blueprint] Workflow Job Timeout Detected"),
    ("alertPolicies", "[Blueprint] Workflow Job Retry Spike"),
    ("metrics", "blueprint_job_timeout_events"),
    ("metrics", "blueprint_job_retry_exhausted_total"),
    ("metrics", "blueprint_job_timeout_usage_ratio"),
    ("metrics", "blueprint_geniesim_sla_violations"),
    ("metrics", "blueprint_job_failure_events"),
]
"""What `evaluate_monitoring_gate` of the workflow looks for."""


@pytest.mark.parametrize("state", [None, "2026-06"])
def test_both_states_ask_for_the_same_nine(state: str | None) -> None:
    monitoring = load_catalogue(state).monitoring
    parts = {"dashboards": monitoring.dashboards, "alertPolicies": monitoring.alerts, "metrics": monitoring.log_metrics}
    found = [(part, name) for part, things in parts.items() for name, one in things.items() if one.gate == GATE]
    assert sorted(found) == sorted(ASKED)
    empty = Seen(alerts=[], dashboards=[], log_metrics=[])
    assert len(gates(load_catalogue(state), empty)[GATE] or ()) == len(ASKED)


@pytest.mark.parametrize(("kind", "name"), ASKED)
def test_each_of_them_stops_production_when_it_is_gone(
    sandbox: Sandbox, environment: PipelineEnvironment, kind: str, name: str
) -> None:
    gone(sandbox, kind, name)
    run, audit = audited(environment)
    assert codes(audit)[0] == ("gate-stops", f"workflow {GATE}")
    assert name in run.reasons[0]
    assert run.summary.endswith("stops every production run.")


def test_the_gate_takes_a_longer_name_that_has_the_name_inside(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    thing(sandbox, "dashboards", "BlueprintPipeline - Overview").display_name = "BlueprintPipeline - Overview (v2)"
    _, audit = audited(environment)
    assert codes(audit) == [("missing", "dashboard BlueprintPipeline - Overview")]
    assert audit.gates == {GATE: []}


def test_the_gate_takes_what_is_switched_off(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    thing(sandbox, "alertPolicies", "[Blueprint] Workflow Job Retry Spike").enabled = False
    assert audited(environment)[1].gates == {GATE: []}


def test_nothing_seen_is_not_known_to_pass() -> None:
    assert gates(load_catalogue(), Seen()) == {GATE: None}


def test_an_overlay_may_do_without_what_no_gate_asks_for(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    gone(sandbox, "alertPolicies", "[Blueprint] Storage Usage High")
    environment.catalogue_overlay = 'monitoring: {alerts: {"[Blueprint] Storage Usage High": {deployed: false}}}'
    assert codes(audited(environment)[1]) == []


def test_an_overlay_may_add_what_is_relied_on(environment: PipelineEnvironment) -> None:
    environment.catalogue_overlay = "monitoring: {service_levels: {Exports: {}}, dashboards: {Ours: {}}}"
    assert codes(audited(environment)[1]) == [("missing", "dashboard Ours"), ("missing", "service level Exports")]


@pytest.mark.parametrize("name", [name for kind, name in ASKED if kind == "metrics"])
def test_the_command_for_a_metric_makes_one_that_google_takes(
    sandbox: Sandbox, environment: PipelineEnvironment, name: str
) -> None:
    gone(sandbox, "metrics", name)
    _, audit = audited(environment)
    command = next(one.fix for one in audit.findings if one.what.endswith(name)).split("`")[1]
    words = shlex.split(command)
    if words[0] == "echo":
        metric = LogMetric.from_json(json.dumps(json.loads(words[1])))
    else:
        options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
        metric = LogMetric(name=words[4], filter=options["log-filter"], description=options["description"])
    transport = MetricsServiceV2GrpcTransport(channel=plain_channel(sandbox.endpoints.monitoring))
    with MetricsServiceV2Client(transport=transport) as client:
        client.create_log_metric(parent=ROOT, metric=metric)
    assert codes(audited(environment)[1]) == []
