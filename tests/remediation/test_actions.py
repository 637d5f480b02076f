"""Actions on objects: done with the precondition of the plan, undoable, and recognised when they were done before."""

from __future__ import annotations

from typing import Any

import pytest
from tasks.remediation.actions import (
    Doing,
    delete_object,
    look_deleted,
    look_restored,
    look_written,
    quarantine_name,
    restore_object,
    write_object,
)

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.plan import Action, Effect, Kind

DATA, OPS, BACKUP = "sandbox-scenes", "sandbox-ops", "sandbox-backup"
NAME = "scenes/a/assets/.regen3d_complete"


def doing(context: Context, kind: Kind, effect: Effect, **params: Any) -> Doing:
    storage = context.environment.storage
    action = Action(
        step="s",
        kind=kind,
        effect=effect,
        target=NAME,
        precondition="",
        undo="",
        why="",
        params={"name": NAME, **params},
    )
    return Doing(context, Journal(storage, OPS, "a", "run-1", "tester"), action)


def put(sandbox: Sandbox, data: bytes = b"{}", bucket: str = DATA) -> int:
    return sandbox.store.put(bucket, NAME, data, quiet=True).generation


def test_a_deletion_removes_the_generation_that_was_seen(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox)
    assert delete_object(doing(context, "delete_object", "delete", generation=generation)) == "deleted"
    assert sandbox.store.get(DATA, NAME) is None


def test_a_newer_generation_is_left_alone(context: Context, sandbox: Sandbox) -> None:
    old = put(sandbox, b"old")
    new = put(sandbox, b"new")
    assert "left alone" in delete_object(doing(context, "delete_object", "delete", generation=old))
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert live.generation == new


def test_what_is_gone_already_is_no_error(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox)
    sandbox.store.delete(DATA, NAME)
    for copy_first in (False, True):
        acting = doing(context, "delete_object", "delete", generation=generation, copy_first=copy_first)
        assert delete_object(acting) == "already gone"


def test_without_history_a_copy_is_kept_before_the_deletion(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"precious")
    delete_object(doing(context, "delete_object", "delete", generation=generation, copy_first=True))
    kept = sandbox.store.get(OPS, quarantine_name("a", NAME, generation))
    assert kept is not None
    assert kept.data == b"precious"
    assert sandbox.store.get(DATA, NAME) is None


def test_a_foreign_object_in_the_quarantine_stops_the_deletion(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"precious")
    sandbox.store.put(OPS, quarantine_name("a", NAME, generation), b"something else")
    with pytest.raises(PermanentError, match="nothing was deleted"):
        delete_object(doing(context, "delete_object", "delete", generation=generation, copy_first=True))
    assert sandbox.store.get(DATA, NAME) is not None


def test_a_copy_made_before_the_process_died_is_used(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"precious")
    acting = doing(context, "delete_object", "delete", generation=generation, copy_first=True)
    live = context.environment.storage.stat(DATA, NAME)
    assert live is not None
    context.environment.storage.copy(live, OPS, quarantine_name("a", NAME, generation))
    assert delete_object(acting) == "deleted"


def test_looking_tells_a_done_deletion_from_one_to_do(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox)
    acting = doing(context, "delete_object", "delete", generation=generation)
    assert look_deleted(acting) is None
    put(sandbox, b"newer")
    assert look_deleted(acting) == "found replaced"
    sandbox.store.delete(DATA, NAME)
    assert look_deleted(acting) == "found gone"


def restoring(
    context: Context, environment: PipelineEnvironment, live: int, source: str, bucket: str, **more: Any
) -> Doing:
    options = {"soft_deleted": True} if source == "soft_delete" else {"versions": source == "version"}
    found = [o for o in environment.storage.list(bucket, NAME, **options) if source == "backup" or not o.is_live]
    params = {
        "live_generation": live,
        "source": source,
        "source_bucket": bucket,
        "source_name": NAME,
        "generation": found[-1].generation,
        "crc32c": found[-1].crc32c,
    }
    return doing(context, "restore_object", "write", **(params | more))


def test_a_soft_deleted_object_comes_back(context: Context, environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    put(sandbox, b"good")
    sandbox.store.delete(DATA, NAME)
    acting = restoring(context, environment, 0, "soft_delete", DATA)
    assert look_restored(acting) is None
    restore_object(acting)
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert live.data == b"good"
    assert look_restored(acting) == "found restored"


def test_a_backup_copy_replaces_only_the_bad_generation(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    put(sandbox, b"good", bucket=BACKUP)
    bad = put(sandbox, b"bad!")
    acting = restoring(context, environment, bad, "backup", BACKUP)
    assert look_restored(acting) is None
    restore_object(acting)
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert live.data == b"good"


def test_a_copy_that_went_away_since_the_plan_is_said(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    put(sandbox, b"good", bucket=BACKUP)
    acting = restoring(context, environment, 0, "backup", BACKUP, generation=12345)
    with pytest.raises(NotFound, match="plan again"):
        restore_object(acting)


def test_a_marker_is_written_with_time_and_run_and_never_over_another(context: Context, sandbox: Sandbox) -> None:
    acting = doing(context, "write_object", "write", payload={"status": "completed"})
    assert look_written(acting) is None
    assert write_object(acting) == "written"
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert b'"timestamp"' in live.data
    assert b"run-1" in live.data
    assert write_object(acting) == "already there"
    assert look_written(acting) == "found there"
    after = sandbox.store.get(DATA, NAME)
    assert after is not None
    assert after.generation == live.generation
