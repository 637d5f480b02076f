"""A person takes an incident: recorded once, with the name they gave, by whatever road."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents.acknowledge import LONGEST_NAME, acknowledge
from tasks.incidents.entries import Acknowledged, Closed, Declared, Reopened, Resolved
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.incidents.pages import enough, opened
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused


@pytest.fixture
def context(environment: PipelineEnvironment) -> Context:
    return Context(environment, "ann")


@pytest.fixture
def incident(context: Context) -> Incident:
    return declare(context, Declared(title="Exports fail"))


def test_it_is_recorded_with_name_road_and_who_vouches_for_it(context: Context, incident: Incident) -> None:
    found, new = acknowledge(context, incident.id, "  bo \n", "link")
    assert new
    assert found.acknowledged == Acknowledged(by="bo", how="link", identity="claimed")
    assert enough(found) == "bo has it"
    assert acknowledge(context, incident.id, "cy", "command")[1]
    read = read_incident(context, incident.id)
    assert [said.by for _, said in read.all_of(Acknowledged)] == ["bo", "cy"]
    assert opened(read).acknowledged == found.acknowledged, "the first one counts"


def test_saying_it_twice_by_any_road_has_one_effect(context: Context, incident: Incident, sandbox: Sandbox) -> None:
    acknowledge(context, incident.id, "bo", "link")
    sandbox.requests.reset()
    found, new = acknowledge(context, incident.id, "bo", "ui")
    assert (new, len(found.all_of(Acknowledged))) == (False, 1)
    assert sandbox.requests.mutating() == {"total": 0}


def test_of_ten_who_say_it_at_once_with_one_name_one_is_recorded(context: Context, incident: Incident) -> None:
    with ThreadPoolExecutor(10) as pool:
        news = list(pool.map(lambda _: acknowledge(context, incident.id, "bo", "link")[1], range(10)))
    assert news.count(True) == 1
    assert len(read_incident(context, incident.id).all_of(Acknowledged)) == 1


def test_what_is_reopened_can_be_taken_again_by_the_same_person(context: Context, incident: Incident) -> None:
    acknowledge(context, incident.id, "bo", "command")
    incident = read_incident(context, incident.id)
    incident.say(Resolved(how="rolled back"))
    incident.say(Reopened(why="it is back"))
    assert enough(read_incident(context, incident.id)) == ""
    found, new = acknowledge(context, incident.id, "bo", "command")
    assert (new, enough(found), opened(found).times) == (True, "bo has it", 1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Say who you are"),
        (" \t", "Say who you are"),
        ("x" * (LONGEST_NAME + 1), "longer than"),
        ("a\u202eb", "cannot be shown"),
    ],
)
def test_who_gives_no_name_that_can_be_shown_is_refused_and_nothing_is_written(
    context: Context, incident: Incident, sandbox: Sandbox, name: str, said: str
) -> None:
    sandbox.requests.reset()
    with pytest.raises(Refused, match=said):
        acknowledge(context, incident.id, name, "command")
    assert sandbox.requests.mutating() == {"total": 0}


def test_one_that_is_closed_is_taken_by_nobody(context: Context, incident: Incident) -> None:
    incident.say(Closed())
    with pytest.raises(Refused, match="is closed"):
        acknowledge(context, incident.id, "bo", "command")


def test_one_that_there_is_not_is_refused(context: Context) -> None:
    with pytest.raises(Refused, match="incident list"):
        acknowledge(context, "inc-20260118t120000z-01234567", "bo", "command")


def test_a_name_of_another_script_is_a_name(context: Context, incident: Incident) -> None:
    assert acknowledge(context, incident.id, "Bö Ünïcode 名前", "link")[1]
