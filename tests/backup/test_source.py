"""What is copied and what is refused, before a single byte is written."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tests.backup.world import BACKUP, DATA, OPS, backup, copied_bytes, copies, done, fill, manifest, newest, summary_of
from tests.recovery.world import everything


def refused(environment: PipelineEnvironment, sandbox: Sandbox) -> str:
    """A backup that must be refused and leave nothing but the lease it gave back; why."""
    before = everything(sandbox.store)
    result = backup(environment)
    assert result.outcome == "refused", result.sentence()
    left = {name for bucket, name, *_ in everything(sandbox.store).found - before.found}
    assert all(name.startswith("remediation/leases/") for name in left), left
    return " ".join(result.reasons)


def test_an_empty_source_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    assert "an empty source is never backed up" in refused(environment, sandbox)


def test_a_source_of_nothing_but_locks_is_empty(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.store.put(DATA, "scenes/kitchen_001/locks/usd.lock", b"{}")
    assert "an empty source is never backed up" in refused(environment, sandbox)


def test_a_source_that_was_emptied_after_a_good_night_is_refused(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = fill(sandbox.store, 30)
    night = done(environment)
    for name in names:
        sandbox.store.delete(DATA, name)
    assert "an empty source is never backed up" in refused(environment, sandbox)
    assert newest(environment) == night


@pytest.mark.parametrize(
    ("deleted", "number", "percent", "goes_on"),
    [(30, 20, 10.0, False), (30, 40, 10.0, True), (30, 20, 40.0, True), (0, 0, 0.0, True)],
)
def test_a_source_that_shrank_beyond_number_and_percent_is_refused(
    environment: PipelineEnvironment, sandbox: Sandbox, deleted: int, number: int, percent: float, goes_on: bool
) -> None:
    names = fill(sandbox.store, 100)
    done(environment)
    for name in names[:deleted]:
        sandbox.store.delete(DATA, name)
    environment.backup.shrink_objects, environment.backup.shrink_percent = number, percent
    if goes_on:
        assert backup(environment).good
    else:
        assert "30 (30 %) fewer than in night" in refused(environment, sandbox)


def test_a_missing_sentinel_refuses(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    environment.backup.sentinel = "scenes/.sentinel"
    assert "sentinel gs://sandbox-scenes/scenes/.sentinel is missing" in refused(environment, sandbox)
    sandbox.store.put(DATA, "scenes/.sentinel", b"here")
    assert backup(environment).good


def test_a_prefix_that_cannot_be_read_refuses(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    environment.data_bucket = "no-such-bucket"
    assert "cannot be read, so nothing is concluded" in refused(environment, sandbox)


def test_a_backup_into_the_source_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    environment.backup_bucket, environment.backup_prefix = DATA, "scenes/backup"
    said = refused(environment, sandbox)
    assert "The backup bucket is the data bucket" in said
    assert "would back up its own copies" in said


def test_a_night_over_the_caps_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 10, size=40)
    environment.backup.max_copy_objects = 9
    assert "10 objects are to be copied; the policy's max_copy_objects is 9" in refused(environment, sandbox)
    environment.backup.max_copy_objects, environment.backup.max_copy_bytes = 10, 399
    assert "max_copy_bytes is 399 B" in refused(environment, sandbox)
    environment.backup.max_copy_bytes = 400
    assert backup(environment).outcome == "done"


def test_a_plan_writes_nothing_at_all(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 10)
    before = everything(sandbox.store)
    result = backup(environment, "plan")
    assert result.outcome == "planned"
    assert result.plan is not None
    assert [action.target for action in result.plan.actions][:2] == [
        "10 objects of class data",
        "manifest of 10 objects",
    ]
    assert everything(sandbox.store) == before


def test_locks_and_idempotency_records_are_never_copied_and_markers_are_recorded(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_scene(sandbox.store, DATA, "kitchen_001", "kitchen", objects=2)
    for path in ("locks/genie-sim.lock", "geniesim/idempotency/key_1.json"):
        sandbox.store.put(DATA, f"scenes/kitchen_001/{path}", b"{}", quiet=True)
    done(environment)
    named = manifest(environment)
    assert not [name for name in (*named, *copies(sandbox.store)) if "/locks/" in name or "/idempotency/" in name]
    live = {found.name for found in sandbox.store.list(DATA, "scenes/")}
    assert live - set(named) == {
        "scenes/kitchen_001/locks/genie-sim.lock",
        "scenes/kitchen_001/geniesim/idempotency/key_1.json",
    }
    assert named["scenes/kitchen_001/assets/.regen3d_complete"].object_class == "completion_marker"
    assert copied_bytes(environment, sandbox.store, named["scenes/kitchen_001/assets/.regen3d_complete"])


def test_a_change_that_keeps_the_size_is_caught(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    (name,) = fill(sandbox.store, 1)
    before = sandbox.store.get(DATA, name)
    done(environment)
    assert before is not None
    sandbox.store.put(DATA, name, bytes(reversed(before.data)), at=before.updated)
    done(environment)
    entry = manifest(environment)[name]
    assert copied_bytes(environment, sandbox.store, entry) == bytes(reversed(before.data))
    assert entry.size == before.size
    assert newest(environment).copied.objects == 1


def test_nothing_to_do_copies_nothing_and_still_records_the_night(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 20)
    first, there = done(environment), copies(sandbox.store)
    sandbox.requests.reset()
    result = backup(environment)
    summary = summary_of(result)
    assert (result.outcome, summary.outcome) == ("done", "nothing to do")
    assert (summary.objects, summary.copied.objects) == (20, 0)
    assert summary.previous_night == first.night
    assert copies(sandbox.store) == there
    assert sandbox.requests.count("storage", "objects.rewrite") == 0


def test_the_ops_bucket_is_no_place_for_backups(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    environment.backup_bucket = OPS
    assert "leases are given back" in refused(environment, sandbox)
    assert BACKUP != OPS
