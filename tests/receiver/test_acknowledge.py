"""The link in a page: looking at it changes nothing, saying "I have it" has one effect, and no other link has any."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.flows import load_flow_from_entrypoint
from pydantic import SecretStr

from blocks.environment import PipelineEnvironment
from blocks.on_call import OnCall
from deployments.receiver.acknowledge import MAX_FORM, message_of
from deployments.receiver.rule import filled
from deployments.receiver.rules import load_rules
from deployments.receiver.spool import Row
from deployments.sandbox.server import Sandbox
from tasks.incidents.acknowledge import LONGEST_NAME
from tasks.incidents.links import PATH, link_for, make_token, read_token
from tests.receiver.world import World, ask, plain_environment, running

SECRET = "s" * 24
INCIDENT = "inc-20260601t120000z-9f3ac1d2"
SOON = datetime.now(UTC) + timedelta(days=1)


def with_links(environment: PipelineEnvironment) -> PipelineEnvironment:
    environment.on_call = OnCall(link_url="http://receiver", link_secret=SecretStr(SECRET))
    return environment


def link(secret: str = SECRET, incident: str = INCIDENT, tier: str = "primary", expires: datetime = SOON) -> str:
    return PATH + make_token(secret.encode(), incident, tier, expires)


@pytest.fixture
def world(path: Path, prefect_is_down: None) -> Iterator[World]:
    with running(path, with_links(plain_environment())) as one:
        yield one


def say(world: World, where: str, by: str = "ann") -> Any:
    return world.client.post(where, data={"by": by})


def test_looking_at_the_link_shows_a_form_and_changes_nothing(world: World) -> None:
    """Chat clients and mail filters fetch every link, often several times."""
    for _ in range(3):
        shown = world.client.get(link())
    assert world.client.head(link()).status_code == 200
    assert shown.status_code == 200
    for part in (INCIDENT, "primary", '<form method="post">', "I have it", "claimed"):
        assert part in shown.text
    assert world.rows() == []


def test_saying_it_is_kept_on_disk_before_it_is_answered(world: World) -> None:
    answer = say(world, link())
    assert (answer.status_code, f"ann has {INCIDENT}" in answer.text) == (200, True)
    (row,) = world.rows()
    assert (row.state, row.rule) == ("new", "acknowledged-by-link")
    assert (row.content["incident"], row.content["by"], row.content["tier"]) == (INCIDENT, "ann", "primary")


def test_the_link_itself_is_not_kept(world: World) -> None:
    say(world, link())
    signature = read_token(SECRET.encode(), link().removeprefix(PATH), datetime.now(UTC)).signature
    assert signature not in str(world.rows())
    assert signature.encode() not in world.receiver.path.read_bytes()


def test_saying_it_ten_times_is_one_event(world: World) -> None:
    assert [say(world, link()).status_code for _ in range(10)] == [200] * 10
    assert [row.duplicates for row in world.rows()] == [9]


def test_two_people_with_one_link_and_one_with_two_are_different_events(world: World) -> None:
    say(world, link(), "ann")
    say(world, link(), "bo")
    say(world, link(tier="vendor"), "ann")
    say(world, link(expires=SOON + timedelta(hours=1)), "ann")  # of a page after it was reopened
    assert len(world.rows()) == 4


FORGED = {
    "made with another secret": link("t" * 24),
    "expired": link(expires=datetime.now(UTC) - timedelta(seconds=1)),
    "of another incident": link().replace("9f3ac1d2", "9f3ac1d3"),
    "cut off": link()[:-1],
    "nonsense": PATH + "x",
    "of no incident": link(incident="kitchen-001"),
    "with markup": PATH + "%3Cscript%3E",
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_none_of_ours_is_refused_with_a_sentence_and_counted(
    world: World, name: str, method: str
) -> None:
    answer = world.client.request(method, FORGED[name], data={"by": "ann"} if method == "POST" else None)
    assert answer.status_code == 403
    assert "This link" in answer.text
    assert "<script>" not in answer.text
    assert "<form" not in answer.text
    assert world.rows() == []
    assert world.number("receiver_forged_total", path=PATH) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"data": {}},
        {"data": {"by": ""}},
        {"data": {"by": "   "}},
        {"data": {"by": "x" * (LONGEST_NAME + 1)}},
        {"data": {"by": "a\u202eb"}},
        {"data": {"by": "a\nb\0"}},
        {"data": {"name": "ann"}},
        {"content": b"by=%ff%fe"},
        {"content": b"\xff"},
        {"content": b"by=" + b"x" * MAX_FORM},
        {"content": b"&".join(b"a=1" for _ in range(50))},
        {"json": {"by": "ann"}},
    ],
    ids=str,
)
def test_without_a_name_that_can_be_shown_nothing_is_kept(world: World, body: dict[str, Any]) -> None:
    answer = world.client.post(link(), **body)
    assert answer.status_code == 400
    assert "say who you are" in answer.text
    assert world.rows() == []


@pytest.mark.parametrize("name", ["<b>ann</b>", "{incident}", "{{ 7 * 7 }}", '"; --', "名前"])
def test_a_name_is_a_name_whatever_it_looks_like(world: World, name: str) -> None:
    answer = say(world, link(), name)
    assert answer.status_code == 200
    assert "<b>" not in answer.text
    (row,) = world.rows()
    rule = world.receiver.rules.by_name[row.rule]
    assert rule.run is not None
    assert filled(rule.run.parameters, row.content)["by"] == name


def test_the_page_is_kept_by_nobody_and_framed_by_nobody(world: World) -> None:
    for answer in (world.client.get(link()), say(world, link()), world.client.get(PATH + "x")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_no_other_method_does_anything(world: World, method: str) -> None:
    assert world.client.request(method, link()).status_code == 405
    assert world.rows() == []


def test_when_the_disk_refuses_it_says_so_and_asks_to_try_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from deployments.receiver import writer

    monkeypatch.setattr(writer, "WAITING", -1)
    answer = say(world, link())
    assert answer.status_code == 503
    assert "It was not kept" in answer.text
    assert world.number("receiver_unkept_total", reason="SpoolBusy") == 1


def test_where_links_are_not_set_up_there_is_no_such_page(path: Path, prefect_is_down: None) -> None:
    with running(path, plain_environment()) as world:
        assert world.client.get(link()).status_code == 404
        assert say(world, link()).status_code == 404


def test_the_rule_gives_the_flow_what_it_takes(world: World) -> None:
    """Else Prefect would refuse the run, and the acknowledgement would be a dead letter."""
    rules = load_rules(plain_environment())
    event = rules.event_of(message_of(read_token(SECRET.encode(), link().removeprefix(PATH), datetime.now(UTC)), "ann"))
    assert event is not None
    rule = rules.by_name[event.rule]
    assert rule.run is not None
    given = filled(rule.run.parameters, event.values)
    assert given == {"incident": INCIDENT, "by": "ann", "how": "link", "proof": "none"}
    flow = load_flow_from_entrypoint("flows.acknowledge_incident.acknowledge_incident", use_placeholder_flow=False)
    assert flow.validate_parameters(given)["proof"] == "none"
    assert rule.run.deployment == f"{flow.name}/acknowledge-incident"


@pytest.fixture
def acknowledging(prefect_server: None) -> Iterator[str]:
    """The deployment, without a worker."""
    flow = ask("POST", "/flows/", {"name": "acknowledge-incident"})["id"]
    texts = {name: {"type": "string"} for name in ("incident", "by", "how", "proof")}
    schema = {"type": "object", "properties": texts, "required": ["incident", "by"]}
    body = {"name": "acknowledge-incident", "flow_id": flow, "parameter_openapi_schema": schema}
    made = ask("POST", "/deployments/", {**body, "enforce_parameter_schema": True})["id"]
    yield made
    ask("DELETE", f"/deployments/{made}")


@pytest.mark.usefixtures("quick")
def test_it_becomes_one_run_of_the_flow_also_after_a_restart(
    path: Path, environment: PipelineEnvironment, sandbox: Sandbox, acknowledging: str
) -> None:
    with_links(environment)
    where = link_for(environment.on_call, INCIDENT, "primary", datetime.now(UTC)).removeprefix("http://receiver")
    found: list[Row] = []
    for _ in range(2):
        with running(path, environment) as world:
            assert [say(world, where).status_code for _ in range(2)] == [200, 200]
            found = world.handled(1)
    wanted = {"deployments": {"id": {"any_": [acknowledging]}}}
    (run,) = ask("POST", "/flow_runs/filter", wanted)
    assert run["parameters"] == {"incident": INCIDENT, "by": "ann", "how": "link", "proof": "none"}
    assert [(row.state, row.run) for row in found] == [("done", run["id"])]
