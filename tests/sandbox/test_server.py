"""The sandbox as a whole: one start, every stock client, the control interface, and an end that leaves nothing."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests
from google.cloud import eventarc_v1, run_v2, workflows_v1
from google.cloud.eventarc_v1.services.eventarc.transports import EventarcGrpcTransport
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.cloud.workflows_v1.services.workflows.transports import WorkflowsGrpcTransport
from grpc_health.v1 import health_pb2, health_pb2_grpc
from kubernetes import client as kubernetes

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import BACKUP_BUCKET, DATA_BUCKET, LOCATION, OPS_BUCKET
from deployments.sandbox.pipeline.simulator import SimulatorFault
from deployments.sandbox.server import Sandbox
from tests.sandbox.service_world import bucket, control, until

EXPORT = "genie-sim-export-pipeline"
EXPORT_MARKER = "scenes/kitchen_1/variation_assets/.variation_pipeline_complete"
SERVE = "import sys; from deployments.sandbox.server import serve; sys.exit(serve(int(sys.argv[1]), as_json=True))"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, job_seconds=0.01) as running:
        yield running


def test_a_sandbox_that_stops_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        assert requests.get(f"{sandbox.endpoints.control}/endpoints", timeout=60).ok
    until(lambda: set(threading.enumerate()) - before, lambda left: not left)


def test_every_stock_client_is_answered(sandbox: Sandbox) -> None:
    at = sandbox.endpoints
    assert bucket(sandbox).exists()
    with grpc.insecure_channel(at.workflows) as channel:
        workflows = workflows_v1.WorkflowsClient(transport=WorkflowsGrpcTransport(channel=channel))
        jobs = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        triggers = eventarc_v1.EventarcClient(transport=EventarcGrpcTransport(channel=channel))
        assert len(list(workflows.list_workflows(parent=LOCATION))) == len(sandbox.catalogue.workflows)
        assert len(list(jobs.list_jobs(parent=LOCATION))) == len(sandbox.catalogue.jobs)
        assert list(triggers.list_triggers(parent=LOCATION))
    with kubernetes.ApiClient(kubernetes.Configuration(host=at.kubernetes)) as api:
        assert kubernetes.BatchV1Api(api).list_namespaced_job("blueprint").items == []
    with grpc.insecure_channel(at.genie_sim) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(("name", "versioned"), [(DATA_BUCKET, False), (OPS_BUCKET, False), (BACKUP_BUCKET, True)])
def test_the_buckets_are_protected_as_said(sandbox: Sandbox, name: str, versioned: bool) -> None:
    found = bucket(sandbox, name)
    found.reload()
    assert found.versioning_enabled is versioned
    assert found.soft_delete_policy.retention_duration_seconds == 7 * 24 * 3600


def test_the_data_bucket_can_be_versioned() -> None:
    assert Sandbox(versioning=True).store.bucket(DATA_BUCKET).settings.versioning


def test_a_marker_written_by_a_client_starts_the_workflow_that_does_the_work(sandbox: Sandbox) -> None:
    control(sandbox, "POST", "scenes", {"scene_id": "kitchen_1", "upto": "variation"})
    export = bucket(sandbox).blob("scenes/kitchen_1/geniesim/scene_graph.json")
    assert not export.exists()
    bucket(sandbox).blob(EXPORT_MARKER).upload_from_string(b"{}")
    listed = until(
        lambda: control(sandbox, "GET", "executions")["workflows"],
        lambda found: any(one["of"] == EXPORT and one["state"] == "SUCCEEDED" for one in found),
    )
    assert next(one for one in listed if one["of"] == EXPORT)["argument"]["data"]["name"] == EXPORT_MARKER
    assert export.exists()


def test_two_sandboxes_live_side_by_side(sandbox: Sandbox) -> None:
    with Sandbox() as other:
        control(other, "POST", "scenes", {"scene_id": "only_here"})
        assert not bucket(sandbox).blob("scenes/only_here/assets/scene_manifest.json").exists()


def test_only_this_machine_can_connect(sandbox: Sandbox) -> None:
    """Linux answers for all of 127.0.0.0/8; a server that listens on every address would take these calls."""
    for address in (sandbox.endpoints.storage, sandbox.endpoints.workflows, sandbox.endpoints.genie_sim):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", int(address.rpartition(":")[2])), timeout=1)


def test_stopping_cuts_what_hangs_and_cancels_what_runs() -> None:
    with Sandbox(job_seconds=60) as sandbox, ThreadPoolExecutor(1) as pool:
        sandbox.faults.add(FaultRule(service="storage", kind="hang", seconds=60))
        sandbox.simulator.behave(SimulatorFault(kind="hold"))
        control(sandbox, "POST", "push", {"url": "http://127.0.0.1:9/"})
        control(sandbox, "POST", "scenes", {"scene_id": "a", "upto": "variation", "quiet": False})
        hanging = pool.submit(requests.get, sandbox.endpoints.storage, timeout=60)
        until(lambda: sandbox.requests.snapshot())
        begun = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - begun < 30
        with pytest.raises(requests.ConnectionError):
            hanging.result(timeout=2)
    assert {one.state for one in sandbox.workflows.executions.newest_first()} == {"SUCCEEDED", "CANCELLED"}


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_served_sandbox_says_where_it_is_first_and_ends_cleanly_on_a_signal(ending: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVE, "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        described = json.loads(process.stdout.readline())
        assert described["buckets"] == {"data": DATA_BUCKET, "ops": OPS_BUCKET, "backup": BACKUP_BUCKET}
        assert requests.get(f"{described['control']}/endpoints", timeout=60).json() == described
        process.send_signal(ending)
        assert process.wait(timeout=60) == 0
        assert process.stdout.read() == ""
    for service in ("storage", "workflows", "genie_sim"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(described[service].rpartition(":")[2])), timeout=1)


def three_free_ports() -> int:
    """The first of three ports in a row that nobody uses, below those that the system hands out by itself."""
    for port in range(21000, 32000, 3):
        try:
            for one in range(port, port + 3):
                socket.create_server(("127.0.0.1", one)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no three free ports in a row")


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_a_busy_port_is_one_sentence_and_exit_code_2(offset: int) -> None:
    port = three_free_ports()
    with socket.create_server(("127.0.0.1", port + offset)):
        command = [sys.executable, "-c", SERVE, str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().count("\n") == 0
    assert f"port {port + offset} of 127.0.0.1 is in use" in done.stderr
