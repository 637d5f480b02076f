"""What an HTTP service says of its health, as the block sees it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from prefect.types import SecretDict

from blocks.http_health import HttpHealth
from tests.simulator_outage.servers import Web, http_server


@pytest.fixture
def web() -> Iterator[Web]:
    with http_server() as running:
        yield running


BLOCK = HttpHealth(seconds=0.3, most_bytes=1000, tokens=SecretDict({"particulate-service": "s3cret"}))


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_an_answer_is_given_as_it_came(web: Web, status: int) -> None:
    web.answers["/"] = (status, '{"status": "ok", "ready": true}')
    found = BLOCK.get(f"{web.url}/")
    assert (found.state, found.status, found.data) == ("answered", status, {"status": "ok", "ready": True})


@pytest.mark.parametrize("body", ["ready", "", "[1]", "{", '"x"'])
def test_what_is_no_json_object_has_no_data(web: Web, body: str) -> None:
    web.answers["/"] = (200, body)
    found = BLOCK.get(f"{web.url}/")
    assert (found.state, found.text, found.data) == ("answered", body, {})


def test_nobody_who_listens_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert BLOCK.get(f"http://127.0.0.1:{port}/").state == "down"


def test_a_connection_that_is_dropped_is_down(web: Web) -> None:
    web.hanging.add("/")
    web.hang.set()  # it goes without an answer
    assert BLOCK.get(f"{web.url}/").state == "down"


def test_one_that_does_not_answer_is_hung_and_is_left_in_time(web: Web) -> None:
    web.hanging.add("/")
    begun = time.monotonic()
    assert BLOCK.get(f"{web.url}/").state == "hung"
    assert time.monotonic() - begun < 5.0


def test_a_redirect_is_not_followed_and_says_where_to(web: Web) -> None:
    web.answers |= {"/": (302, ""), "/elsewhere": (200, '{"status": "ok"}')}
    web.headers["Location"] = f"{web.url}/elsewhere"
    found = BLOCK.get(f"{web.url}/")
    assert found.state == "unknown"
    assert "/elsewhere" in found.detail
    assert [path for _, path, _ in web.asked] == ["/"]


def test_an_answer_that_is_too_long_is_not_read_to_its_end(web: Web) -> None:
    web.answers["/"] = (200, "x" * 100_000)
    found = BLOCK.get(f"{web.url}/")
    assert (found.state, found.text) == ("unknown", "")
    assert "longer than 1000 bytes" in found.detail


@pytest.mark.parametrize(("service", "sent"), [("particulate-service", "Bearer s3cret"), ("another", ""), ("", "")])
def test_a_token_is_sent_for_its_own_service_alone(web: Web, service: str, sent: str) -> None:
    web.answers["/debug"] = (200, "{}")
    BLOCK.get(f"{web.url}/debug", service)
    assert web.asked == [("GET", "/debug", sent)]
    assert "s3cret" not in repr(BLOCK)


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "http://[::1", "nonsense", "http://x.invalid/"])
def test_an_address_that_is_none_is_down_with_a_sentence(url: str) -> None:
    found = BLOCK.get(url)
    assert found.state == "down"
    assert found.detail.startswith("No connection")
