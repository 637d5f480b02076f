"""How clients of the outside systems are made: once for a block, for all threads, and never copied with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import grpc
    from google.auth.credentials import Credentials

    from blocks.credentials import GoogleCredentials

T = TypeVar("T")

FOR_STORAGE = (
    "google.auth.compute_engine",
    "google.auth.transport.requests",
    "google.oauth2.credentials",
    "google.oauth2.service_account",
    "google.cloud.storage",
)
"""What the buckets need, with or without an account."""
OF_WORK = (
    *FOR_STORAGE,
    "google.cloud.workflows_v1",
    "google.cloud.workflows.executions_v1",
    "google.cloud.run_v2",
    "kubernetes.client",
    "kubernetes.config",
)
"""What it takes to see the objects and what is at work on them: all that most recoveries need."""

OF_OVERRIDES = "google.cloud.firestore_v1.services.firestore"
"""What the audit of overrides asks beside the others; nothing else does."""

LIBRARIES = (
    *OF_WORK,
    "google.cloud.resourcemanager_v3",
    "google.cloud.container_v1",
    "google.cloud.eventarc_v1",
    "google.cloud.scheduler_v1",
    "google.cloud.logging_v2.services.logging_service_v2",
    "google.pubsub_v1",
    "grpc_health.v1.health_pb2_grpc",
)
"""What the blocks load when they are first used, but for Compute Engine's (four seconds), which few ever ask."""


def load_libraries(names: Iterable[str] = LIBRARIES) -> None:
    """Load client libraries now, about two seconds for all, for threads that then use several services at the same time.

    Libraries that import each other in circles, imported by several threads from different ends, find each other half
    made: "cannot import name ... from partially initialized module".
    """
    for name in names:
        import_module(name)


class Lazy(Generic[T]):
    """A client made at first use. A copy of a block (or a block sent to another process) makes its own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._client: T | None = None

    def get(self, make: Callable[[], T]) -> T:
        """The client, made by `make` when there is none yet."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = make()
        return self._client

    def drop(self, close: Callable[[T], object]) -> None:
        """Close the client if there is one; the next use makes a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            close(client)

    def __deepcopy__(self, memo: object) -> Lazy[T]:
        return Lazy()

    def __eq__(self, other: object) -> bool:
        """A client is no part of what a block says: two blocks with the same settings are equal."""
        return isinstance(other, Lazy)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Lazy[T]], tuple[()]]:
        return Lazy, ()


def google_credentials(block: GoogleCredentials | None) -> Credentials | None:
    """The credentials of a block; None means the application default credentials, which the clients find themselves."""
    return None if block is None else block.credentials()


def anonymous() -> Credentials:
    """For an endpoint override, which needs no credentials and must not be sent any."""
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()  # type: ignore[no-untyped-call]


def plain_channel(endpoint: str) -> grpc.Channel:
    """An unencrypted gRPC channel to an endpoint override (`host:port`), whatever proxy is set for the internet."""
    import grpc

    return grpc.insecure_channel(endpoint, options=[("grpc.enable_http_proxy", 0)])


class HasTransport(Protocol):
    """What Google's gRPC clients have in common."""

    @property
    def transport(self) -> Any:
        """The client's channel and its methods."""


def close_channel(client: HasTransport) -> None:
    """Close a gRPC client's connections."""
    client.transport.close()
