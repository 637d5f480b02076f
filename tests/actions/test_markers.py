"""A marker is written where nothing is, with the time of the work and its run, and removed while it is the run's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from blocks.errors import PermanentError
from deployments.sandbox.server import Sandbox
from tasks.actions.markers import WriteObject, write_object
from tasks.remediation.context import Context
from tests.actions.test_objects import NAME, put
from tests.actions.test_objects_undo import DATUM, INPUT, MARKER, content
from tests.remediation.world import DATA, apply, doing, inverse, look


def test_a_marker_is_written_with_time_and_run_and_never_over_another(context: Context, sandbox: Sandbox) -> None:
    acting = doing(context, write_object, WriteObject(name=NAME, payload={"status": "completed"}))
    assert look(write_object, acting) is None
    assert apply(write_object, acting) == "written"
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert b'"timestamp"' in live.data
    assert acting.journal.run.encode() in live.data
    assert apply(write_object, acting) == "already there"
    assert look(write_object, acting) == "found there"
    after = sandbox.store.get(DATA, NAME)
    assert after is not None
    assert after.generation == live.generation


@pytest.mark.parametrize("name", [INPUT, "scenes/b/usd/x", "scenes/a/"])
def test_no_marker_is_written_over_an_input_or_elsewhere(context: Context, sandbox: Sandbox, name: str) -> None:
    with pytest.raises(PermanentError, match="Nothing was done to it"):
        apply(write_object, doing(context, write_object, WriteObject(name=name, payload={})))
    assert content(sandbox, name) is None


def test_a_marker_says_when_the_newest_of_its_outputs_was_written_and_by_which_run(
    context: Context, sandbox: Sandbox
) -> None:
    for number in range(3):
        written = sandbox.store.put(DATA, f"{DATUM}{number}", b"data", quiet=True)
        written.updated = datetime(2026, 1, 1 + number, tzinfo=UTC)
    by = tuple(f"{DATUM}{number}" for number in (1, 2, 0, 7))
    acting = doing(context, write_object, WriteObject(name=MARKER, payload={"status": "completed"}, dated_by=by))
    apply(write_object, acting)
    said = json.loads(content(sandbox, MARKER) or b"")
    assert (said["status"], said["remediation_run"]) == ("completed", acting.journal.run)
    assert said["timestamp"] == "2026-01-03T00:00:00Z"


def test_a_marker_of_outputs_that_are_not_there_is_of_now(context: Context, sandbox: Sandbox) -> None:
    before = datetime.now(UTC)
    apply(write_object, doing(context, write_object, WriteObject(name=MARKER, payload={}, dated_by=(DATUM,))))
    said = json.loads(content(sandbox, MARKER) or b"")
    assert before <= datetime.fromisoformat(said["timestamp"]) <= datetime.now(UTC)


def test_a_marker_that_was_written_is_removed_while_it_is_the_runs_own(context: Context, sandbox: Sandbox) -> None:
    acting = doing(context, write_object, WriteObject(name=NAME, payload={}))
    apply(write_object, acting)
    removal = inverse(write_object, acting)
    assert removal is not None
    assert (removal.kind, removal.params["name"]) == ("delete_object", NAME)
    put(sandbox, json.dumps({"status": "somebody else's"}).encode())
    assert inverse(write_object, acting) is None
