"""Pub/Sub push of the sandbox, received by a plain HTTP server."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from deployments.sandbox.names import DATA_BUCKET, LOCATION, PROJECT
from deployments.sandbox.services.executions import Execution
from deployments.sandbox.services.pubsub_push import FIRST_WAIT, PushDelivery, PushSubscription
from deployments.sandbox.storage.store import ObjectStore
from tests.sandbox.service_world import until


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses it was given, in turn, then with 204, and keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.got: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events"

    def data(self) -> list[dict[str, Any]]:
        return [json.loads(base64.b64decode(body["message"]["data"])) for body in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def push() -> Iterator[PushDelivery]:
    delivery = PushDelivery()
    yield delivery
    delivery.stop()


@pytest.fixture
def store(push: PushDelivery) -> ObjectStore:
    store = ObjectStore()
    store.create_bucket(DATA_BUCKET)
    store.create_bucket("other")
    store.on_finalize(push.finalized)
    return store


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


def failed_execution() -> Execution:
    now = datetime.now(UTC)
    name = f"{LOCATION}/workflows/usd-assembly-pipeline/executions/e-1"
    return Execution(
        name=name, parent="usd-assembly-pipeline", number=1, created=now, state="FAILED", ended=now, error="no mesh"
    )


def test_a_new_object_is_pushed_as_google_documents_it(
    push: PushDelivery, store: ObjectStore, receiver: Receiver
) -> None:
    push.subscribe(PushSubscription(name="markers", url=receiver.url))
    version = store.put(DATA_BUCKET, "scenes/a/usd/.failed", b"{}", metadata={"run": "r"})
    (body,) = until(lambda: receiver.got)
    assert body["subscription"] == f"projects/{PROJECT}/subscriptions/markers"
    message = body["message"]
    assert message["messageId"] == message["message_id"]
    assert datetime.fromisoformat(message["publishTime"])
    expected = {
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": DATA_BUCKET,
        "objectId": "scenes/a/usd/.failed",
        "objectGeneration": str(version.generation),
    }
    assert expected.items() <= message["attributes"].items()
    resource = receiver.data()[0]
    assert (resource["kind"], resource["name"], resource["size"]) == ("storage#object", "scenes/a/usd/.failed", "2")
    assert (resource["generation"], resource["metadata"]) == (str(version.generation), {"run": "r"})


def test_a_failed_execution_is_pushed_as_the_log_entry_of_workflows(push: PushDelivery, receiver: Receiver) -> None:
    push.subscribe(PushSubscription(url=receiver.url, kinds=("execution_failed",)))
    push.failed(failed_execution())
    until(lambda: receiver.got)
    (entry,) = receiver.data()
    assert entry["resource"]["type"] == "workflows.googleapis.com/Workflow"
    assert entry["resource"]["labels"]["workflow_id"] == "usd-assembly-pipeline"
    assert entry["labels"]["workflows.googleapis.com/execution_id"] == "e-1"
    assert entry["logName"] == f"projects/{PROJECT}/logs/workflows.googleapis.com%2Fexecutions_system"
    assert entry["severity"] == "ERROR"
    payload = entry["jsonPayload"]
    assert payload["@type"] == "type.googleapis.com/google.cloud.workflows.type.ExecutionsSystemLog"
    assert (payload["state"], payload["failure"]["exception"]) == ("FAILED", "no mesh")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, ["scenes/a/x.json", "scenes/a/.failed", "scenes/b/.failed", "scenes/a/.failed"]),
        ({"bucket": DATA_BUCKET}, ["scenes/a/x.json", "scenes/a/.failed", "scenes/b/.failed"]),
        ({"name_prefix": "scenes/a/"}, ["scenes/a/x.json", "scenes/a/.failed", "scenes/a/.failed"]),
        ({"name_suffix": "/.failed", "bucket": DATA_BUCKET}, ["scenes/a/.failed", "scenes/b/.failed"]),
        ({"kinds": ("execution_failed",)}, []),
    ],
)
def test_a_subscription_hears_of_what_it_asked_for(
    push: PushDelivery, store: ObjectStore, receiver: Receiver, wish: dict[str, Any], expected: list[str]
) -> None:
    push.subscribe(PushSubscription(url=receiver.url, **wish))
    for bucket, name in (
        (DATA_BUCKET, "scenes/a/x.json"),
        (DATA_BUCKET, "scenes/a/.failed"),
        (DATA_BUCKET, "scenes/b/.failed"),
        ("other", "scenes/a/.failed"),
    ):
        store.put(bucket, name, b"{}")
    push.subscribe(PushSubscription(name="end", url=receiver.url, kinds=("execution_failed",)))
    push.failed(failed_execution())
    until(lambda: any("jsonPayload" in one for one in receiver.data()))
    assert [one["name"] for one in receiver.data() if "name" in one] == expected


def test_a_message_is_pushed_again_until_it_is_acknowledged(push: PushDelivery, store: ObjectStore) -> None:
    receiver = Receiver(500, 302, 206, 202)
    try:
        push.subscribe(PushSubscription(url=receiver.url))
        store.put(DATA_BUCKET, "scenes/a/.failed", b"{}")
        until(lambda: len(receiver.got) == 4)
        assert len({body["message"]["messageId"] for body in receiver.got}) == 1
        store.put(DATA_BUCKET, "scenes/b/.failed", b"{}")
        until(lambda: len(receiver.got) == 5)
        time.sleep(0.3)
        assert len(receiver.got) == 5
    finally:
        receiver.shutdown()
        receiver.server_close()


def test_a_receiver_that_is_not_there_does_not_hold_up_the_others(
    push: PushDelivery, store: ObjectStore, receiver: Receiver
) -> None:
    push.subscribe(PushSubscription(name="absent", url="http://127.0.0.1:9/"))
    push.subscribe(PushSubscription(name="there", url=receiver.url))
    for number in range(5):
        store.put(DATA_BUCKET, f"scenes/a/{number}", b"{}")
    until(lambda: len(receiver.got) == 5)


def test_after_unsubscribing_nothing_is_pushed_any_more(push: PushDelivery, store: ObjectStore) -> None:
    receiver = Receiver(*[500] * 100)
    try:
        push.subscribe(PushSubscription(url=receiver.url))
        store.put(DATA_BUCKET, "scenes/a/.failed", b"{}")
        until(lambda: receiver.got)
        push.unsubscribe_all()
        time.sleep(0.1)
        count = len(receiver.got)
        time.sleep(0.5)
        assert len(receiver.got) == count
    finally:
        receiver.shutdown()
        receiver.server_close()


def test_one_that_does_not_back_off_is_tried_again_after_the_same_time(push: PushDelivery, store: ObjectStore) -> None:
    receiver = Receiver(*[500] * 100)
    try:
        push.subscribe(PushSubscription(url=receiver.url, backs_off=False))
        store.put(DATA_BUCKET, "scenes/a/.failed", b"{}")
        until(lambda: len(receiver.got) >= 3)
        assert {due.wait for due in push._due} <= {FIRST_WAIT}
    finally:
        receiver.shutdown()
        receiver.server_close()


def test_stopping_does_not_wait_for_the_next_attempt(store: ObjectStore, push: PushDelivery) -> None:
    push.subscribe(PushSubscription(url="http://127.0.0.1:9/"))
    store.put(DATA_BUCKET, "scenes/a/.failed", b"{}")
    begun = time.monotonic()
    push.stop()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "wish", [{"url": "ftp://x"}, {"url": "http://x", "kinds": []}, {"url": "http://x", "sufix": "a"}]
)
def test_a_malformed_subscription_is_refused(wish: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PushSubscription(**wish)
