"""The sandbox's sinks keep what they are sent, fail as they are told, and can be switched off."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox


def post(sandbox: Sandbox, path: str = "primary", json: Any = None, **options: Any) -> requests.Response:
    url = f"{sandbox.endpoints.sinks}/{path}"
    body = {"json": {"title": "t", "message": "m"} if json is None else json} if "data" not in options else {}
    return requests.post(url, timeout=60, **body, **options)


@pytest.fixture
def own() -> Any:
    with Sandbox(seed=7) as running:
        yield running


def test_what_is_posted_is_kept_by_sink_and_shown_by_the_control_interface(own: Sandbox) -> None:
    assert post(own).json() == {"ok": "taken"}
    post(own, "chat", {"text": "hello"})
    post(own, "chat", {"body": "hello", "title": 7})
    assert [(one.sink, one.title, one.text) for one in own.sinks.received()] == [
        ("primary", "t", "m"),
        ("chat", "", "hello"),
        ("chat", "7", "hello"),
    ]
    assert len(own.sinks.received("chat")) == 2
    control = f"{own.endpoints.control}/messages"
    assert requests.get(control, timeout=60).json() == own.sinks.shown()
    assert requests.delete(control, timeout=60).ok
    assert own.sinks.received() == []


@pytest.mark.parametrize(("path", "status"), [("", 404), ("a/b", 404)])
def test_what_is_no_sink_is_answered_with_404(own: Sandbox, path: str, status: int) -> None:
    assert post(own, path).status_code == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_what_is_no_json_object_is_a_400_and_not_kept(own: Sandbox, body: bytes) -> None:
    assert post(own, data=body).status_code == 400
    assert own.sinks.received() == []


def test_a_get_keeps_nothing(own: Sandbox) -> None:
    assert requests.get(f"{own.endpoints.sinks}/primary", timeout=60).status_code == 404
    assert own.requests.mutating() == {"total": 0}
    post(own)
    assert own.requests.mutating() == {"total": 1, "sinks": 1}


def test_faults_go_by_the_name_of_the_sink(own: Sandbox) -> None:
    own.faults.add(FaultRule(service="sinks", method="primary", kind="status", status=500, times=1))
    assert post(own, "chat").ok
    assert post(own).status_code == 500
    assert post(own).ok
    own.faults.add(FaultRule(service="sinks", kind="lost_answer", times=1))
    with pytest.raises(requests.ConnectionError):
        post(own)
    assert len(own.sinks.received("primary")) == 2, "that one was taken"
    own.faults.add(FaultRule(service="sinks", kind="reset", times=1))
    with pytest.raises(requests.ConnectionError):
        post(own)
    assert len(own.sinks.received("primary")) == 2


def test_switched_off_a_connection_is_refused_and_then_it_is_there_again_at_the_same_place(own: Sandbox) -> None:
    at = own.endpoints.sinks
    control = f"{own.endpoints.control}/sinks"
    assert requests.post(control, json={"state": "down"}, timeout=60).ok
    with pytest.raises(requests.ConnectionError, match="refused"):
        post(own)
    assert requests.post(control, json={"state": "serving"}, timeout=60).ok
    assert requests.post(control, json={"state": "asleep"}, timeout=60).status_code == 400
    assert (post(own).ok, own.endpoints.sinks) == (True, at)


def test_only_the_newest_are_kept(own: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from deployments.sandbox.services import sinks

    monkeypatch.setattr(sinks, "KEPT", 3)
    for number in range(5):
        post(own, json={"message": str(number)})
    assert [one.text for one in own.sinks.received()] == ["2", "3", "4"]
