"""What an action on an object leaves behind is taken back only while it is the run's own, and never past the rules."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.actions.history import quarantine_name
from tasks.actions.objects import (
    DeleteObject,
    RestoreObject,
    delete_object,
    kept,
    restore_object,
)
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tasks.remediation.plan import Plan
from tests.remediation.world import DATA, OPS, apply, doing, inverse, look

DATUM = "scenes/a/usd/scene.usda"
MARKER = "scenes/a/assets/.regen3d_complete"
LOCK = "scenes/a/locks/usd-assembly.lock"
INPUT = "scenes/a/input/photo.jpg"


def put(sandbox: Sandbox, name: str, data: bytes = b"data", bucket: str = DATA) -> int:
    return sandbox.store.put(bucket, name, data, quiet=True).generation


def content(sandbox: Sandbox, name: str) -> bytes | None:
    found = sandbox.store.get(DATA, name)
    return None if found is None else found.data


def without_history(sandbox: Sandbox) -> None:
    settings = sandbox.store.bucket(DATA).settings
    settings.versioning, settings.soft_delete_seconds = False, 0


def deleting(context: Context, name: str, generation: int, **more: Any) -> Doing:
    return doing(context, delete_object, DeleteObject(name=name, generation=generation, **more))


def restoring(context: Context, name: str, live: int, good: int, crc32c: str, **more: Any) -> Doing:
    """Put the backup's copy of that name back."""
    params = {"source": "backup", "source_bucket": "sandbox-backup", "source_name": name, "generation": good}
    told = RestoreObject.model_validate({"name": name, "live_generation": live, "crc32c": crc32c} | params | more)
    return doing(context, restore_object, told)


def backed_up(context: Context, sandbox: Sandbox, name: str, live: int, **more: Any) -> Doing:
    good = sandbox.store.put("sandbox-backup", name, b"good", quiet=True)
    return restoring(context, name, live, good.generation, good.crc32c, **more)


def test_a_deleted_datum_comes_back_where_nothing_is(context: Context, sandbox: Sandbox) -> None:
    acting = deleting(context, DATUM, put(sandbox, DATUM))
    apply(delete_object, acting)
    back = inverse(delete_object, acting)
    assert back is not None
    assert (back.kind, back.effect, back.precondition, back.replaced) == ("restore_object", "write", "absent", 0)
    again = doing(context, restore_object, restore_object.read(back))
    assert apply(restore_object, again) == "restored from soft delete"
    assert content(sandbox, DATUM) == b"data"


@pytest.mark.parametrize(
    ("path", "starts", "triggers"),
    [
        ("assets/.regen3d_complete", True, ("usd-assembly-trigger", "genie-sim-export-trigger")),
        ("layout/scene_layout.json", True, ("objects-trigger",)),
        ("geniesim/.failed", True, ()),
        ("usd/scene.usda", False, ()),
        ("images/source.jpg", False, ()),
    ],
)
def test_what_starts_workflows_is_restored_as_a_start_that_names_them(
    context: Context, sandbox: Sandbox, path: str, starts: bool, triggers: tuple[str, ...]
) -> None:
    name = f"scenes/a/{path}"
    acting = deleting(context, name, put(sandbox, name))
    sandbox.store.delete(DATA, name)
    back = inverse(delete_object, acting)
    assert back is not None
    assert (back.kind, back.effect) == (("restore_marker", "start") if starts else ("restore_object", "write"))
    assert all(trigger in back.why for trigger in triggers)


def test_a_lock_is_neither_brought_back_nor_restored(context: Context, sandbox: Sandbox) -> None:
    acting = deleting(context, LOCK, put(sandbox, LOCK))
    apply(delete_object, acting)
    assert inverse(delete_object, acting) is None
    with pytest.raises(PermanentError, match="of the class lock and never touched so"):
        apply(restore_object, backed_up(context, sandbox, LOCK, 0))
    assert content(sandbox, LOCK) is None


@pytest.mark.parametrize("history", [True, False])
@pytest.mark.parametrize("copy_first", [True, False])
def test_what_a_restore_replaces_is_kept_and_comes_back(
    context: Context, sandbox: Sandbox, history: bool, copy_first: bool
) -> None:
    if not history:
        without_history(sandbox)
    bad = put(sandbox, DATUM, b"bad")
    acting = backed_up(context, sandbox, DATUM, bad, copy_first=copy_first)
    apply(restore_object, acting)
    assert content(sandbox, DATUM) == b"good"
    copied = sandbox.store.get(OPS, quarantine_name("a", DATUM, bad)) is not None
    assert copied == (copy_first or not history)
    back = inverse(restore_object, acting)
    assert back is not None
    assert (back.replaced, back.replaced_bytes, back.undo) == (1, 3, "undo this run")
    apply(restore_object, doing(context, restore_object, restore_object.read(back)))
    assert content(sandbox, DATUM) == b"bad"


def test_a_restore_touches_nothing_but_the_generation_that_was_seen(context: Context, sandbox: Sandbox) -> None:
    acting = backed_up(context, sandbox, DATUM, put(sandbox, DATUM, b"bad"))
    put(sandbox, DATUM, b"somebody's")
    with pytest.raises(PreconditionFailed):
        apply(restore_object, acting)
    absent = backed_up(context, sandbox, DATUM, 0)
    with pytest.raises(PreconditionFailed):
        apply(restore_object, absent)
    assert content(sandbox, DATUM) == b"somebody's"


def test_a_soft_deleted_copy_takes_the_place_of_the_bad_one(context: Context, sandbox: Sandbox) -> None:
    good = put(sandbox, DATUM, b"good")
    sandbox.store.delete(DATA, DATUM)
    put(sandbox, DATUM, b"between")
    sandbox.store.delete(DATA, DATUM)
    bad = put(sandbox, DATUM, b"bad")
    found = next(
        one for one in context.environment.storage.list(DATA, DATUM, soft_deleted=True) if one.generation == good
    )
    source = {"source": "soft_delete", "source_bucket": DATA}
    acting = restoring(context, DATUM, bad, good, found.crc32c, **source)
    assert apply(restore_object, acting) == "restored from soft delete"
    assert content(sandbox, DATUM) == b"good"
    gone = restoring(context, DATUM, 0, good + 1, found.crc32c, **source)
    with pytest.raises(NotFound, match="is gone; plan again"):
        apply(restore_object, gone)


@pytest.mark.parametrize(
    ("live", "found"), [(b"bad", None), (b"good", "found restored"), (b"somebody's", None), (None, None)]
)
def test_looking_knows_a_restored_object_by_its_bytes(
    context: Context, sandbox: Sandbox, live: bytes | None, found: str | None
) -> None:
    bad = put(sandbox, DATUM, b"bad")
    acting = backed_up(context, sandbox, DATUM, bad)
    if live is None:
        sandbox.store.delete(DATA, DATUM)
    elif live != b"bad":
        put(sandbox, DATUM, live)
    assert look(restore_object, acting) == found


def test_what_was_put_where_nothing_was_is_removed_while_it_lives(context: Context, sandbox: Sandbox) -> None:
    acting = backed_up(context, sandbox, DATUM, 0)
    apply(restore_object, acting)
    removal = inverse(restore_object, acting)
    assert removal is not None
    live = sandbox.store.get(DATA, DATUM)
    assert live is not None
    assert (removal.kind, removal.params["generation"], removal.bytes) == ("delete_object", live.generation, 4)
    put(sandbox, DATUM, b"somebody's")
    assert inverse(restore_object, acting) is None
    sandbox.store.delete(DATA, DATUM)
    assert inverse(restore_object, acting) is None


def test_an_input_that_was_put_back_is_removed_by_nobody_but_a_person(context: Context, sandbox: Sandbox) -> None:
    acting = backed_up(context, sandbox, INPUT, 0)
    apply(restore_object, acting)
    with pytest.raises(NoWayBack, match=r"nothing here deletes it\. Remove it by hand"):
        inverse(restore_object, acting)


def test_what_was_replaced_and_is_kept_nowhere_is_said(context: Context, sandbox: Sandbox) -> None:
    without_history(sandbox)
    bad = put(sandbox, DATUM, b"bad")
    acting = backed_up(context, sandbox, DATUM, bad)
    apply(restore_object, acting)
    sandbox.store.delete(OPS, quarantine_name("a", DATUM, bad))
    with pytest.raises(NoWayBack, match=f"cannot be put back: no copy of generation {bad} is left"):
        inverse(restore_object, acting)


def test_a_source_that_is_gone_while_it_is_copied_is_no_error(context: Context, sandbox: Sandbox) -> None:
    acting = deleting(context, DATUM, put(sandbox, DATUM), copy_first=True)
    draw = sandbox.faults.draw

    def vanish(service: str, method: str, kinds: Any = None) -> FaultRule | None:
        if method == "objects.rewrite":
            sandbox.store.delete(DATA, DATUM)
        return draw(service, method, kinds)

    sandbox.faults.draw = vanish  # type: ignore[method-assign]
    assert apply(delete_object, acting) == "already gone"


def test_a_missing_bucket_for_the_copy_is_an_error_and_nothing_is_deleted(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    acting = deleting(context, DATUM, put(sandbox, DATUM), copy_first=True)
    environment.ops_bucket = "no-such-bucket"
    with pytest.raises(NotFound):
        apply(delete_object, acting)
    assert content(sandbox, DATUM) == b"data"


def test_objects_under_a_hold_are_named_whether_they_are_deleted_or_replaced(
    context: Context, environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = [f"{DATUM}{number}" for number in range(4)]
    generations = {name: put(sandbox, name) for name in names}
    bucket = environment.storage.client().bucket(DATA)
    for name in names[:3]:
        blob = bucket.get_blob(name)
        assert blob is not None
        blob.temporary_hold = True
        blob.patch()
    acting = [
        deleting(context, names[0], generations[names[0]]),
        backed_up(context, sandbox, names[1], generations[names[1]]),
        backed_up(context, sandbox, names[2], 0),  # it replaces nothing that was seen
        deleting(context, names[3], generations[names[3]]),
    ]
    told = " ".join(kept(context, Plan(procedure="p", subject="a", actions=tuple(one.action for one in acting))))
    assert [name in told for name in names] == [True, True, False, False]
    assert kept(context, Plan(procedure="p", subject="a")) == []
