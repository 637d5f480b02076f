"""While Prefect or Cloud Storage is away events wait, for as long as it takes, and use up nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.receiver import dispatch, serve
from deployments.sandbox.server import Sandbox
from tests.receiver.world import Bridge, ask, fail, running, wait_for

pytestmark = pytest.mark.usefixtures("quick")


def test_while_cloud_storage_is_away_the_event_waits(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, runs: Any
) -> None:
    sent = fail(sandbox)
    bridge = Bridge(urlsplit(sandbox.endpoints.storage).port or 0)
    bridge.up()
    environment.storage.endpoint = f"http://127.0.0.1:{bridge.port}"
    environment.storage.limits = environment.storage.limits.model_copy(update={"attempts": 1})
    bridge.down()
    with running(path, environment) as world:
        world.send(sent)
        wait_for(lambda: world.rows("new")[0].attempts, "the first attempt")
        assert world.number("receiver_retries_total", **{"for": "fact"}) >= 1
        bridge.up()
        (row,) = world.handled(1)
    bridge.down()
    assert row.state == "done"
    assert len(runs()) == 1


@pytest.fixture
def bridge(deployment: str) -> Iterator[Bridge]:
    """The way to Prefect, down until the test puts it up."""
    url = urlsplit(str(PREFECT_API_URL.value()))
    one = Bridge(url.port or 0)
    one.up()
    one.down()
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{one.port}{url.path}"}):
        yield one


def test_what_comes_while_prefect_is_away_is_handled_when_it_is_back(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, deployment: str, bridge: Bridge, monkeypatch: Any
) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_WAIT", 0.2)
    with running(path, environment) as world:
        sent = [fail(sandbox, f"away_{number}") for number in range(5)]
        assert {world.send(one) for one in sent} == {204}
        assert world.client.get("/readyz").status_code == 503
        assert [row.attempts for row in world.rows("new")] == [0] * 5, "an outage uses up nobody's attempts"
        bridge.up()
        first = wait_for(lambda: world.rows("done"), "the first event to be handled")
        bridge.down()  # and once more in the middle
        more = [fail(sandbox, f"late_{number}") for number in range(5)]
        assert {world.send(one) for one in more} == {204}
        bridge.up()
        found = world.handled(10)
        assert {row.state for row in found} == {"done"}
        assert len({row.run for row in found}) == 10
        assert first
    wanted = {"deployments": {"id": {"any_": [deployment]}}, "limit": 200}
    assert len(ask("POST", "/flow_runs/filter", wanted)) == 10
    bridge.down()


def test_it_waits_for_prefect_while_both_are_just_starting(bridge: Bridge) -> None:
    coming = threading.Timer(0.5, bridge.up)
    coming.start()
    with pytest.raises(PermanentError, match="Unable to find block document named no-such"):
        serve.load("no-such", "http://prefect")
    coming.join()
    bridge.down()
