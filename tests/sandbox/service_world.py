"""The sandbox's Google services with the stock clients, and with a script where the simulator stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import eventarc_v1, run_v2, scheduler_v1, storage, storage_transfer_v1, workflows_v1
from google.cloud.eventarc_v1.services.eventarc.transports import EventarcGrpcTransport
from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport as RunExecutionsGrpcTransport
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.cloud.run_v2.services.tasks.transports import TasksGrpcTransport
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import CloudSchedulerGrpcTransport
from google.cloud.storage_transfer_v1.services.storage_transfer_service.transports import (
    StorageTransferServiceGrpcTransport,
)
from google.cloud.workflows import executions_v1
from google.cloud.workflows.executions_v1.services.executions.transports import ExecutionsGrpcTransport
from google.cloud.workflows_v1.services.workflows.transports import WorkflowsGrpcTransport
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from blocks.catalogue_load import load_catalogue
from deployments.sandbox.faults import Faults
from deployments.sandbox.names import DATA_BUCKET, LOCATION
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.eventarc_service import EventarcService
from deployments.sandbox.services.executions import Execution, Workers
from deployments.sandbox.services.loopback import HOST, LoopbackServer
from deployments.sandbox.services.operations import Operations
from deployments.sandbox.services.rpc import Wire
from deployments.sandbox.services.run_service import RunService
from deployments.sandbox.services.scheduler_service import SchedulerService
from deployments.sandbox.services.transfer_service import TransferService
from deployments.sandbox.services.workflows_service import WorkflowsService
from deployments.sandbox.storage.store import ObjectStore


@dataclass
class Script:
    """Stands where the simulator stands: answers with `result`, raises `failure`, and waits while `hold` is cleared."""

    result: object = field(default_factory=lambda: {"status": "SUCCESS"})
    failure: Exception | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing is held at first."""
        self.hold.set()

    def run_workflow(self, workflow: str, argument: dict[str, Any], handle: Execution) -> object:
        """What the simulator does for a workflow."""
        return self._work(workflow, argument, handle)

    def run_job(self, job: str, env: dict[str, str], handle: Execution) -> None:
        """What the simulator does for a job."""
        self._work(job, env, handle)

    def _work(self, name: str, given: dict[str, Any], handle: Execution) -> object:
        self.calls.append((name, given))
        while not self.hold.wait(0.01):
            if handle.cancelled.is_set():
                break
        if self.failure is not None:
            raise self.failure
        return self.result


class World:
    """The services behind one gRPC server, and a stock client for each."""

    def __init__(self) -> None:
        """Start the server on a free port."""
        self.catalogue = load_catalogue()
        self.faults, self.requests, self.script = Faults(1), RequestLog(), Script()
        self.wire = Wire(self.faults, self.requests)
        self.workers = Workers(limit=4)
        self.operations = Operations()
        self.workflows = WorkflowsService(self.catalogue, self.script, self.workers, self.operations, self.faults)
        self.run = RunService(self.catalogue, self.script, self.workers, self.operations, self.faults)
        self.eventarc = EventarcService(self.catalogue, self.workflows, self.operations)
        self.store = ObjectStore()
        self.store.create_bucket(DATA_BUCKET)
        self.store.on_finalize(self.eventarc.finalized)
        self.scheduler = SchedulerService(self.catalogue)
        self.transfer = TransferService(self.store, self.operations)
        services = (self.workflows, self.run, self.eventarc, self.scheduler, self.transfer, self.operations)
        self.server = LoopbackServer([one for service in services for one in service.handlers(self.wire)], threads=8)
        self.channel = grpc.insecure_channel(f"{HOST}:{self.server.start(0)}")
        self.workflows_client = workflows_v1.WorkflowsClient(transport=WorkflowsGrpcTransport(channel=self.channel))
        self.executions_client = executions_v1.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=self.channel))
        self.jobs_client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=self.channel))
        self.tasks_client = run_v2.TasksClient(transport=TasksGrpcTransport(channel=self.channel))
        self.services_client = run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=self.channel))
        transport = RunExecutionsGrpcTransport(channel=self.channel)
        self.job_executions_client = run_v2.ExecutionsClient(transport=transport)
        self.scheduler_client = scheduler_v1.CloudSchedulerClient(
            transport=CloudSchedulerGrpcTransport(channel=self.channel)
        )
        self.subscriber_client = SubscriberClient(transport=SubscriberGrpcTransport(channel=self.channel))
        self.publisher_client = PublisherClient(transport=PublisherGrpcTransport(channel=self.channel))
        self.transfer_client = storage_transfer_v1.StorageTransferServiceClient(
            transport=StorageTransferServiceGrpcTransport(channel=self.channel)
        )
        self.eventarc_client = eventarc_v1.EventarcClient(transport=EventarcGrpcTransport(channel=self.channel))

    def start_workflow(self, workflow: str, argument: str = "{}", **labels: str) -> executions_v1.Execution:
        """Start an execution through the stock client."""
        execution = executions_v1.Execution(argument=argument, labels=labels)
        return self.executions_client.create_execution(
            parent=f"{LOCATION}/workflows/{workflow}", execution=execution, timeout=60
        )

    def ended_workflow(self, name: str) -> executions_v1.Execution:
        """The execution, as soon as it is no longer active."""
        return until(lambda: self.executions_client.get_execution(name=name), lambda one: one.state.name != "ACTIVE")

    def stop(self) -> None:
        """End everything."""
        self.wire.stopping.set()
        self.script.hold.set()
        self.channel.close()
        self.server.stop()
        self.transfer.stop()
        self.workflows.executions.cancel_all()
        self.run.executions.cancel_all()
        self.workers.stop()


@contextmanager
def services() -> Iterator[World]:
    """A world that ends with the block."""
    world = World()
    try:
        yield world
    finally:
        world.stop()


def until(look: Callable[[], Any], good: Callable[[Any], bool] = bool, seconds: float = 60.0) -> Any:
    """What `look` sees, as soon as it is `good`."""
    end = time.monotonic() + seconds
    while not good(seen := look()):
        assert time.monotonic() < end, f"still {seen!r} after {seconds} s"
        time.sleep(0.01)
    return seen


def control(sandbox: Sandbox, method: str, path: str, body: object = None, status: int = 200) -> Any:
    """What the control interface answers."""
    answer = requests.request(method, f"{sandbox.endpoints.control}/{path}", json=body, timeout=60)
    assert answer.status_code == status, answer.text
    return answer.json()


def bucket(sandbox: Sandbox, name: str = DATA_BUCKET) -> storage.Bucket:
    options = {"api_endpoint": sandbox.endpoints.storage}
    credentials = AnonymousCredentials()
    return storage.Client(project="sandbox-project", credentials=credentials, client_options=options).bucket(name)
