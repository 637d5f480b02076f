"""What Prefect's answers mean for an event: taken, refused, not now, or that it failed at this one alone."""

from __future__ import annotations

import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.environment import PipelineEnvironment
from deployments.receiver import dispatch, prefect_server, spool
from deployments.receiver.prefect_server import Broken, NotNow, PrefectServer, Refused
from deployments.receiver.writes import Later
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.receiver.messages import DATA
from tests.receiver.world import events, fail, running, scenes, wait_for

FAULTS: dict[bytes, int] = {}
"""What a request that has these words is answered with, instead of by Prefect."""


class Between(BaseHTTPRequestHandler):
    """Hands requests on to Prefect, but for those that are to fail."""

    target = ""

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["content-length"])))

    def answer(self, body: bytes | None) -> None:
        said = self.path.encode() + (body or b"")
        status, content = next((status for words, status in FAULTS.items() if words in said), 0), b"{}"
        if not status:
            asked = urllib.request.Request(self.target + self.path, body, {"content-type": "application/json"})
            try:
                with urllib.request.urlopen(asked) as answer:
                    status, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, content = error.code, error.read()
        self.send_response(status)
        self.send_header("content-length", "0" if status == 204 else str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if status == 204 else content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def between(target: str = "http://nowhere") -> Iterator[str]:
    """The address of an API that fails as told."""
    handler = type("To", (Between,), {"target": target.removesuffix("/api")})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api"
        finally:
            server.shutdown()
            FAULTS.clear()


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, Refused),
        (404, Refused),
        (409, Refused),
        (413, Refused),
        (422, Refused),
        (500, Broken),
        (401, NotNow),
        (408, NotNow),
        (429, NotNow),
        (502, NotNow),
        (503, NotNow),
    ],
)
def test_an_answer_means(status: int, meaning: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """And what may pass is waited for by the receiver, not by Prefect's client."""
    monkeypatch.setattr("prefect.client.base.time.sleep", lambda _: pytest.fail("Prefect's client waits by itself"))
    FAULTS[b"/events"] = status
    said = pytest.raises(meaning, match=rf"POST (/api)?/events.*{status}")
    with between() as url, temporary_settings({PREFECT_API_URL: url}), closing(PrefectServer()) as prefect, said:
        prefect.emit("pipeline.stage.failed", "blueprint.scene.a", "key", {}, 0.0)


def test_a_server_that_is_not_healthy_is_asked_for_nothing_else() -> None:
    FAULTS[b"/health"] = 500
    said = pytest.raises(NotNow, match="500")
    with between() as url, temporary_settings({PREFECT_API_URL: url}), closing(PrefectServer()) as prefect, said:
        prefect.check()


def test_only_after_a_certificate_that_is_not_trusted_the_authorities_are_read_again() -> None:
    refused, not_trusted = httpx.ConnectError("refused"), httpx.ConnectError("not trusted")
    refused.__cause__ = ConnectionRefusedError()
    not_trusted.__cause__ = OSError()
    not_trusted.__cause__.__context__ = ssl.SSLCertVerificationError()
    assert not prefect_server._certificate(refused)
    assert prefect_server._certificate(not_trusted)


@pytest.fixture
def api(deployment: str) -> Iterator[str]:
    """Prefect, behind what makes it fail."""
    with between(str(PREFECT_API_URL.value())) as url, temporary_settings({PREFECT_API_URL: url}):
        yield url


@pytest.mark.usefixtures("quick")
def test_an_event_at_which_prefect_fails_waits_and_the_others_go_on(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, api: str, runs: Any
) -> None:
    FAULTS[b"odd_001"] = 500
    with running(path, environment) as world:
        world.send(fail(sandbox, "odd_001"))
        world.send(fail(sandbox, "next_001"))
        wait_for(lambda: world.rows("done"), "the other one")
        (odd,) = world.rows("new")
        wait_for(lambda: world.rows("new")[0].attempts > dispatch.REFUSALS, "more tries than a refusal has")
        assert "500" in odd.reason
        FAULTS.clear()
        world.handled(2)
    assert scenes(runs()) == ["next_001", "odd_001"]


@pytest.mark.usefixtures("quick")
def test_a_run_whose_event_prefect_fails_to_take_is_noted_although_it_has_mended_the_scene_by_then(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, api: str, runs: Any
) -> None:
    FAULTS[b"pipeline.stage.failed"] = 500
    with running(path, environment) as world:
        world.send(fail(sandbox, "mended_001"))
        wait_for(lambda: world.rows("new")[0].attempts, "the first attempt")
        (run,) = runs()
        sandbox.store.delete(DATA, "scenes/mended_001/geniesim/.failed")
        FAULTS.clear()
        (row,) = world.handled(1)
    assert (row.state, row.run) == ("done", run["id"])
    (event,) = events("blueprint.scene.mended_001")
    assert event["payload"]["flow_run"] == run["id"]
    assert len(runs()) == 1
    assert world.receiver.dispatcher._begun == set(), "what has ended is not remembered"


@pytest.mark.usefixtures("quick")
def test_while_prefect_fails_to_say_what_has_begun_nothing_is_begun_again(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, api: str, runs: Any
) -> None:
    with running(path, environment) as world:
        world.send(fail(sandbox))
        world.handled(1)
    with spool.opened(path) as connection:
        connection.execute("UPDATE events SET state = 'new', run = '', subject = '', ended = NULL")
    sandbox.store.delete(DATA, "scenes/kitchen_001/geniesim/.failed")
    FAULTS[b"/flow_runs/filter"] = 500
    with running(path, environment) as world:
        wait_for(lambda: world.receiver.dispatcher._pause > dispatch.FIRST_PAUSE, "a try")
        assert [row.state for row in world.rows()] == ["new"]
        FAULTS.clear()
        (row,) = world.handled(1)
    assert (row.state, row.word) == ("done", "")
    assert len(runs()) == 1


@pytest.mark.usefixtures("quick")
def test_what_an_event_has_waited_for_is_no_refusal(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, api: str, runs: Any
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.get", kind="status", status=503))
    with running(path, environment) as world:
        FAULTS[b"create_flow_run"] = 409
        world.send(fail(sandbox))
        wait_for(lambda: world.rows("new")[0].attempts >= dispatch.REFUSALS, "as many tries as a refusal has")
        sandbox.faults.clear()
        wait_for(lambda: world.number("receiver_retries_total", **{"for": "refused"}), "the first refusal")
        FAULTS.clear()
        (row,) = world.handled(1)
    assert row.state == "done", row.reason
    assert len(runs()) == 1


@pytest.mark.usefixtures("quick")
def test_while_only_health_answers_prefect_is_asked_less_and_less(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "CARE_SECONDS", 0.0)
    monkeypatch.setattr(dispatch, "FIRST_PAUSE", 0.001)
    FAULTS[b"create_flow_run"] = 503
    with running(path, environment) as world:
        world.send(fail(sandbox))
        wait_for(lambda: world.receiver.dispatcher._pause > 0.1, "a pause that has doubled often")
        FAULTS.clear()
        world.handled(1)
        wait_for(lambda: world.receiver.dispatcher._pause == 0.001, "the pause to be as at first")


def test_an_event_that_has_waited_for_days_waits_the_longest_pause(path: Path) -> None:
    spool.prepare(path).close()
    with spool.opened(path) as connection:
        connection.execute(
            "INSERT INTO events (key, rule, content, received, attempts) VALUES ('a', 'b', '{}', 1, 5000)"
        )
        Later(1, 0.0, "away")(connection)
        (row,) = spool.due(connection, 1)
    assert dispatch._wait(row) == dispatch.LONGEST_WAIT
