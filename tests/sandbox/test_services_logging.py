"""Cloud Logging of the sandbox, asked by Google's own client: who logs what, and what a filter finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import LogEntry
from google.cloud.workflows import executions_v1
from google.cloud.workflows.executions_v1.services.executions.transports import ExecutionsGrpcTransport

from deployments.sandbox.names import DATA_BUCKET, LOCATION, PROJECT
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.log_filter import parse_filter
from deployments.sandbox.services.rpc import Refusal
from tests.sandbox.service_world import control, until

PLACE = f"projects/{PROJECT}"
FLOW = "usd-assembly-pipeline"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1, job_seconds=0.01) as running:
        yield running


@pytest.fixture(scope="module")
def channel(sandbox: Sandbox) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(sandbox.endpoints.logging) as opened:
        yield opened


@pytest.fixture(scope="module")
def log(channel: grpc.Channel) -> LoggingServiceV2Client:
    return LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel))


def listed(log: LoggingServiceV2Client, text: str = "", **request: Any) -> list[LogEntry]:
    return list(log.list_log_entries(request={"resource_names": [PLACE], "filter": text, **request}))


def run_flow(channel: grpc.Channel, scene: str, name: str = "assets/.regen3d_complete") -> executions_v1.Execution:
    client = executions_v1.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=channel))
    event = {"data": {"bucket": DATA_BUCKET, "name": f"scenes/{scene}/{name}"}}
    begun = client.create_execution(
        parent=f"{LOCATION}/workflows/{FLOW}", execution=executions_v1.Execution(argument=json.dumps(event))
    )
    return until(lambda: client.get_execution(name=begun.name), lambda one: one.state.name != "ACTIVE", 20)


def payloads(entries: list[LogEntry]) -> list[dict[str, Any]]:
    return [dict(entry.json_payload) for entry in entries]


def test_an_execution_logs_its_begin_its_jobs_and_its_end(
    sandbox: Sandbox, channel: grpc.Channel, log: LoggingServiceV2Client
) -> None:
    make_scene(sandbox.store, DATA_BUCKET, "kitchen_1", "kitchen", objects=2, quiet=True)
    execution = run_flow(channel, "kitchen_1").name.rpartition("/")[2]
    mine = f'labels."workflows.googleapis.com/execution_id"="{execution}"'
    states = [one["state"] for one in payloads(listed(log, f'{mine} AND logName:"executions_system"'))]
    assert (states[0], states[-1], len(states)) == ("ACTIVE", "SUCCEEDED", 2)
    base = f'{mine} resource.type="workflows.googleapis.com/Workflow" AND jsonPayload.bp_metric="job_invocation"'
    begun, done = (payloads(listed(log, f'{base} AND jsonPayload.event="{event}"')) for event in ("start", "complete"))
    assert [one["job"] for one in begun] == [one["job"] for one in done] != []
    assert {(one["workflow"], one["scene_id"], one["status"]) for one in done} == {(FLOW, "kitchen_1", "SUCCEEDED")}
    assert all(0 < one["duration_seconds"] < 60 and one["timed_out"] is False for one in done)


def test_a_job_that_fails_logs_an_error_and_so_does_its_execution(
    sandbox: Sandbox, channel: grpc.Channel, log: LoggingServiceV2Client
) -> None:
    make_scene(sandbox.store, DATA_BUCKET, "kitchen_2", "kitchen", objects=2, quiet=True)
    control(sandbox, "POST", "simulator", {"workflow": FLOW, "kind": "raise", "times": 1})
    execution = run_flow(channel, "kitchen_2").name.rpartition("/")[2]
    mine = f'labels."workflows.googleapis.com/execution_id"="{execution}" severity>=ERROR'
    end, invocation = sorted(payloads(listed(log, mine)), key=lambda one: "bp_metric" in one)
    assert "failed" in end["failure"]["exception"]
    assert (invocation["event"], invocation["status"]) == ("complete", "FAILED")


def test_what_a_client_writes_is_listed_in_pages_both_ways(log: LoggingServiceV2Client) -> None:
    name = f"{PLACE}/logs/mine"
    entries = [LogEntry(text_payload=f"line {number}", severity="NOTICE") for number in range(5)]
    log.write_log_entries(log_name=name, resource={"type": "global"}, labels={"run": "a"}, entries=entries)
    up = [one.text_payload for one in listed(log, f'logName="{name}"', page_size=2)]
    down = [one.text_payload for one in listed(log, f'logName="{name}"', page_size=2, order_by="timestamp desc")]
    assert up == down[::-1] == [f"line {number}" for number in range(5)]
    assert name in list(log.list_logs(parent=PLACE))
    assert {one.labels["run"] for one in listed(log, f'logName="{name}"')} == {"a"}


def test_a_dry_run_writes_nothing_and_another_project_has_nothing(log: LoggingServiceV2Client) -> None:
    entry = LogEntry(text_payload="never", log_name=f"{PLACE}/logs/dry")
    log.write_log_entries(request={"entries": [entry], "dry_run": True})
    assert listed(log, 'logName:"logs/dry"') == []
    assert list(log.list_log_entries(request={"resource_names": ["projects/other"]})) == []


@pytest.mark.parametrize(
    "request_",
    [
        {"filter": "severity>="}, {"filter": '"open'}, {"filter": "severity>=LOUD"}, {"filter": 'timestamp>"soon"'},
        {"filter": "textPayload=~\"(\""}, {"filter": "(a"}, {"filter": "a)"}, {"filter": "AND"}, {"order_by": "severity"},
        {"page_size": -1}, {"page_token": "x"}, {"resource_names": []}, {"resource_names": ["nowhere"]},
    ],
)  # fmt: skip
def test_a_listing_that_makes_no_sense_is_refused(log: LoggingServiceV2Client, request_: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        log.list_log_entries(request={"resource_names": [PLACE], **request_})


ENTRY = {
    "logName": "projects/p/logs/run.googleapis.com%2Fstderr",
    "severity": "WARNING",
    "timestamp": "2026-02-01T12:00:00.500Z",
    "resource": {"type": "cloud_run_job", "labels": {"job_name": "simready-job"}},
    "labels": {"run.googleapis.com/execution_name": "simready-job-abc"},
    "jsonPayload": {"bp_metric": "job_invocation", "duration_seconds": 300.0, "timed_out": True, "tags": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("-- only a remark", True),
        ('resource.type="cloud_run_job"', True),
        ("resource.type=CLOUD_RUN_JOB", True),
        ('resource.labels.job_name!="simready-job"', False),
        ('labels."run.googleapis.com/execution_name"="simready-job-abc"', True),
        ('labels.absent!="x"', False),
        ('NOT labels.absent="x"', True),
        ("-labels.absent:*", True),
        ("jsonPayload.bp_metric:*", True),
        ("jsonPayload.duration_seconds>250", True),
        ("jsonPayload.duration_seconds<=99.5", False),
        ("jsonPayload.duration_seconds>many", False),
        ("jsonPayload.timed_out=true", True),
        ('jsonPayload.tags="b"', True),
        ("severity>=WARNING", True),
        ("severity>WARNING", False),
        ("severity=(ERROR OR WARNING)", True),
        ('timestamp>="2026-02-01T12:00:00Z" timestamp<"2026-02-01T13:00:00+00:00"', True),
        ('timestamp<"2026-02-01T11:00:00-02:00"', True),
        ('logName:"STDERR"', True),
        ('jsonPayload.bp_metric=~"^job_"', True),
        ('jsonPayload.bp_metric!~"^job_"', False),
        ("simready", True),
        ('"nowhere at all"', False),
        ("severity=ERROR OR severity=WARNING AND simready", True),
        ("(severity=ERROR OR absent) OR (simready AND NOT absent)", True),
        ("severity=WARNING AND severity=ERROR OR simready", True),
        ("json_payload.bp_metric=job_invocation\nlog_name:stderr", True),
    ],
)
def test_a_filter_means_what_google_documents(text: str, holds: bool) -> None:
    assert parse_filter(text)(ENTRY) is holds


@pytest.mark.parametrize("text", ["=", "a=", "a b)", "NOT", "a OR", "a=(b AND c)", "a=(b", ";", "a= =b"])
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="filter"):
        parse_filter(text)
