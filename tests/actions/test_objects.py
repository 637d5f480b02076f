"""Actions on objects: done with the precondition of the plan, undoable, and recognised when they were done before."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError
from deployments.sandbox.server import Sandbox
from tasks.actions.history import quarantine_name
from tasks.actions.objects import (
    DeleteObject,
    RestoreObject,
    delete_object,
    restore_marker,
    restore_object,
)
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tests.remediation.world import BACKUP, DATA, OPS, apply, doing, inverse, look

NAME = "scenes/a/assets/.regen3d_complete"


def deleting(context: Context, generation: int, name: str = NAME, **more: Any) -> Doing:
    return doing(context, delete_object, DeleteObject(name=name, generation=generation, **more))


def put(sandbox: Sandbox, data: bytes = b"{}", bucket: str = DATA) -> int:
    return sandbox.store.put(bucket, NAME, data, quiet=True).generation


def test_a_deletion_removes_the_generation_that_was_seen(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox)
    assert apply(delete_object, deleting(context, generation)) == "deleted"
    assert sandbox.store.get(DATA, NAME) is None


def test_a_newer_generation_is_left_alone(context: Context, sandbox: Sandbox) -> None:
    old = put(sandbox, b"old")
    new = put(sandbox, b"new")
    assert "left alone" in apply(delete_object, deleting(context, old))
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert live.generation == new


def test_what_is_gone_already_is_no_error(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox)
    sandbox.store.delete(DATA, NAME)
    for copy_first in (False, True):
        acting = deleting(context, generation, copy_first=copy_first)
        assert apply(delete_object, acting) == "already gone"


def test_without_history_a_copy_is_kept_before_the_deletion(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"precious")
    apply(delete_object, deleting(context, generation, copy_first=True))
    kept = sandbox.store.get(OPS, quarantine_name("a", NAME, generation))
    assert kept is not None
    assert kept.data == b"precious"
    assert sandbox.store.get(DATA, NAME) is None


def test_an_object_with_the_longest_name_is_kept_before_its_deletion_too(context: Context, sandbox: Sandbox) -> None:
    name = "scenes/a/assets/" + "x" * 1008
    generation = sandbox.store.put(DATA, name, b"precious", quiet=True).generation
    assert apply(delete_object, deleting(context, generation, name, copy_first=True)) == "deleted"
    kept = sandbox.store.get(OPS, quarantine_name("a", name, generation))
    assert kept is not None
    assert kept.data == b"precious"


def test_a_foreign_object_in_the_quarantine_stops_the_deletion(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"precious")
    sandbox.store.put(OPS, quarantine_name("a", NAME, generation), b"something else")
    with pytest.raises(PermanentError, match="nothing was deleted"):
        apply(delete_object, deleting(context, generation, copy_first=True))
    assert sandbox.store.get(DATA, NAME) is not None


def test_a_copy_made_before_the_process_died_is_used(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"precious")
    acting = deleting(context, generation, copy_first=True)
    live = context.environment.storage.stat(DATA, NAME)
    assert live is not None
    context.environment.storage.copy(live, OPS, quarantine_name("a", NAME, generation))
    assert apply(delete_object, acting) == "deleted"


def test_looking_tells_a_done_deletion_from_one_to_do(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox)
    acting = deleting(context, generation)
    assert look(delete_object, acting) is None
    put(sandbox, b"newer")
    assert look(delete_object, acting) == "found replaced"
    sandbox.store.delete(DATA, NAME)
    assert look(delete_object, acting) == "found gone"


def restoring(
    context: Context, environment: PipelineEnvironment, live: int, source: str, bucket: str, **more: Any
) -> Doing:
    options = {"soft_deleted": True} if source == "soft_delete" else {"versions": source == "version"}
    found = [o for o in environment.storage.list(bucket, NAME, **options) if source == "backup" or not o.is_live]
    params = {
        "name": NAME,
        "live_generation": live,
        "source": source,
        "source_bucket": bucket,
        "source_name": NAME,
        "generation": found[-1].generation,
        "crc32c": found[-1].crc32c,
    }
    return doing(context, restore_object, RestoreObject(**(params | more)))


def test_a_soft_deleted_object_comes_back(context: Context, environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    put(sandbox, b"good")
    sandbox.store.delete(DATA, NAME)
    acting = restoring(context, environment, 0, "soft_delete", DATA)
    assert look(restore_object, acting) is None
    apply(restore_object, acting)
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert live.data == b"good"
    assert look(restore_object, acting) == "found restored"


def test_a_backup_copy_replaces_only_the_bad_generation(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    put(sandbox, b"good", bucket=BACKUP)
    bad = put(sandbox, b"bad!")
    acting = restoring(context, environment, bad, "backup", BACKUP)
    assert look(restore_object, acting) is None
    apply(restore_object, acting)
    live = sandbox.store.get(DATA, NAME)
    assert live is not None
    assert live.data == b"good"


def test_a_copy_that_went_away_since_the_plan_is_said(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    put(sandbox, b"good", bucket=BACKUP)
    acting = restoring(context, environment, 0, "backup", BACKUP, generation=12345)
    with pytest.raises(NotFound, match="plan again"):
        apply(restore_object, acting)


@pytest.mark.parametrize(
    "name",
    [
        "scenes/b/assets/.regen3d_complete",
        "scenes/a",
        "scenes/a/",
        "scenes/ab/x",
        "automation/.paused",
        "scenes/a/input/photo.jpg",
        "scenes/a/geniesim/.circuit_breaker.json",
    ],
)
def test_whatever_a_plan_says_no_other_scene_and_no_input_is_deleted(
    context: Context, sandbox: Sandbox, name: str
) -> None:
    generation = sandbox.store.put(DATA, name, b"theirs", quiet=True).generation
    with pytest.raises(PermanentError, match="Nothing was done to it"):
        apply(delete_object, deleting(context, generation, name))
    assert sandbox.store.get(DATA, name) is not None


def test_history_switched_off_since_the_plan_means_a_copy_first(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    generation = put(sandbox, b"precious")
    bucket = environment.storage.client().get_bucket(DATA)
    bucket.versioning_enabled, bucket.soft_delete_policy.retention_duration_seconds = False, 0
    bucket.patch()
    assert apply(delete_object, deleting(context, generation)) == "deleted"
    kept = sandbox.store.get(OPS, quarantine_name("a", NAME, generation))
    assert kept is not None
    assert kept.data == b"precious"


def test_a_deleted_marker_is_restored_as_a_start_and_data_as_a_write(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"marker")
    acting = deleting(context, generation)
    apply(delete_object, acting)
    back = inverse(delete_object, acting)
    assert back is not None
    assert (back.kind, back.effect, back.step) == (restore_marker.name, "start", "restore markers")


def test_what_was_made_again_since_is_not_undone(context: Context, sandbox: Sandbox) -> None:
    generation = put(sandbox, b"old")
    acting = deleting(context, generation)
    apply(delete_object, acting)
    put(sandbox, b"made again")
    assert inverse(delete_object, acting) is None


def test_a_generation_of_which_no_copy_is_left_is_said(context: Context) -> None:
    with pytest.raises(NoWayBack, match="no copy of generation 77 is left"):
        inverse(delete_object, deleting(context, 77))
