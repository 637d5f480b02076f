"""The journal: append-only, one writer, and an edit or a gap shows."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from deployments.sandbox.server import Sandbox
from tasks.remediation.journal import Journal, JournalTaken, past_runs, read_journal
from tasks.remediation.plan import Plan
from tests.remediation.test_plan import deletion

OPS = "sandbox-ops"
PLAN = Plan(procedure="p", subject="scene", actions=(deletion(),), restart=("usd",), stages=("usd", "replicator"))


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
    with pytest.raises(JournalTaken):
        second.append("note", {"says": "second"})
    assert len(read_journal(environment.storage, OPS, "scene", first.run, "x").entries) == 2


def test_an_edited_entry_is_noticed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    written = begun(environment)
    written.append("note", {"says": "truth"})
    written.append("end", {"outcome": "recovered"})
    name = f"{written.prefix}000002-note.json"
    stored = sandbox.store.get(OPS, name)
    assert stored is not None
    sandbox.store.put(OPS, name, stored.data.replace(b"truth", b"false"))
    with pytest.raises(ValueError, match="000003-end"):
        read_journal(environment.storage, OPS, "scene", written.run, "x")


def test_a_missing_entry_is_noticed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    written = begun(environment)
    written.append("note", {})
    written.append("end", {"outcome": "recovered"})
    sandbox.store.delete(OPS, f"{written.prefix}000002-note.json")
    with pytest.raises(ValueError, match="does not follow"):
        read_journal(environment.storage, OPS, "scene", written.run, "x")


def test_a_run_that_never_was_is_not_found(environment: PipelineEnvironment) -> None:
    with pytest.raises(NotFound):
        read_journal(environment.storage, OPS, "scene", "nothing", "x")


def test_past_runs_tell_what_came_of_each(environment: PipelineEnvironment) -> None:
    begun(environment, "20990101t000000z-1").append("end", {"outcome": "failed"})
    begun(environment, "20990102t000000z-2")
    runs = past_runs(environment.storage, OPS, "scene", hours=24)
    assert [(run.outcome, run.restart, run.stages) for run in runs] == [
        ("failed", ("usd",), ("usd", "replicator")),
        ("unfinished", ("usd",), ("usd", "replicator")),
    ]


def test_a_scene_whose_name_begins_like_another_is_not_mixed_up(environment: PipelineEnvironment) -> None:
    begun(environment)
    assert past_runs(environment.storage, OPS, "scen", hours=24) == []
    assert past_runs(environment.storage, OPS, "scene_2", hours=24) == []


def test_a_lost_answer_writes_the_entry_once(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    from deployments.sandbox.faults import FaultRule

    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="lost_answer", times=1))
    written = begun(environment)
    written.append("end", {"outcome": "recovered"})
    assert len(read_journal(environment.storage, OPS, "scene", written.run, "x").entries) == 2
