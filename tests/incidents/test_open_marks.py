"""Open incidents are found by their marks, however many were closed; and none that is open is ever without one."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.incidents import incident as incidents
from tasks.incidents.entries import Closed, Declared, Noted, Reopened
from tasks.incidents.incident import declare, read_incident
from tasks.incidents.open_marks import MARKS, mark_open, open_marks, remove_open_mark
from tasks.remediation.context import Context

OPS = "sandbox-ops"


@pytest.fixture
def context(environment: PipelineEnvironment) -> Context:
    return Context(environment, "ann")


def ids(environment: PipelineEnvironment) -> list[str]:
    return [id_ for id_, _ in open_marks(environment)]


def test_what_is_declared_is_marked_newest_first(context: Context, environment: PipelineEnvironment) -> None:
    made = [declare(context, Declared(title=f"number {number}")).id for number in range(3)]
    assert ids(environment) == sorted(made, reverse=True)


def test_the_mark_is_there_before_the_record(
    context: Context, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in between there is a mark too many, which the record explains; never one too few."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(incidents.Case, "append", dies)
    with pytest.raises(KeyboardInterrupt):
        declare(context, Declared(title="x"))
    assert len(ids(environment)) == 1


def test_whoever_removes_a_mark_that_was_written_anew_meanwhile_does_not(
    context: Context, environment: PipelineEnvironment
) -> None:
    incident = declare(context, Declared(title="x"))
    incident.say(Closed())
    ((_, seen),) = open_marks(environment)
    incident.say(Reopened(why="it is back"))
    remove_open_mark(environment, seen)
    assert ids(environment) == [incident.id]


def test_what_is_reopened_or_told_of_after_its_end_is_marked_again(
    context: Context, environment: PipelineEnvironment
) -> None:
    incident = declare(context, Declared(title="x"))
    for said in (Reopened(why="it is back"), Noted(text="an afterthought")):
        read_incident(context, incident.id).say(Closed())
        for _, mark in open_marks(environment):
            remove_open_mark(environment, mark)
        read_incident(context, incident.id).say(said)
        assert ids(environment) == [incident.id]


def test_a_note_on_an_open_one_does_not_touch_the_mark(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    incident = declare(context, Declared(title="x"))
    before = [found.generation for found in sandbox.store.list(OPS, MARKS)]
    incident.say(Noted(text="hello"))
    assert [found.generation for found in sandbox.store.list(OPS, MARKS)] == before


def test_removing_what_is_gone_is_no_error(context: Context, environment: PipelineEnvironment) -> None:
    declare(context, Declared(title="x"))
    ((_, mark),) = open_marks(environment)
    remove_open_mark(environment, mark)
    remove_open_mark(environment, mark)
    assert ids(environment) == []


def test_marking_it_twice_leaves_one_mark(environment: PipelineEnvironment) -> None:
    for _ in range(2):
        mark_open(environment.storage, OPS, "inc-20260118t120000z-01234567")
    assert ids(environment) == ["inc-20260118t120000z-01234567"]
