"""The receiver's answers: Pub/Sub sends a message again unless it was really taken."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.receiver import MAX_BODY, make_app, serve
from deployments.stack import free_port
from tests.deployments.world import RunningStack, wait_for


def message(name: str, data: Any = None) -> bytes:
    """A Cloud Storage notification as Pub/Sub pushes it."""
    attributes = {"eventType": "OBJECT_FINALIZE", "bucketId": "sandbox-scenes", "objectId": name}
    body = {"attributes": attributes, "data": base64.b64encode(json.dumps(data or {}).encode()).decode()}
    return json.dumps({"message": body}).encode()


FAILED = message("scenes/kitchen_001/geniesim/.failed")


@pytest.fixture
def prefect_is_down() -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        yield


@pytest.mark.usefixtures("prefect_is_down")
def test_what_prefect_did_not_take_is_to_be_sent_again_and_soon(environment: PipelineEnvironment) -> None:
    """Pub/Sub waits ten seconds for an answer by default."""
    begun = time.monotonic()
    answer = TestClient(make_app(environment)).post("/pubsub", content=FAILED)
    assert answer.status_code == 503
    assert "Prefect did not take the event" in answer.text
    assert time.monotonic() - begun < 10


@pytest.mark.usefixtures("prefect_is_down")
def test_what_is_of_no_interest_needs_no_prefect(environment: PipelineEnvironment) -> None:
    body = message("scenes/kitchen_001/geniesim/scene_graph.json")
    assert TestClient(make_app(environment)).post("/pubsub", content=body).status_code == 204


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"message": {"data": "%%"}}', message("x", [1])])
def test_garbage_is_refused(environment: PipelineEnvironment, body: bytes) -> None:
    assert TestClient(make_app(environment)).post("/pubsub", content=body).status_code == 400


@pytest.mark.parametrize("header", [None, "Basic YW5uOnNlY3JldA==", "Bearer", "Bearer "])
@pytest.mark.usefixtures("prefect_is_down")
def test_without_googles_token_nothing_is_looked_at(environment: PipelineEnvironment, header: str | None) -> None:
    client = TestClient(make_app(environment, "https://receiver.example", "push@p.iam.gserviceaccount.com"))
    headers = {} if header is None else {"authorization": header}
    assert client.post("/pubsub", content=FAILED, headers=headers).status_code == 401
    assert client.post("/pubsub", content=b"garbage", headers=headers).status_code == 401


def test_a_message_that_is_too_large_is_refused_while_it_comes_in(environment: PipelineEnvironment) -> None:
    client = TestClient(make_app(environment))
    assert client.post("/pubsub", content=b"x" * (MAX_BODY + 1)).status_code == 413
    assert client.post("/pubsub", content=(b"x" * 2**20 for _ in range(20))).status_code == 413


@pytest.mark.parametrize(
    ("host", "audience", "account"),
    [("0.0.0.0", "", ""), ("127.0.0.1", "https://receiver.example", ""), ("127.0.0.1", "", "push@p.example")],
)
def test_it_does_not_start_where_anybody_could_start_recoveries(host: str, audience: str, account: str) -> None:
    with pytest.raises(PermanentError, match="--audience and --account"):
        serve("default", host, free_port(), audience, account)


@pytest.mark.usefixtures("prefect_is_down")
def test_it_does_not_start_without_its_environment() -> None:
    with pytest.raises(PermanentError, match="'default' cannot be loaded from http://"):
        serve("default", "127.0.0.1", free_port(), "", "")


def test_the_running_one_takes_a_message_and_prefect_has_the_event(stack: RunningStack) -> None:
    stack.pool(is_paused=True)
    address = stack.receiver.removeprefix("http://").removesuffix("/pubsub")
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", "/pubsub", message("scenes/received_001/geniesim/.failed"))
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (204, b"")
    (run,) = wait_for(lambda: stack.runs("export-recovery-on-failure", "received_001"), "the flow run")
    stack.prefect("DELETE", f"flow_runs/{run['id']}")
    stack.pool(is_paused=False)
