"""The journal: append-only, one writer, and an edit or a gap shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import new_run_id
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.ledger import LedgerDamaged, LedgerTaken
from tasks.remediation.plan import Plan
from tasks.remediation.runs import past_runs
from tests.remediation.test_plan import deletion

OPS = "sandbox-ops"
PLAN = Plan(procedure="p", subject="scene", actions=(deletion(),), details={"restart": ["usd"]})


def journal(environment: PipelineEnvironment, run: str = "20990101t000000z-1") -> Journal:
    return Journal(environment.storage, OPS, "scene", run, "tester")


def begun(environment: PipelineEnvironment, run: str = "20990101t000000z-1") -> Journal:
    made = journal(environment, run)
    made.append("begin", {"plan": PLAN.model_dump(mode="json")})
    return made


def test_what_was_written_is_read_back(environment: PipelineEnvironment) -> None:
    written = begun(environment)
    written.append("intent", {"step": "clear", "actions": ["a"]})
    written.append("outcome", {"step": "clear", "results": {"a": "deleted"}})
    found = read_journal(environment.storage, OPS, "scene", written.run, "reader")
    assert found.entries == written.entries
    assert found.plan() == PLAN
    assert found.outcomes() == {"a": "deleted"}
    assert not found.ended


def test_a_second_writer_of_the_same_run_is_stopped(environment: PipelineEnvironment) -> None:
    first = begun(environment)
    second = read_journal(environment.storage, OPS, "scene", first.run, "other")
    first.append("note", {"says": "first"})
    with pytest.raises(LedgerTaken):
        second.append("note", {"says": "second"})
    assert len(read_journal(environment.storage, OPS, "scene", first.run, "x").entries) == 2


def test_an_edited_entry_is_noticed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    written = begun(environment)
    written.append("note", {"says": "truth"})
    written.append("end", {"outcome": "done"})
    name = f"{written.prefix}000002.json"
    stored = sandbox.store.get(OPS, name)
    assert stored is not None
    sandbox.store.put(OPS, name, stored.data.replace(b"truth", b"false"))
    with pytest.raises(ValueError, match="000003"):
        read_journal(environment.storage, OPS, "scene", written.run, "x")


def test_a_missing_entry_is_noticed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    written = begun(environment)
    written.append("note", {})
    written.append("end", {"outcome": "done"})
    sandbox.store.delete(OPS, f"{written.prefix}000002.json")
    with pytest.raises(ValueError, match="does not follow"):
        read_journal(environment.storage, OPS, "scene", written.run, "x")


def test_a_run_that_never_was_is_not_found(environment: PipelineEnvironment) -> None:
    with pytest.raises(NotFound):
        read_journal(environment.storage, OPS, "scene", "nothing", "x")


def test_past_runs_tell_what_came_of_each(environment: PipelineEnvironment) -> None:
    begun(environment, "20990101t000000z-1").append("end", {"outcome": "failed"})
    begun(environment, "20990102t000000z-2")
    runs = past_runs(environment.storage, OPS, "scene", hours=24)
    assert [(run.outcome, run.details) for run in runs] == [
        ("failed", {"restart": ["usd"]}),
        ("unfinished", {"restart": ["usd"]}),
    ]


def test_runs_that_began_before_the_hours_are_left_out(environment: PipelineEnvironment) -> None:
    now = datetime.now(UTC)
    begun(environment, new_run_id(now - timedelta(hours=3)))
    recent = begun(environment, new_run_id(now - timedelta(hours=1)))
    assert [run.run for run in past_runs(environment.storage, OPS, "scene", hours=2)] == [recent.run]


@pytest.mark.parametrize("plan", [{}, {"procedure": "p", "actions": 7}, 5, None, "text", {"procedure": ["p"]}])
def test_an_ended_run_of_whatever_version_stands_in_nobodys_way(environment: PipelineEnvironment, plan: Any) -> None:
    made = journal(environment)
    made.append("begin", {"plan": plan, "invented": {"later": True}})
    made.append("epilogue", {"of": "a newer version"})
    made.append("end", {"outcome": "transcended"})
    (found,) = past_runs(environment.storage, OPS, "scene", hours=24)
    assert found.outcome == "transcended"


def test_an_ended_run_that_cannot_be_read_is_passed_over(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    made = begun(environment)
    made.append("end", {"outcome": "done"})
    sandbox.store.put(OPS, f"{made.prefix}000001.json", b"{")
    assert past_runs(environment.storage, OPS, "scene", hours=24) == []


@pytest.mark.parametrize("body", [b"{}", b"7", b"", b'{"run": "r", "seq', b'{"at": "2026-01-01T00:00:00"}'])
def test_an_unfinished_run_that_cannot_be_read_is_named(
    environment: PipelineEnvironment, sandbox: Sandbox, body: bytes
) -> None:
    made = begun(environment)
    sandbox.store.put(OPS, f"{made.prefix}000001.json", body)
    with pytest.raises(LedgerDamaged, match="is no entry; look at it"):
        past_runs(environment.storage, OPS, "scene", hours=24)


def test_journals_of_earlier_versions_are_read(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    made = begun(environment)
    made.append("end", {"outcome": "recovered"})
    for sequence, kind in ((1, "begin"), (2, "end")):
        stored = sandbox.store.get(OPS, f"{made.prefix}{sequence:06d}.json")
        assert stored is not None
        sandbox.store.put(OPS, f"{made.prefix}{sequence:06d}-{kind}.json", stored.data)
        sandbox.store.delete(OPS, stored.name)
    assert read_journal(environment.storage, OPS, "scene", made.run, "x").ended
    assert [run.outcome for run in past_runs(environment.storage, OPS, "scene", hours=24)] == ["done"]


def test_two_writers_collide_whatever_kinds_they_write(environment: PipelineEnvironment) -> None:
    first = begun(environment)
    second = read_journal(environment.storage, OPS, "scene", first.run, "other")
    first.append("intent", {"step": "s", "actions": []})
    with pytest.raises(LedgerTaken):
        second.append("end", {"outcome": "done"})


def test_verifying_names_every_edited_missing_or_doubled_entry(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    written = begun(environment)
    for number in range(4):
        written.append("note", {"says": number})
    assert written.verify() == []
    name = f"{written.prefix}000002.json"
    stored = sandbox.store.get(OPS, name)
    assert stored is not None
    sandbox.store.put(OPS, name, stored.data.replace(b'"says":0', b'"says":9'))
    sandbox.store.delete(OPS, f"{written.prefix}000004.json")
    assert [sentence.partition(" ")[0].rpartition("/")[2] for sentence in written.verify()] == [
        "000003.json",
        "000005.json",
    ]


def test_a_scene_whose_name_begins_like_another_is_not_mixed_up(environment: PipelineEnvironment) -> None:
    begun(environment)
    assert past_runs(environment.storage, OPS, "scen", hours=24) == []
    assert past_runs(environment.storage, OPS, "scene_2", hours=24) == []


def test_a_lost_answer_writes_the_entry_once(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    from deployments.sandbox.faults import FaultRule

    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="lost_answer", times=1))
    written = begun(environment)
    written.append("end", {"outcome": "done"})
    assert len(read_journal(environment.storage, OPS, "scene", written.run, "x").entries) == 2
