"""The sandbox: the pipeline's whole outside world in one process, on loopback, spoken to by the stock clients."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from grpc import GenericRpcHandler

from blocks.catalogue import Catalogue
from blocks.catalogue_load import load_catalogue
from deployments.sandbox.asgi import App, Scope
from deployments.sandbox.cluster.api import KubernetesApi, is_kubernetes_path
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.control import PREFIX, Control
from deployments.sandbox.endpoints import Endpoints
from deployments.sandbox.fault_record import FaultRecord
from deployments.sandbox.faults import Faults
from deployments.sandbox.load import load_folder
from deployments.sandbox.names import BACKUP_BUCKET, DATA_BUCKET, OPS_BUCKET, PROJECT, REGION
from deployments.sandbox.pipeline.simulator import Simulator
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.access import Access, is_ours
from deployments.sandbox.services.artifact_registry import ArtifactRegistry
from deployments.sandbox.services.compute_api import PREFIX as COMPUTE
from deployments.sandbox.services.compute_api import ComputeApi
from deployments.sandbox.services.container_service import ContainerService
from deployments.sandbox.services.eventarc_service import EventarcService
from deployments.sandbox.services.executions import Workers
from deployments.sandbox.services.firestore_service import FirestoreService
from deployments.sandbox.services.genie_sim import GenieSim
from deployments.sandbox.services.logging_service import LoggingService
from deployments.sandbox.services.loopback import HOST, HttpServer, LoopbackServer
from deployments.sandbox.services.monitoring_service import MonitoringService
from deployments.sandbox.services.operations import Operations
from deployments.sandbox.services.pubsub_push import PushDelivery
from deployments.sandbox.services.rpc import Wire
from deployments.sandbox.services.run_service import RunService
from deployments.sandbox.services.scheduler_service import SchedulerService
from deployments.sandbox.services.sinks import Sinks
from deployments.sandbox.services.transfer_service import TransferService
from deployments.sandbox.services.workflows_service import WorkflowsService
from deployments.sandbox.simulator_pods import SimulatorPods
from deployments.sandbox.storage.api import StorageApp
from deployments.sandbox.storage.connection import Receive, Send
from deployments.sandbox.storage.store import ObjectStore

__all__ = ["Endpoints", "Sandbox", "load_folder", "serve"]

GRPC_THREADS = 16


class Sandbox:
    """Every service with one world behind them. Use it as a context manager, or call `start` and `stop`.

    The world is there from the beginning (`store`, `simulator`, ...); `start` opens the ports.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        catalogue: Catalogue | None = None,
        seed: int | None = None,
        job_seconds: float = 0.3,
        versioning: bool = False,
    ) -> None:
        """Build the world.

        Args:
            port: of HTTP; gRPC takes the next one and Genie Sim the one after. 0 = three free ones. Sinks of messages are
                always at a free one.
            catalogue: the pipeline to stand for; None = as its authors ship it.
            seed: of the faults' random numbers; None = a new one each time.
            job_seconds: how long a simulated job works.
            versioning: whether the data bucket keeps old versions. The pipeline's own scripts leave that off.
        """
        self._port = port
        self.catalogue = catalogue or load_catalogue()
        self.faults = Faults(secrets.randbelow(2**31) if seed is None else seed)
        self.requests = RequestLog()
        self.denied: set[str] = set()
        """Permissions that nobody is said to have when it is asked who has which; nothing is refused by it."""
        self.store = ObjectStore()
        self.store.create_bucket(DATA_BUCKET, versioning=versioning)
        self.store.create_bucket(OPS_BUCKET)
        self.store.create_bucket(BACKUP_BUCKET, versioning=True)
        self._wire = Wire(self.faults, self.requests)
        self.genie_sim = GenieSim(self._wire, port + 2 if port else 0)
        self.sinks = Sinks(self.faults, self.requests)
        self.simulator = Simulator(
            self.store,
            self.catalogue,
            DATA_BUCKET,
            job_seconds,
            genie_sim_ready=lambda: self.genie_sim.state == "serving",
        )
        self._workers = Workers()
        self._operations = Operations()
        self.workflows = WorkflowsService(self.catalogue, self.simulator, self._workers, self._operations, self.faults)
        self.run = RunService(self.catalogue, self.simulator, self._workers, self._operations, self.faults)
        self.eventarc = EventarcService(self.catalogue, self.workflows, self._operations)
        self.scheduler = SchedulerService(self.catalogue)
        self.transfer = TransferService(self.store, self._operations)
        self.log = LoggingService()
        self.firestore = FirestoreService()
        self.monitoring = MonitoringService()
        self.monitoring.deploy(self.catalogue)
        self.workflows.changed.append(self.log.of_workflow)
        self.run.changed.append(self.log.of_job)
        self.simulator.jobs.tell = self.log.of_invocation
        self.simulator.jobs.image_fault = self.run.image_fault
        self.eventarc.audited.append(self.log.of_audit)
        self.push = PushDelivery()
        self.eventarc.subscriptions.pushing = lambda: self.push.subscriptions
        self.cluster = Cluster(("default", self.catalogue.namespace))
        self.cluster.deploy(self.catalogue)
        self.simulator_pods = SimulatorPods(self.cluster, self.catalogue)
        self.genie_sim.served.append(self.simulator_pods.served)
        self.cluster.controllers.begun.append(self._pods_begun)
        self.store.on_finalize(self.eventarc.finalized)
        self.store.on_finalize(self.push.finalized)
        self.workflows.failed.append(self.push.failed)
        self.record = FaultRecord(self)
        self._grpc: LoopbackServer | None = None
        self._http: HttpServer | None = None
        self._endpoints: Endpoints | None = None

    @property
    def endpoints(self) -> Endpoints:
        """Where the services are. Raises RuntimeError before `start`."""
        if self._endpoints is None:
            raise RuntimeError("The sandbox has no endpoints before it is started.")
        return self._endpoints

    def start(self) -> Endpoints:
        """Open the ports. Raises OSError, and leaves nothing open, when one of them is in use."""
        try:
            self._http = HttpServer(self._app(), self._port)
            self._grpc = LoopbackServer(self._grpc_handlers(), GRPC_THREADS)
            grpc = f"{HOST}:{self._grpc.start(self._port + 1 if self._port else 0)}"
            self.genie_sim.start()
            self.sinks.start()
        except OSError:
            self.stop()
            raise
        http = f"http://{HOST}:{self._http.port}"
        self._endpoints = Endpoints(
            storage=http,
            workflows=grpc,
            executions=grpc,
            run=grpc,
            eventarc=grpc,
            scheduler=grpc,
            pubsub=grpc,
            transfer=grpc,
            logging=grpc,
            firestore=grpc,
            monitoring=grpc,
            registry=grpc,
            projects=grpc,
            kubernetes=http,
            container=grpc,
            compute=http,
            genie_sim=f"{HOST}:{self.genie_sim.port}",
            sinks=self.sinks.address,
            control=f"{http}{PREFIX.rstrip('/')}",
        )
        return self._endpoints

    def _pods_begun(self, replica_set: str) -> None:
        """A Deployment that runs the simulator has begun new Pods."""
        if self.simulator_pods.runs(replica_set):
            self.genie_sim.restarted()

    def stop(self) -> None:
        """Close the ports, end the executions and every thread. A stopped sandbox cannot be started again."""
        self._wire.stopping.set()
        self.push.stop()
        for server in (self._http, self._grpc, self.genie_sim, self.sinks):
            if server is not None:
                server.stop()
        self.transfer.stop()
        self.workflows.executions.cancel_all()
        self.run.executions.cancel_all()
        self._workers.stop()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def describe(self) -> dict[str, Any]:
        """Everything a caller needs to use the sandbox, as plain data."""
        place = {"project": PROJECT, "region": REGION, "namespace": self.catalogue.namespace, "seed": self.faults.seed}
        buckets = {"data": DATA_BUCKET, "ops": OPS_BUCKET, "backup": BACKUP_BUCKET}
        return {**place, "buckets": buckets, **self.endpoints.model_dump()}

    def _grpc_handlers(self) -> list[GenericRpcHandler]:
        resources = {"pubsub": self.eventarc.subscriptions.has, "run": self.run.has, "projects": is_ours}
        access = Access(self.denied, resources)
        services = (
            self.workflows,
            self.run,
            self.eventarc,
            self.scheduler,
            self.transfer,
            self.log,
            self.firestore,
            self.monitoring,
            ContainerService(self.cluster),
            ArtifactRegistry(self.run.images),
            self._operations,
            access,
        )
        return [handler for service in services for handler in service.handlers(self._wire)]

    def _app(self) -> App:
        control = Control(self)
        kubernetes = KubernetesApi(self.cluster, self.faults, self.requests)
        compute = ComputeApi(self.cluster.pools, self.faults, self.requests)
        storage = StorageApp(self.store, self.faults, self.requests, denied=self.denied)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            path = scope["path"]
            if path.startswith(PREFIX):
                await control(scope, receive, send)
            elif is_kubernetes_path(path):
                await kubernetes(scope, receive, send)
            elif path.startswith(COMPUTE):
                await compute(scope, receive, send)
            else:
                await storage(scope, receive, send)

        return app


def serve(port: int, as_json: bool, ready: Callable[[Endpoints], object] = lambda _: None, **options: Any) -> int:
    """Run a sandbox until SIGINT or SIGTERM. Returns the exit code: 0, or 2 when a port is in use.

    The first line it prints is JSON and names every endpoint; unless `as_json`, lines for people follow. `ready` is
    told the endpoints before that. `options` are those of `Sandbox`.
    """
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    sandbox = Sandbox(port, **options)
    try:
        endpoints = sandbox.start()
    except OSError as error:
        print(f"The sandbox cannot start: {error}; choose another port, or 0 for a free one.", file=sys.stderr)
        return 2
    try:
        ready(endpoints)
        described = sandbox.describe()
        print(json.dumps(described), flush=True)
        if not as_json:
            print("\n".join(f"{name:<12}{value}" for name, value in described.items()), flush=True)
        ended.wait()
    finally:
        sandbox.stop()
    return 0
