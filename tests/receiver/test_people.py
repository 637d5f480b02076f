"""Behind Identity-Aware Proxy the receiver sees who acknowledges, and proves it; anybody else is only claimed to be a name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, TemporaryError
from blocks.identity import PersonTokens
from deployments.sandbox.server import Sandbox
from deployments.stack import free_port
from tasks.incidents.acknowledge import acknowledge, prove
from tasks.incidents.entries import Acknowledged, Declared, Reopened, Resolved
from tasks.incidents.incident import declare, read_incident
from tasks.remediation.context import Context
from tests.receiver import google
from tests.receiver.google import ANN, IAP_AUDIENCE, assertion
from tests.receiver.test_acknowledge import INCIDENT, SECRET, link, with_links
from tests.receiver.world import World, plain_environment, running

ORIGIN = {"origin": "http://receiver"}


@pytest.fixture(scope="module")
def people() -> Iterator[PersonTokens]:
    with google.serving(google.proxy_keys()) as keys:
        yield PersonTokens(IAP_AUDIENCE, keys.url)


@pytest.fixture
def world(path: Path, prefect_is_down: None, people: PersonTokens) -> Iterator[World]:
    with running(path, with_links(plain_environment()), people=people) as one:
        yield one


def signed(token: str) -> dict[str, str]:
    return {"x-goog-iap-jwt-assertion": token}


def post(world: World, token: str, by: str = "", **headers: str) -> Any:
    return world.client.post(link(), data={"by": by}, headers=signed(token) | ORIGIN | headers)


def test_the_form_asks_no_name_of_somebody_who_is_known(world: World) -> None:
    shown = world.client.get(link(), headers=signed(assertion())).text
    assert f"You are {ANN}" in shown
    assert 'name="by"' not in shown
    assert 'name="by"' in world.client.get(link()).text


def test_the_name_is_the_one_that_was_seen_whatever_the_form_says(world: World) -> None:
    assert post(world, assertion(), by="bo").status_code == 200
    (row,) = world.rows()
    assert row.content["by"] == ANN
    assert row.content["proof"] != "none"


def test_without_the_proxys_word_a_name_is_claimed(world: World) -> None:
    world.client.post(link(), data={"by": ANN})
    post(world, assertion())
    claimed, proved = world.rows()
    assert (claimed.content["by"], claimed.content["proof"]) == (ANN, "none")
    assert proved.content["proof"] != "none", "the claim does not stand in its way"


BAD: dict[str, Any] = {
    "another audience": {"aud": "/projects/1/global/backendServices/3"},
    "another issuer": {"iss": "https://accounts.google.com"},
    "no issuer": {"iss": None},
    "another key": {"signed_by": "somebody"},
    "no address": {"email": None},
    "an address that is a list": {"email": [ANN]},
    "an address that is none": {"email": "ann"},
    "an address with markup": {"email": "<b>@example.org"},
}


@pytest.mark.parametrize("name", BAD)
def test_an_assertion_that_is_not_the_proxys_for_us_is_refused_and_counted(world: World, name: str) -> None:
    claims = BAD[name]
    if name == "an address with markup":
        claims = {"email": "<b>\n@example.org"}
    answer = post(world, assertion(**claims), by="bo")
    assert answer.status_code == 403
    assert world.rows() == []
    assert world.number("receiver_forged_total", path="/ack/") == 1


@pytest.mark.parametrize(("made", "ends"), [(-700, -100), (100, 700)], ids=["ended", "of the future"])
def test_an_assertion_of_another_time_is_refused(people: PersonTokens, made: int, ends: int) -> None:
    now = int(time.time())
    with pytest.raises(PermanentError):
        people.who(assertion(iat=now + made, exp=now + ends))


@pytest.mark.parametrize("token", ["", "a.b.c", "ü", "one of a service account"])
def test_what_is_no_assertion_is_refused(people: PersonTokens, token: str) -> None:
    with pytest.raises(PermanentError):
        people.who(google.token() if " " in token else token)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://receiver.elsewhere.example", ""])
def test_a_form_that_another_sites_page_sends_speaks_for_nobody(world: World, origin: str) -> None:
    """A signed-in person's browser adds the proxy's word to whatever a page makes it send."""
    assert post(world, assertion(), origin=origin).status_code == 403
    assert world.rows() == []


def test_without_the_proxys_keys_nothing_is_taken_and_it_is_asked_again() -> None:
    with pytest.raises(TemporaryError):
        PersonTokens(IAP_AUDIENCE, f"http://127.0.0.1:{free_port()}/keys").who(assertion())


@pytest.fixture
def context(environment: PipelineEnvironment) -> Context:
    return Context(with_links(environment), "acknowledge-incident")


def test_the_record_says_verified_only_of_what_the_receiver_has_seen(context: Context, sandbox: Sandbox) -> None:
    incident = declare(context, Declared(title="Exports fail"))
    now = datetime.now(UTC)
    good = prove(SECRET.encode(), incident.id, ANN, now)
    others = [
        "x",
        "1.",
        f"{good}0",
        prove(b"t" * 24, incident.id, ANN, now),
        prove(SECRET.encode(), INCIDENT, ANN, now),
        prove(SECRET.encode(), incident.id, "bo", now),
        f"{int(now.timestamp()) + 1}.{good.partition('.')[2]}",
    ]
    assert acknowledge(context, incident.id, ANN, "link")[1]
    assert [acknowledge(context, incident.id, ANN, "link", one)[1] for one in others] == [False] * len(others)
    assert acknowledge(context, incident.id, ANN, "link", good)[1]
    said = [one.identity for _, one in read_incident(context, incident.id).all_of(Acknowledged)]
    assert said == ["claimed", "verified"]


def test_a_proof_does_not_hold_for_the_time_after_it_was_reopened(context: Context, sandbox: Sandbox) -> None:
    """Whoever can read a run's parameters could take it again in that person's name."""
    incident = declare(context, Declared(title="Exports fail"))
    old = prove(SECRET.encode(), incident.id, ANN, datetime.now(UTC) - timedelta(seconds=2))
    acknowledge(context, incident.id, ANN, "link", old)
    incident = read_incident(context, incident.id)
    incident.say(Resolved(how="rolled back"))
    incident.say(Reopened(why="it is back"))
    acknowledge(context, incident.id, ANN, "link", old)
    acknowledge(
        context,
        incident.id,
        ANN,
        "link",
        prove(SECRET.encode(), incident.id, ANN, datetime.now(UTC) + timedelta(seconds=1)),
    )
    said = [one.identity for _, one in read_incident(context, incident.id).all_of(Acknowledged)]
    assert said == ["verified", "claimed", "verified"]
